#include "steps/paired_tests.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace rankflow {
namespace {

constexpr std::int64_t exact_below = 25;

}  // namespace

McNemar mcnemar(std::int64_t only_first, std::int64_t only_second) {
  McNemar test{only_first, only_second};
  const std::int64_t differ = only_first + only_second;
  if (differ < exact_below) {
    test.exact = true;
    if (differ == 0) return test;
    const boost::math::binomial_distribution<double> chance(static_cast<double>(differ), 0.5);
    test.p_value =
        std::min(1.0, 2 * boost::math::cdf(chance, static_cast<double>(std::min(only_first, only_second))));
    return test;
  }
  const double excess = std::max(0.0, std::abs(static_cast<double>(only_first - only_second)) - 1);
  test.statistic = excess * excess / static_cast<double>(differ);
  test.p_value = boost::math::cdf(
      boost::math::complement(boost::math::chi_squared_distribution<double>(1), test.statistic));
  return test;
}

PairedT paired_t(std::span<const double> differences) {
  PairedT test;
  const auto n = static_cast<double>(differences.size());
  for (const double d : differences) test.mean += d;
  if (n > 0) test.mean /= n;
  double squares = 0;
  for (const double d : differences) squares += (d - test.mean) * (d - test.mean);
  test.degrees_of_freedom = std::max<std::int64_t>(0, std::ssize(differences) - 1);
  if (squares == 0 || test.degrees_of_freedom == 0) {
    test.p_value = test.mean == 0 ? 1 : 0;
    return test;
  }
  const auto degrees = static_cast<double>(test.degrees_of_freedom);
  test.deviation = std::sqrt(squares / degrees);
  test.t = test.mean / (test.deviation / std::sqrt(n));
  const boost::math::students_t_distribution<double> chance(degrees);
  test.p_value = 2 * boost::math::cdf(boost::math::complement(chance, std::abs(test.t)));
  return test;
}

Json paired_test(std::span<const ClassOutcome> model, std::span<const ClassOutcome> baseline) {
  std::int64_t only_model = 0, only_baseline = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const bool right = model[i].actual == model[i].predicted;
    const bool baseline_right = baseline[i].actual == baseline[i].predicted;
    only_model += right && !baseline_right;
    only_baseline += baseline_right && !right;
  }
  const McNemar test = mcnemar(only_model, only_baseline);
  Json result = {{"test", test.exact ? "McNemar, exact" : "McNemar, chi-squared with continuity correction"},
                 {"only_model_right", only_model},
                 {"only_baseline_right", only_baseline},
                 {"p_value", test.p_value}};
  if (!test.exact) result["statistic"] = test.statistic;
  return result;
}

Json paired_test(std::span<const NumberOutcome> model, std::span<const NumberOutcome> baseline) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const double error = model[i].predicted - model[i].actual,
                 other = baseline[i].predicted - baseline[i].actual;
    differences.push_back(error * error - other * other);
  }
  const PairedT test = paired_t(differences);
  return {{"test", "paired t of the squared errors"},
          {"mean_difference", test.mean},
          {"statistic", test.t},
          {"degrees_of_freedom", test.degrees_of_freedom},
          {"p_value", test.p_value}};
}

}  // namespace rankflow
