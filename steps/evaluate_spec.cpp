#include "runtime/step_spec.h"

namespace rankflow {

StepSpec evaluate_spec() {
  StepSpec spec;
  spec.type = "evaluate";
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
      with_default(
          between(number("threshold", "two classes: probability from which a row counts as positive"), 0, 1),
          0.5),
      with_default(between(integer("calibration_bins", "equally wide bins of probability"), 1, 1000), 10),
  };
  spec.inputs = {{"model", "output of a train step"}, {"data", "prepared dataset with the target"}};
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{
        {"metrics",
         "metrics.json; for classification also confusion.csv and calibration.csv, for two classes roc.csv"}};
  };
  spec.outputs_help = "metrics";
  return spec;
}

}  // namespace rankflow
