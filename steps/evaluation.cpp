#include "steps/evaluation.h"

#include <cmath>

namespace rankflow {
namespace {

constexpr std::size_t curve_points = 1001;

template <typename Outcome, typename T>
std::vector<T> each(std::span<const Outcome> outcomes, T Outcome::*member) {
  std::vector<T> values;
  values.reserve(outcomes.size());
  for (const auto& o : outcomes) values.push_back(o.*member);
  return values;
}

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

/// What only two classes have: metrics about the positive one.
void add_binary(Evaluation& evaluation, std::span<const double> probability,
                std::span<const std::int32_t> happened, const std::vector<ClassScores>& scores,
                const ClassificationOptions& options) {
  const ClassScores& positive = scores[static_cast<std::size_t>(options.positive)];
  Json& metrics = evaluation.metrics;
  metrics["positive_class"] = options.classes[static_cast<std::size_t>(options.positive)];
  metrics["threshold"] = options.threshold;
  metrics["precision"] = positive.precision;
  metrics["recall"] = positive.recall;
  metrics["f1"] = positive.f1;
  metrics["auc"] = or_null(roc_auc(probability, happened));
  metrics["average_precision"] = or_null(average_precision(probability, happened));
  metrics["base_rate"] = static_cast<double>(positive.rows) / static_cast<double>(happened.size());
  metrics["brier"] =
      metrics.at("brier").get<double>() / 2;  // of the positive class alone, as it is for two classes
  evaluation.curves = {{metrics["positive_class"], roc_curve(probability, happened, curve_points),
                        precision_recall_curve(probability, happened, curve_points), metrics["base_rate"]}};
}

/// What more classes have: metrics of each against the others, and the means of those that have a value.
void add_one_against_others(Evaluation& evaluation, ClassCurves& curves,
                            const std::vector<ClassScores>& scores, double rows) {
  std::vector<double> areas, precisions;
  for (std::size_t c = 0; c < scores.size(); ++c) {
    const auto of_class = static_cast<std::int64_t>(c);
    Json& metrics = evaluation.metrics["classes"][c];
    const auto area = curves.auc(of_class), precision = curves.average_precision(of_class);
    metrics["auc"] = or_null(area);
    metrics["average_precision"] = or_null(precision);
    if (area) areas.push_back(*area);
    if (precision) precisions.push_back(*precision);
    evaluation.curves.push_back({evaluation.classes[c], thinned(curves.roc(of_class), curve_points),
                                 thinned(curves.precision_recall(of_class), curve_points),
                                 static_cast<double>(scores[c].rows) / rows});
  }
  evaluation.metrics["macro_auc"] = areas.empty() ? Json() : Json(mean(areas));
  evaluation.metrics["macro_average_precision"] = precisions.empty() ? Json() : Json(mean(precisions));
}

}  // namespace

Evaluation evaluate_classes(std::span<const ClassOutcome> outcomes, ClassCurves& curves,
                            const ClassificationOptions& options) {
  const auto actual = each(outcomes, &ClassOutcome::actual);
  const auto predicted = each(outcomes, &ClassOutcome::predicted);
  const auto probability = each(outcomes, &ClassOutcome::probability);
  std::vector<std::int32_t> happened;  // what the probability is about
  for (const auto& o : outcomes)
    happened.push_back(options.binary() ? o.actual == options.positive : o.actual == o.predicted);

  Evaluation evaluation;
  evaluation.classes = options.classes;
  evaluation.names = class_metrics(options.binary());
  evaluation.confusion = confusion_matrix(actual, predicted, std::ssize(options.classes));
  evaluation.calibration = calibration_table(probability, happened, options.calibration_bins);
  const auto scores = class_scores(evaluation.confusion);
  const auto macro = macro_average(scores);
  evaluation.metrics = {{"task", "classification"},
                        {"rows", outcomes.size()},
                        {"accuracy", accuracy(evaluation.confusion)},
                        {"baseline_accuracy", baseline_accuracy(evaluation.confusion)},
                        {"log_loss", -mean(each(outcomes, &ClassOutcome::log_probability))},
                        {"brier", mean(each(outcomes, &ClassOutcome::brier))},
                        {"calibration_error", expected_calibration_error(evaluation.calibration)},
                        {"macro_precision", macro.precision},
                        {"macro_recall", macro.recall},
                        {"macro_f1", macro.f1}};
  for (std::size_t c = 0; c < scores.size(); ++c) {
    const auto& s = scores[c];
    evaluation.metrics["classes"].push_back({{"class", options.classes[c]},
                                             {"rows", s.rows},
                                             {"precision", s.precision},
                                             {"recall", s.recall},
                                             {"f1", s.f1}});
  }
  if (options.binary())
    add_binary(evaluation, probability, happened, scores, options);
  else
    add_one_against_others(evaluation, curves, scores, static_cast<double>(outcomes.size()));
  return evaluation;
}

Evaluation evaluate_numbers(std::span<const NumberOutcome> outcomes) {
  const auto scores =
      regression_scores(each(outcomes, &NumberOutcome::actual), each(outcomes, &NumberOutcome::predicted));
  Evaluation evaluation;
  evaluation.names = number_metrics();
  evaluation.metrics = {{"task", "regression"},     {"rows", outcomes.size()},
                        {"rmse", scores.rmse},      {"mae", scores.mae},
                        {"r2", or_null(scores.r2)}, {"baseline_rmse", scores.baseline_rmse}};
  return evaluation;
}

double importance_of(const Evaluation& evaluation, const Importance& column) {
  const double change = column.mean() - evaluation.importance_base;
  return higher_is_better(evaluation.importance_metric) ? -change : change;
}

Json shown_results(const Evaluation& evaluation) {
  const bool binary = evaluation.classes.size() == 2;
  Json shown;
  for (const char* key :
       {"rows", "accuracy", "baseline_accuracy", "log_loss", "auc", "precision", "recall", "f1", "macro_f1",
        "macro_auc", "calibration_error", "rmse", "mae", "r2", "baseline_rmse"}) {
    if (evaluation.metrics.contains(key) && !(binary && std::string_view(key) == "macro_f1"))
      shown[key] = evaluation.metrics.at(key);
  }
  if (!evaluation.paired_test.is_null())
    shown["p_value_against_baseline"] = evaluation.paired_test.at("p_value");
  return shown;
}

}  // namespace rankflow
