#include "runtime/step_spec.h"

namespace rankflow {

StepSpec score_spec() {
  StepSpec spec;
  spec.type = "score";
  spec.help =
      "Applies a model to every row of a prepared dataset. Mini-batches are divided over the ranks; the "
      "output is in "
      "the input's order, and the same bytes on any number of ranks. A target in the data is ignored.";
  spec.fields = {
      with_default(
          between(integer("mini_batch_size", "rows that go through the model at a time"), 1, 1 << 20), 1000),
      with_default(
          boolean("probabilities",
                  "classification: a column for each class; otherwise that of the predicted class alone"),
          true),
      with_default(choice("output_action", {"append_row", "summary_only"},
                          "append_row: one merged file per format; summary_only: summary.json alone"),
                   "append_row"),
      with_default(or_single(at_least(list("formats", choice("format", {"csv", "hdf5"}, "csv or hdf5"),
                                           "files to write: scores.csv, scores.h5"),
                                      1)),
                   {"csv", "hdf5"}),
  };
  spec.inputs = {{"model", "output of a train step"}, {"data", "prepared dataset"}};
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{
        {"scores",
         "scores.csv and scores.h5 (source row, prediction, probabilities) and summary.json "
         "(rows, mini-batches, rows per class)"}};
  };
  spec.outputs_help = "scores";
  return spec;
}

}  // namespace rankflow
