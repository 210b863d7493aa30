// Metrics, weighted metrics, intervals and paired tests against what scikit-learn, scipy and numpy say
// (metrics_fixture.json, made by tests/make_metrics_fixture.py).
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "io/json.h"
#include "steps/bootstrap.h"
#include "steps/class_curves.h"
#include "steps/metrics.h"
#include "steps/outcomes.h"
#include "steps/paired_tests.h"

namespace rankflow {
namespace {

const Json& fixture() {
  static const Json all = read_json(RANKFLOW_SOURCE_DIR "/tests/unit/heavy/metrics_fixture.json");
  return all;
}

std::vector<std::int64_t> all_rows(std::size_t rows) {
  std::vector<std::int64_t> all(rows);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void expect_values(const Measure& measure, const std::vector<std::string>& names, const Json& values,
                   std::span<const std::uint8_t> weights) {
  const auto measured = measure(weights);
  ASSERT_EQ(measured.size(), names.size());
  ASSERT_EQ(values.size(), names.size());
  for (std::size_t k = 0; k < names.size(); ++k)
    EXPECT_NEAR(measured[k], values.at(names[k]).get<double>(), 1e-12) << names[k];
}

void expect_both(const Measure& measure, const std::vector<std::string>& names, const Json& expected) {
  expect_values(measure, names, expected.at("plain"), {});
  expect_values(measure, names, expected.at("weighted"),
                expected.at("weights").get<std::vector<std::uint8_t>>());
}

std::vector<ClassOutcome> two_class_outcomes(const Json& expected, std::int32_t positive) {
  std::vector<ClassOutcome> outcomes;
  for (std::size_t i = 0; i < expected.at("actual").size(); ++i) {
    const double score = expected.at("score")[i];
    const bool happened = expected.at("actual")[i] == 1;
    ClassOutcome o;
    o.actual = happened ? positive : 1 - positive;
    o.predicted = score >= 0.5 ? positive : 1 - positive;
    o.probability = score;
    o.log_probability = std::log(happened ? score : 1 - score);
    o.brier = 2 * std::pow(score - (happened ? 1 : 0), 2);
    outcomes.push_back(o);
  }
  return outcomes;
}

TEST(MetricsFixture, TwoClassesWhicheverIsThePositiveOne) {
  const Json& expected = fixture().at("two_classes");
  for (const std::int32_t positive : {0, 1}) {
    const auto outcomes = two_class_outcomes(expected, positive);
    const ClassificationOptions options{{"a", "b"}, positive};
    expect_both(class_measure(outcomes, all_rows(outcomes.size()), options), class_metrics(true), expected);
  }
}

TEST(MetricsFixture, PrecisionAndRecallOfEveryThreshold) {
  const Json& expected = fixture().at("two_classes");
  const auto score = expected.at("score").get<std::vector<double>>();
  const auto actual = expected.at("actual").get<std::vector<std::int32_t>>();
  const auto curve = precision_recall_curve(score, actual, score.size());
  ASSERT_EQ(curve.size(), expected.at("precision_recall").size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_EQ(curve[i].threshold, expected.at("precision_recall")[i][0]);
    EXPECT_NEAR(curve[i].precision, expected.at("precision_recall")[i][1].get<double>(), 1e-12);
    EXPECT_NEAR(curve[i].recall, expected.at("precision_recall")[i][2].get<double>(), 1e-12);
  }
  EXPECT_NEAR(*average_precision(score, actual), expected.at("plain").at("average_precision").get<double>(),
              1e-12);
  EXPECT_FALSE(average_precision(score, std::vector<std::int32_t>(score.size(), 0)));
}

TEST(MetricsFixture, ThreeClasses) {
  const Json& expected = fixture().at("three_classes");
  std::vector<ClassOutcome> outcomes;
  for (std::size_t i = 0; i < expected.at("actual").size(); ++i) {
    const auto p = expected.at("probability")[i].get<std::vector<double>>();
    ClassOutcome o;
    o.actual = expected.at("actual")[i];
    o.predicted = static_cast<std::int32_t>(std::max_element(p.begin(), p.end()) - p.begin());
    o.probability = p[static_cast<std::size_t>(o.predicted)];
    o.log_probability = std::log(p[static_cast<std::size_t>(o.actual)]);
    for (std::int32_t c = 0; c < 3; ++c)
      o.brier += std::pow(p[static_cast<std::size_t>(c)] - (c == o.actual ? 1 : 0), 2);
    outcomes.push_back(o);
  }
  const ClassificationOptions options{{"a", "b", "c"}};
  expect_both(class_measure(outcomes, all_rows(outcomes.size()), options), class_metrics(false), expected);
}

TEST(MetricsFixture, EachClassAgainstTheOthers) {
  for (const Json& expected : fixture().at("one_against_others")) {
    ClassCurves curves(3);
    for (std::size_t i = 0; i < expected.at("actual").size(); ++i) {
      for (std::int64_t c = 0; c < 3; ++c)
        curves.add(c, std::log(expected.at("probability")[i][c].get<double>()),
                   expected.at("actual")[i] == c);
    }
    for (std::int64_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(*curves.auc(c), expected.at("auc")[c].get<double>(), 1e-9) << c;
      EXPECT_NEAR(*curves.average_precision(c), expected.at("average_precision")[c].get<double>(), 1e-9) << c;
    }
  }
}

TEST(MetricsFixture, AClassThatDoesNotOccurIsNotInTheMean) {
  const Json& expected = fixture().at("a_class_that_does_not_occur");
  const auto actual = expected.at("actual").get<std::vector<std::int32_t>>(),
             predicted = expected.at("predicted").get<std::vector<std::int32_t>>();
  const auto macro = macro_average(class_scores(confusion_matrix(actual, predicted, 5)));
  EXPECT_NEAR(macro.precision, expected.at("macro_precision").get<double>(), 1e-12);
  EXPECT_NEAR(macro.recall, expected.at("macro_recall").get<double>(), 1e-12);
  EXPECT_NEAR(macro.f1, expected.at("macro_f1").get<double>(), 1e-12);
  std::vector<ClassOutcome> outcomes;
  for (std::size_t i = 0; i < actual.size(); ++i)
    outcomes.push_back({actual[i], predicted[i], -0.1, 0.9, 0.02});
  const auto values = class_measure(outcomes, all_rows(outcomes.size()), {{"a", "b", "c", "d", "e"}})({});
  EXPECT_NEAR(values[3], macro.precision, 1e-12);
  EXPECT_NEAR(values[4], macro.recall, 1e-12);
  EXPECT_NEAR(values[5], macro.f1, 1e-12);
}

TEST(MetricsFixture, Numbers) {
  const Json& expected = fixture().at("numbers");
  std::vector<NumberOutcome> outcomes;
  for (std::size_t i = 0; i < expected.at("actual").size(); ++i)
    outcomes.push_back({expected.at("actual")[i], expected.at("predicted")[i]});
  expect_both(number_measure(outcomes, all_rows(outcomes.size())), number_metrics(), expected);
}

TEST(MetricsFixture, MeasuresOfOneClassHaveNoAuc) {
  const std::vector<ClassOutcome> outcomes(3, ClassOutcome{1, 1, -0.1, 0.9, 0.02});
  const auto values = class_measure(outcomes, all_rows(3), {{"a", "b"}})({});
  EXPECT_EQ(values[0], 1);
  EXPECT_TRUE(std::isnan(values[6]));
  const std::vector<std::uint8_t> nothing(3, 0);
  for (const double value : class_measure(outcomes, all_rows(3), {{"a", "b"}})(nothing))
    EXPECT_TRUE(std::isnan(value));
}

TEST(MetricsFixture, PairedTests) {
  const Json& expected = fixture().at("paired");
  const auto t = paired_t(expected.at("differences").get<std::vector<double>>());
  EXPECT_NEAR(t.t, expected.at("t").at("statistic").get<double>(), 1e-12);
  EXPECT_NEAR(t.p_value, expected.at("t").at("p_value").get<double>(), 1e-12);
  EXPECT_NEAR(t.mean, expected.at("t").at("mean").get<double>(), 1e-12);
  EXPECT_NEAR(t.deviation, expected.at("t").at("deviation").get<double>(), 1e-12);
  for (const auto& row : expected.at("mcnemar"))
    EXPECT_NEAR(mcnemar(row.at("b"), row.at("c")).p_value, row.at("p_value").get<double>(), 1e-12) << row;
  EXPECT_EQ(mcnemar(0, 0).p_value, 1);
  EXPECT_EQ(paired_t(std::vector<double>{0, 0, 0}).p_value, 1);
  EXPECT_EQ(paired_t(std::vector<double>{2, 2}).p_value, 0);
}

TEST(Bootstrap, PercentilesAreThoseOfNumpy) {
  const Json& expected = fixture().at("percentiles");
  auto samples = expected.at("samples").get<std::vector<double>>();
  const auto plain = percentile_interval(samples, 0.9);
  ASSERT_TRUE(plain);
  EXPECT_NEAR(plain->low, expected.at("low").get<double>(), 1e-12);
  EXPECT_NEAR(plain->high, expected.at("high").get<double>(), 1e-12);
  samples.insert(samples.end(), 200, std::nan(""));
  EXPECT_NEAR(percentile_interval(samples, 0.9)->low, plain->low, 0);
  samples.insert(samples.end(), 2, std::nan(""));
  EXPECT_FALSE(percentile_interval(samples, 0.9));
}

TEST(Bootstrap, WeightsArePoissonAndDifferBetweenSamplesAndSeeds) {
  std::vector<std::uint8_t> weights(200000), other(weights.size());
  poisson_weights(1, 0, weights);
  std::vector<double> share(6);
  for (const auto w : weights) {
    if (w < share.size()) share[w] += 1.0 / static_cast<double>(weights.size());
  }
  // Within five standard errors of the probability.
  for (std::size_t k = 0; k < share.size(); ++k) {
    const double p = fixture().at("poisson")[k];
    EXPECT_NEAR(share[k], p, 5 * std::sqrt(p * (1 - p) / static_cast<double>(weights.size()))) << k;
  }
  const auto same = [&] {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) count += weights[i] == other[i];
    return static_cast<double>(count) / static_cast<double>(weights.size());
  };
  poisson_weights(1, 0, other);
  EXPECT_EQ(same(), 1);
  for (const auto& [seed, sample] : {std::pair{1, 1}, std::pair{2, 0}}) {
    poisson_weights(static_cast<std::uint64_t>(seed), sample, other);
    EXPECT_NEAR(same(), 0.3085, 0.01);  // sum over k of P(k)²
  }
}

}  // namespace
}  // namespace rankflow
