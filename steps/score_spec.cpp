#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "io/optional_key.h"
#include "runtime/step_spec.h"
#include "steps/model_outputs_spec.h"
#include "steps/script_spec.h"
#include "steps/table_keys_spec.h"

namespace rankflow {
namespace {

struct FormatName {
  const char* name;
  const char* ending;
  const char* help;
};

constexpr FormatName formats[] = {
#define RANKFLOW_RESULT_FORMAT(name, ending, help) {#name, ending, help},
#include "io/result_formats.inc"
#undef RANKFLOW_RESULT_FORMAT
};

Field formats_field() {
  std::vector<std::string> names;
  std::string help = "files to write";
  for (const auto& f : formats) {
    help += std::string(names.empty() ? ": " : "; ") + "scores." + f.ending + " (" + f.help + ")";
    names.push_back(f.name);
  }
  return with_default(or_single(at_least(list("formats", choice("format", names, "a format"), help), 1)),
                      {"csv", "hdf5"});
}

Fields failure_fields() {
  return {
      retry_field(),
      judging(at_least(
          integer(
              "mini_batch_error_threshold",
              "mini-batches that may fail; -1: all. Where neither this nor error_threshold is given, none"),
          -1)),
      judging(at_least(integer("error_threshold", "rows of mini-batches that may fail; -1: all"), -1)),
  };
}

Fields output_fields() {
  return {
      with_default(
          boolean("probabilities",
                  "classification: a column for each class; otherwise that of the predicted class alone"),
          true),
      with_default(
          between(integer("top_k",
                          "classification: the so many most probable classes, with their probabilities; "
                          "0: none"),
                  0, 1000),
          0),
      with_default(list("input_columns", text("", "a column"),
                        "columns of the data that go into the output. Of a prepared dataset: its own "
                        "(target, images), those that `carry` of the prepare step names, or "
                        "features: numbers in the units that they had before they were standardised, "
                        "categories by name"),
                   Json::array()),
      with_default(
          choice("output_action", {"append_row", "summary_only"},
                 "append_row: all rows in one file for each format; summary_only: the summary alone"),
          "append_row"),
      formats_field(),
      at_least(integer("rows_per_file",
                       "writes files scores-00000, … of so many rows (rounded up to whole mini-batches) in "
                       "place of one"),
               1),
  };
}

Fields score_fields() {
  Fields all = {
      with_default(
          or_single(at_least(list("models", text("", "an input's name"), "the inputs that are models"), 1)),
          {"model"}),
      with_default(choice("ensemble", {"mean", "side_by_side"},
                          "of several models: the mean of their probabilities (or predicted values), or "
                          "columns for each, "
                          "called prediction_NAME, …"),
                   "mean"),
      model_outputs_field(), mini_batch_size_field("are scored at a time")};
  const auto script = script_fields(
      "scores in place of a model: `init()` is called once in each process, `run(mini_batch)` with a pandas "
      "DataFrame (or a list of paths, where data is a folder of files) gives one result for each row");
  for (const Fields& fields : {output_fields(), failure_fields(), script, table_keys()})
    all.insert(all.end(), fields.begin(), fields.end());
  return all;
}

void check_score(const Json& parameters) {
  check_table_keys(parameters);
  if (!parameters.contains("entry_script")) {
    for (const char* key : {"format", "files", "datasets", "columns", "delimiter"}) {
      if (given(parameters, key))
        throw Error(ExitStatus::configuration,
                    std::string("`") + key + "` is about a table, which an entry_script reads",
                    "a model scores prepared datasets: prepare the table, with the training's dataset as "
                    "`statistics`");
    }
  }
  if (parameters.contains("entry_script") && given(parameters, "model_outputs"))
    throw Error(ExitStatus::configuration,
                "model_outputs is about a model, not about what an entry_script gives");
  if (parameters.contains("entry_script") && parameters.at("top_k") != 0)
    throw Error(ExitStatus::configuration,
                "top_k is about a model's classes, not about what an entry_script gives");
}

void check_score_inputs(const Json& parameters, const std::set<std::string>& inputs) {
  if (parameters.contains("entry_script")) return;  // it finds whatever inputs there are
  const auto models = parameters.at("models").get<std::vector<std::string>>();
  for (const auto& model : models) {
    if (inputs.contains(model)) continue;
    throw Error(ExitStatus::configuration,
                models.size() == 1
                    ? "score needs a model or an entry_script"
                    : str("models names ", in_quotes(model), ", which is no input of the step"),
                str("inputs: {", model, ": the output of a train step}, or entry_script: FILE.py"));
  }
  for (const auto& input : inputs) {
    if (input == "data" || std::find(models.begin(), models.end(), input) != models.end()) continue;
    throw Error(ExitStatus::configuration,
                str("the input ", in_quotes(input), " is neither data nor one of the models"),
                str("models: [", join(models, ", "), ", ", input, "]"));
  }
}

}  // namespace

StepSpec score_spec() {
  StepSpec spec;
  spec.type = "score";
  spec.version = 5;
  spec.help =
      "Applies a model, or a Python script of yours, to every row of the data. Ranks take mini-batches as "
      "they get done with others; the output is in the input's order, and the same bytes on any number of "
      "ranks. A run that was interrupted goes on with the mini-batches that are missing. A target in the "
      "data "
      "is ignored.";
  spec.fields = score_fields();
  spec.inputs = {
      {"model",
       "output of a train step, a folder that export_model.py wrote, a compiled .pt2, or TorchScript (.pt, "
       "deprecated). An entry_script finds whatever inputs there are",
       false},
      {"data",
       "prepared dataset; for an entry_script also a file of a table, in any format that prepare reads, or a "
       "folder of files"}};
  spec.any_inputs = true;
  spec.check = check_score;
  spec.check_inputs = check_score_inputs;
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{
        {"scores",
         "scores.csv, scores.h5, … (source row, prediction, probabilities), summary.json (rows, "
         "mini-batches, rows per class, "
         "failures), mini_batches.csv (the same for each) and errors.csv (mini-batches that failed)",
         "table of scores"}};
  };
  spec.outputs_help = "scores";
  return spec;
}

}  // namespace rankflow
