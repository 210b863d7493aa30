#include <set>

#include "base/error.h"
#include "base/text.h"
#include "runtime/step_spec.h"
#include "steps/model_outputs_spec.h"

namespace rankflow {
namespace {

Field seed(std::string help) {
  return with_default(between(integer("seed", std::move(help)), 0, 4294967295.0), 0);
}

Field bootstrap_field() {
  return object(
      "bootstrap",
      {with_default(between(integer("samples", "how many are drawn"), 20, 1000000), 1000),
       with_default(between(number("confidence", "share of the samples that an interval holds"), 0.5, 0.9999),
                    0.95),
       seed("of the samples")},
      "confidence intervals of the metrics, of slices and of differences to a baseline, from bootstrap "
      "samples");
}

Field importance_field() {
  return object(
      "permutation_importance",
      {with_default(between(integer("repeats", "permutations of each column"), 1, 1000), 5),
       choice("metric",
              {"accuracy", "log_loss", "brier", "precision", "recall", "f1", "auc", "average_precision",
               "macro_precision", "macro_recall", "macro_f1", "rmse", "mae", "r2"},
              "what is to get worse; log_loss of classification and rmse of regression when not given"),
       seed("of the permutations")},
      "how much worse a metric gets when the values of one input column are dealt out among the rows anew");
}

void check_evaluate(const Json& parameters) {
  std::set<std::string> seen;
  for (const std::string column : parameters.at("slices")) {
    if (!seen.insert(column).second)
      throw Error(ExitStatus::configuration, str("slices names the column ", column, " twice"));
  }
}

}  // namespace

StepSpec evaluate_spec() {
  StepSpec spec;
  spec.type = "evaluate";
  spec.version = 5;
  spec.help =
      "Measures a model on a prepared dataset that has the target. The same bytes on any number of ranks: "
      "mini-batches "
      "depend on the dataset alone, and metrics are computed in row order in double precision.";
  spec.fields = {
      with_default(
          between(integer("mini_batch_size", "rows that go through the model at a time"), 1, 1 << 20), 1024),
      text("positive_class",
           "two classes: name of the one that precision, recall, AUC and calibration are about; "
           "the second class when not given"),
      between(number("threshold",
                     "two classes: probability from which a row counts as positive; 0.5 when not given"),
              0, 1),
      with_default(between(integer("calibration_bins", "equally wide bins of probability"), 1, 1000), 10),
      model_outputs_field(),
      bootstrap_field(),
      with_default(
          or_single(list("slices", text("column", "a category, feature or carried column of the dataset"),
                         "columns by whose values the metrics are given too")),
          Json::array()),
      with_default(
          between(integer("slice_buckets", "ranges, of as many rows each, into which a feature is cut"), 2,
                  100),
          4),
      with_default(
          at_least(integer("small_slice", "slices of fewer rows are flagged: chance explains much there"), 0),
          100),
      importance_field(),
      with_default(
          at_least(
              integer(
                  "error_threshold",
                  "models of a partitioned training: how many rows may have a key without a model, and are "
                  "left out; -1: all"),
              -1),
          0),
  };
  spec.inputs = {
      {"model", "output of a train step", true, model_kind},
      {"data", "prepared dataset with the target", true, dataset_kind},
      {"baseline", "output of a train step to compare the model with, on the same rows", false, model_kind}};
  spec.check = check_evaluate;
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{{"metrics",
                                    "metrics.json and report.html (all of it as one page); for "
                                    "classification confusion.csv and calibration.csv, "
                                    "for two classes roc.csv and precision_recall.csv; where asked for, "
                                    "slices.csv and slices.json, importance.csv, "
                                    "comparison.json",
                                    "report of metrics"}};
  };
  spec.outputs_help = "metrics";
  return spec;
}

}  // namespace rankflow
