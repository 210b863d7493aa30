#include "steps/evaluation.h"

#include "base/text.h"
#include "io/file.h"
#include "steps/csv_text.h"
#include "steps/metrics.h"

namespace rankflow {
namespace {

constexpr std::size_t roc_points = 1001;

template <typename T>
std::vector<T> each(const std::vector<ClassOutcome>& outcomes, T (*value)(const ClassOutcome&)) {
  std::vector<T> values;
  values.reserve(outcomes.size());
  for (const auto& o : outcomes) values.push_back(value(o));
  return values;
}

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

std::string confusion_csv(const ConfusionMatrix& counts, const std::vector<std::string>& classes) {
  std::string text = "actual";
  for (const auto& c : classes) text += ',', append_csv(text, c);
  text += '\n';
  for (std::size_t row = 0; row < counts.size(); ++row) {
    append_csv(text, classes[row]);
    for (const auto n : counts[row]) text += ',', append_number(text, n);
    text += '\n';
  }
  return text;
}

std::string calibration_csv(const std::vector<CalibrationBin>& bins) {
  std::string text = "low,high,rows,mean_probability,observed\n";
  for (const auto& bin : bins) {
    append_number(text, bin.low), text += ',';
    append_number(text, bin.high), text += ',';
    append_number(text, bin.rows), text += ',';
    if (bin.rows > 0)
      append_number(text, bin.mean_probability), text += ',', append_number(text, bin.observed);
    else
      text += ',';
    text += '\n';
  }
  return text;
}

std::string roc_csv(const std::vector<RocPoint>& curve) {
  std::string text = "threshold,false_positive_rate,true_positive_rate\n";
  for (const auto& point : curve) {
    append_number(text, point.threshold), text += ',';
    append_number(text, point.false_positive_rate), text += ',';
    append_number(text, point.true_positive_rate), text += '\n';
  }
  return text;
}

void write(const std::string& folder, const char* file, const std::string& text) {
  write_file_atomically(folder + "/" + file, text, /*durable=*/false);  // publishing syncs
}

/// What only two classes have: metrics about the positive one.
void add_binary(Json& metrics, const std::vector<ClassOutcome>& outcomes,
                const std::vector<double>& probability, const std::vector<ClassScores>& scores,
                const ClassificationOptions& options) {
  const ClassScores& positive = scores[static_cast<std::size_t>(options.positive)];
  std::vector<std::int32_t> happened;
  for (const auto& o : outcomes) happened.push_back(o.actual == options.positive);
  metrics["positive_class"] = options.classes[static_cast<std::size_t>(options.positive)];
  metrics["threshold"] = options.threshold;
  metrics["precision"] = positive.precision;
  metrics["recall"] = positive.recall;
  metrics["f1"] = positive.f1;
  metrics["auc"] = or_null(roc_auc(probability, happened));
  metrics["base_rate"] = static_cast<double>(positive.rows) / static_cast<double>(outcomes.size());
  metrics["brier"] =
      metrics.at("brier").get<double>() / 2;  // of the positive class alone, as it is for two classes
}

}  // namespace

Json write_classification(const std::string& folder, std::vector<ClassOutcome> outcomes,
                          const ClassificationOptions& options) {
  const bool binary = options.classes.size() == 2;
  std::vector<double> probability;  // of what calibration is about
  for (auto& o : outcomes) {
    if (!binary) {
      probability.push_back(o.confidence);
      continue;
    }
    probability.push_back(options.positive == 1 ? o.second_class : 1 - o.second_class);
    o.predicted = probability.back() >= options.threshold ? options.positive : 1 - options.positive;
  }
  std::vector<std::int32_t> happened;
  for (const auto& o : outcomes)
    happened.push_back(binary ? o.actual == options.positive : o.actual == o.predicted);

  const auto actual = each<std::int32_t>(outcomes, [](const ClassOutcome& o) { return o.actual; });
  const auto predicted = each<std::int32_t>(outcomes, [](const ClassOutcome& o) { return o.predicted; });
  const auto counts = confusion_matrix(actual, predicted, static_cast<std::int64_t>(options.classes.size()));
  const auto scores = class_scores(counts);
  const auto macro = macro_average(scores);
  const auto calibration = calibration_table(probability, happened, options.calibration_bins);

  Json metrics = {
      {"task", "classification"},
      {"rows", outcomes.size()},
      {"accuracy", accuracy(counts)},
      {"baseline_accuracy", baseline_accuracy(counts)},
      {"log_loss", -mean(each<double>(outcomes, [](const ClassOutcome& o) { return o.log_probability; }))},
      {"brier", mean(each<double>(outcomes, [](const ClassOutcome& o) { return o.brier; }))},
      {"calibration_error", expected_calibration_error(calibration)},
      {"macro_precision", macro.precision},
      {"macro_recall", macro.recall},
      {"macro_f1", macro.f1}};
  for (std::size_t c = 0; c < scores.size(); ++c) {
    const auto& s = scores[c];
    metrics["classes"].push_back({{"class", options.classes[c]},
                                  {"rows", s.rows},
                                  {"precision", s.precision},
                                  {"recall", s.recall},
                                  {"f1", s.f1}});
  }
  if (binary) {
    add_binary(metrics, outcomes, probability, scores, options);
    write(folder, "roc.csv", roc_csv(roc_curve(probability, happened, roc_points)));
  }
  write(folder, "confusion.csv", confusion_csv(counts, options.classes));
  write(folder, "calibration.csv", calibration_csv(calibration));
  write(folder, "metrics.json", metrics.dump(2) + "\n");

  Json shown;
  for (const char* key : {"rows", "accuracy", "baseline_accuracy", "log_loss", "auc", "precision", "recall",
                          "f1", "macro_f1", "calibration_error"}) {
    if (metrics.contains(key) && !(binary && std::string_view(key) == "macro_f1"))
      shown[key] = metrics.at(key);
  }
  return shown;
}

Json write_regression(const std::string& folder, const std::vector<NumberOutcome>& outcomes) {
  std::vector<double> actual, predicted;
  for (const auto& o : outcomes) actual.push_back(o.actual), predicted.push_back(o.predicted);
  const auto scores = regression_scores(actual, predicted);
  const Json metrics = {{"task", "regression"},     {"rows", outcomes.size()},
                        {"rmse", scores.rmse},      {"mae", scores.mae},
                        {"r2", or_null(scores.r2)}, {"baseline_rmse", scores.baseline_rmse}};
  write(folder, "metrics.json", metrics.dump(2) + "\n");
  Json shown = metrics;
  shown.erase("task");
  return shown;
}

}  // namespace rankflow
