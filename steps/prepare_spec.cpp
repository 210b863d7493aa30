#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "io/expression.h"
#include "io/optional_key.h"
#include "steps/image_keys.h"
#include "steps/script_spec.h"
#include "steps/specs.h"
#include "steps/table_keys_spec.h"
#include "steps/transforms_spec.h"

namespace rankflow {
namespace {

Fields memory_fields() {
  return {
      not_hashed(
          above(number("memory_per_rank",
                       "GB (10^9 bytes) that a rank may use for rows of a table; what does not fit is read "
                       "once more from "
                       "the files. By default half of what the job has, divided by the ranks on the host"),
                0)),
  };
}

Fields table_fields() {
  return {
      with_default(
          map("derive", text("", "an expression over other columns"),
              "Tables: new columns by expression, such as `hour: date / 100 % 100`. They may use each other"),
          Json::object()),
      text("filter", "Tables: an expression; rows for which it is true are kept, such as `distance > 0`"),
      text("target",
           "Tables: what is to be predicted, a column or an expression such as `delay > 15`. Rows without a "
           "value for it are left out, and counted. Without the key the datasets have no target (for "
           "scoring)"),
      with_default(choice("task", {"auto", "classification", "regression"},
                          "Tables: whether the target's values are classes or amounts. auto: booleans, texts "
                          "and integers "
                          "are classes, other numbers amounts. Classes are numbered in sorted order"),
                   "auto"),
      at_least(list("classes", any("", "a class"),
                    "Tables: the target's classes, in the order of their numbers, in place of those that are "
                    "found: a "
                    "value that is none of them is an error"),
               2),
      object("features",
             {list("numeric", text("", "a column"), "Columns used as numbers"),
              list("categorical", text("", "a column"),
                   "Columns whose values are categories; numbers may be, too")},
             "Tables: the columns to learn from. By default all, texts as categories and others as numbers, "
             "except those that "
             "the target is made from, those made from these and those of `carry`; listed here they are used "
             "all the same"),
      or_single(
          list("carry", text("", "a column"),
               "Tables: columns that come along and are not learnt from, such as a customer's number or a "
               "region, in their own values as they are after `transforms`; `input_columns` of a score "
               "step and `slices` of an evaluate step can name them. Features may be among them. Folders "
               "of images: `file`, the path below the folder")),
  };
}

Fields learning_fields() {
  return {
      choice("scaling", {"standardise", "minmax", "none"},
             "Tables: numbers are shifted and scaled to mean 0 and standard deviation 1 (where the key isn't "
             "given), to 0 … 1, or not at all, by the statistics of the split `train`. With the input "
             "`statistics` it is what that was prepared with"),
      with_default(
          choice(
              "missing_values", {"error", "mean", "drop"},
              "Tables: a row without a value for a numeric feature is an error, gets the mean of the split "
              "`train`, or is left out. A missing category always has a code of its own, 0"),
          "error"),
      at_least(integer("min_count",
                       "Tables: categories that occur less often in the split `train` share code 0; 1 where "
                       "it isn't given. With the input `statistics` it is what that was prepared with"),
               1),
      at_least(map("split", between(number("", "the fraction of the rows"), 0, 1),
                   "Outputs and the fractions of the rows that go to them, such as `{train: 0.8, test: "
                   "0.2}`. A row's split "
                   "depends on `seed` and its number in the input only. Without the key there is one output, "
                   "`data`"),
               1),
      split_by_field(),
      with_default(
          between(integer("seed", "Another seed splits the rows in another way"), 0, 9007199254740991.0), 0),
      with_default(between(integer("rows_per_part", "Rows in each file of a dataset"), 1, 100'000'000),
                   65536),
  };
}

Error wrong(const std::string& message, const std::string& hint = {}) {
  return Error(ExitStatus::configuration, message, hint);
}

void check_split(const Json& split) {
  double sum = 0;
  for (const auto& [name, fraction] : split.items()) {
    if (!is_plain_name(name)) throw wrong(str("split \"", name, "\" can't be the name of an output"));
    sum += fraction.get<double>();
  }
  if (std::abs(sum - 1) > 1e-9) throw wrong(str("the fractions of `split` add up to ", sum, ", not 1"));
}

void check_expressions(const Json& parameters) {
  std::vector<NamedExpression> derived;
  for (const auto& [name, source] : parameters.at("derive").items()) {
    if (name.empty()) throw wrong("a derived column has no name");
    derived.push_back({name, source, parse_expression(source.get<std::string>())});
  }
  in_order_of_dependence(std::move(derived));
  for (const char* key : {"filter", "target"}) {
    if (given(parameters, key)) parse_expression(parameters.at(key).get<std::string>());
  }
}

void check_classes(const Json& p) {
  if (!given(p, "classes")) return;
  if (!given(p, "target")) throw wrong("`classes` lists those of a `target`, and there is none");
  if (p.at("task") == "regression")
    throw wrong("`classes` goes with classification, and `task` is regression");
  std::set<std::string> found;
  for (const Json& value : p.at("classes")) {
    if (value.is_structured() || value.is_null())
      throw wrong(str("`classes` lists ", value.dump(), ", which is no value of a table"));
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (!found.insert(text).second) throw wrong(str("`classes` lists ", in_quotes(text), " twice"));
  }
}

void check_carry(const Json& names) {
  check_unique(names, "carry");
  for (const Json& name : names) {
    const std::string column = name;
    for (const char* own : {"features", "categories", "images", "target", "row"}) {
      if (column == own)
        throw wrong(
            str("`carry` names ", in_quotes(column), ", which datasets have a column of their own for"),
            str("`derive: {my_", column, ": ", column, "}` and `carry: [my_", column, "]`"));
    }
    if (column.empty() || column == "." || column.find('/') != std::string::npos)
      throw wrong(str("`carry` names ", in_quotes(column), ", which can't be the name of an HDF5 dataset"),
                  "a transform of type rename");
  }
}

void check(const Json& p) {
  check_table_keys(p);
  check_classes(p);
  if (given(p, "features")) {
    for (const char* kind : {"numeric", "categorical"}) {
      if (given(p.at("features"), kind)) check_unique(p.at("features").at(kind), str("features.", kind));
    }
  }
  if (given(p, "carry")) check_carry(p.at("carry"));
  if (given(p, "split")) check_split(p.at("split"));
  if (given(p, "split_by"))
    check_split_by(p.at("split_by"), given(p, "split") ? p.at("split") : Json(nullptr));
  check_transforms(p.at("transforms"));
  check_expressions(p);
  image_keys(p.value("image", Json()));
}

/// Other than its default: nothing, or an empty list or mapping.
bool says_something(const Json& p, const char* key) {
  const Json& value = value_or_null(p, key);
  return !value.is_null() && !(value.is_structured() && value.empty());
}

void refuse_table_keys(const Json& p) {
  for (const char* key : {"columns", "derive", "filter", "target", "features", "transforms", "schema",
                          "files", "format", "scaling", "min_count"}) {
    if (says_something(p, key))
      throw wrong(str("`", key, "` is for tables; images have none"), "leave it out");
  }
  if (given(p, "carry") && p.at("carry") != Json::array({"file"}))
    throw wrong("`carry` of images can name `file` alone");
  if (p.at("task") == "regression")
    throw wrong("task: regression is for tables; the labels of images are classes");
}

void check_inputs(const Json& p, const std::set<std::string>& inputs) {
  if (given(p, "split") && p.at("split").size() > 1 && !p.at("split").contains("train") &&
      !inputs.contains("statistics"))
    throw wrong("`split` has no \"train\", from whose rows scaling and categories are learnt");
  const bool table = inputs.contains("data");
  if (table == inputs.contains("images"))
    throw wrong("prepare needs either the input `data` (a table) or the input `images`");
  if (table && inputs.contains("labels"))
    throw wrong("the input `labels` goes with `images`; a table has its `target`");
  if (table && given(p, "image")) throw wrong("`image` goes with the input `images`", "leave it out");
  if (!table) refuse_table_keys(p);
  if (!table && given(p, "entry_script"))
    throw wrong("an entry_script goes with the input `data`",
                "data: FOLDER; the script's run() gets lists of the paths of its files");
}

std::vector<OutputSpec> outputs(const Json& parameters) {
  if (!given(parameters, "split")) return {{"data", "all rows", dataset_kind}};
  std::vector<OutputSpec> specs;
  for (const auto& [name, fraction] : parameters.at("split").items()) {
    specs.push_back({name, str("about ", fraction.get<double>() * 100, " % of the rows"), dataset_kind});
  }
  return specs;
}

}  // namespace

StepSpec prepare_spec() {
  StepSpec spec;
  spec.type = "prepare";
  spec.version = 5;
  spec.help =
      "Turns raw tables of any size or images (PNG, JPEG, IDX) into datasets: HDF5 parts with features, "
      "target "
      "and row numbers.";
  spec.fields = table_keys();
  for (Field& field : memory_fields()) spec.fields.push_back(std::move(field));
  for (Field& field : table_fields()) spec.fields.push_back(std::move(field));
  const Fields script = script_fields(
      "makes the rows of the table: `init()` is called once in each process, `run(mini_batch)` with a pandas "
      "DataFrame (or a "
      "list of paths, where data is a folder of files, and neither `files` nor `format` is given) gives any "
      "number of rows, the "
      "columns of which the other keys are about");
  spec.fields.insert(spec.fields.end(), script.begin(), script.end());
  spec.fields.push_back(mini_batch_size_field("an entry_script gets at a time"));
  spec.fields.push_back(retry_field());
  spec.fields.push_back(transforms_field());
  spec.fields.push_back(image_field());
  for (Field& field : learning_fields()) spec.fields.push_back(std::move(field));
  spec.inputs = {
      {"data",
       "a table: a file, or a folder whose files (all, or those that `files` picks) are joined in the order "
       "of their names",
       false},
      {"target",
       "goes with a NumPy array as `data`: another with as many rows, whose columns stand beside; y.npy has "
       "the column `y`",
       false},
      {"join", "a small table that a transform of type `join` takes columns from", false},
      {"images",
       "a folder of PNG and JPEG files, at any depth; or an IDX file of unsigned bytes: rows, height, width; "
       "plain or "
       "gzip-compressed",
       false},
      {"labels",
       "the class of each image: a table with a column of file names and one of classes; for an IDX "
       "file, an IDX "
       "file",
       false},
      {"statistics",
       "a prepared dataset whose scaling, categories and classes are used instead of learning them, so that "
       "other data "
       "are prepared in the same way: columns have the types that they had there, and texts that were "
       "`missing` are",
       false, dataset_kind},
  };
  spec.by_file = {"data", "images", "labels"};
  spec.outputs = outputs;
  spec.outputs_help = "one dataset per name in `split`, or `data`";
  spec.check = check;
  spec.check_inputs = check_inputs;
  return spec;
}

}  // namespace rankflow
