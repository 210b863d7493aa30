#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "io/expression.h"
#include "io/table_formats.h"
#include "steps/image_keys.h"
#include "steps/specs.h"
#include "steps/transforms_spec.h"

namespace rankflow {
namespace {

std::string formats_help() {
  std::string help;
  for (const TableFormat& format : table_formats())
    help +=
        str(help.empty() ? "" : "; ", format.name, " (*", join(format.suffixes, ", *"), "): ", format.help);
  return help;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const TableFormat& format : table_formats()) names.push_back(format.name);
  return names;
}

Fields reading_fields() {
  return {
      choice("format", format_names(),
             str("Tables: by default the suffix decides, csv where it says nothing. ", formats_help(),
                 ". Text may be compressed: *.gz, *.zst")),
      or_single(at_least(list("files", text("", "a glob below the folder"),
                              "Tables in a folder: which files, such as `2024-*/part-*.csv`; by default all "
                              "in it with a suffix of a "
                              "format. They are joined in the order of their names"),
                         1)),
      at_least(list("datasets", text("", "a dataset's name, or its path in groups"),
                    "HDF5: the datasets that are the columns; by default all in the root group"),
               1),
      with_default(text("encoding", "Text tables: utf-8, latin-1, utf-16 or another that iconv knows"),
                   "utf-8"),
      with_default(
          map("schema", choice("", {"boolean", "integer", "real", "text"}, "the type"),
              "Tables: types of columns. For others they are found by looking at all rows: all integers, all "
              "numbers, all true or false, otherwise text"),
          Json::object()),
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
      with_default(boolean("header", "Tables: the first row of each file holds the column names"), true),
      at_least(list("columns", text("", "a column's name"),
                    "Tables without a header: the names of the columns; by default c0, c1, …"),
               1),
      text("delimiter", "CSV: the character between two cells; by default a comma, in *.tsv a tab"),
      with_default(
          list("missing", text("", "a cell's text"), "Tables: unquoted cells with these texts have no value"),
          Json::array({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})),
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
      object("features",
             {list("numeric", text("", "a column"), "Columns used as numbers"),
              list("categorical", text("", "a column"),
                   "Columns whose values are categories; numbers may be, too")},
             "Tables: the columns to learn from. By default all, texts as categories and others as numbers, "
             "except those that "
             "the target is made from and those made from these; listed here they are used all the same"),
  };
}

Fields learning_fields() {
  return {
      with_default(choice("scaling", {"standardise", "minmax", "none"},
                          "Tables: numbers are shifted and scaled to mean 0 and standard deviation 1, to 0 … "
                          "1, or not at all, by "
                          "the statistics of the split `train` (or of the input `statistics`)"),
                   "standardise"),
      with_default(
          choice(
              "missing_values", {"error", "mean", "drop"},
              "Tables: a row without a value for a numeric feature is an error, gets the mean of the split "
              "`train`, or is left out. A missing category always has a code of its own, 0"),
          "error"),
      with_default(
          at_least(integer("min_count",
                           "Tables: categories that occur less often in the split `train` share code 0"),
                   1),
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

bool given(const Json& parameters, const char* key) {
  return parameters.contains(key) && !parameters.at(key).is_null();
}

void check_split(const Json& split) {
  double sum = 0;
  for (const auto& [name, fraction] : split.items()) {
    if (!is_plain_name(name)) throw wrong(str("split \"", name, "\" can't be the name of an output"));
    sum += fraction.get<double>();
  }
  if (std::abs(sum - 1) > 1e-9) throw wrong(str("the fractions of `split` add up to ", sum, ", not 1"));
  if (split.size() > 1 && !split.contains("train")) {
    throw wrong("`split` has no \"train\", from whose rows scaling and categories are learnt");
  }
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

void check_unique(const Json& names, const std::string& where) {
  std::vector<std::string> seen;
  for (const Json& n : names) {
    const std::string name = n;
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      throw wrong(str("\"", name, "\" is listed twice in `", where, "`"));
    seen.push_back(name);
  }
}

void check(const Json& p) {
  const std::string delimiter = given(p, "delimiter") ? p.at("delimiter") : ",";
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r") {
    throw wrong(
        str("`delimiter` is \"", delimiter, "\"; it must be one character, no quote and no line end"));
  }
  if (given(p, "columns")) {
    if (p.at("header").get<bool>())
      throw wrong("`columns` names the columns of files without a header", "header: false");
    check_unique(p.at("columns"), "columns");
  }
  if (given(p, "features")) {
    for (const char* kind : {"numeric", "categorical"}) {
      if (given(p.at("features"), kind)) check_unique(p.at("features").at(kind), str("features.", kind));
    }
  }
  if (given(p, "split")) check_split(p.at("split"));
  if (given(p, "split_by"))
    check_split_by(p.at("split_by"), given(p, "split") ? p.at("split") : Json(nullptr));
  check_transforms(p.at("transforms"));
  check_expressions(p);
  image_keys(p.value("image", Json()));
}

std::vector<OutputSpec> outputs(const Json& parameters) {
  if (!given(parameters, "split")) return {{"data", "all rows"}};
  std::vector<OutputSpec> specs;
  for (const auto& [name, fraction] : parameters.at("split").items()) {
    specs.push_back({name, str("about ", fraction.get<double>() * 100, " % of the rows")});
  }
  return specs;
}

}  // namespace

StepSpec prepare_spec() {
  StepSpec spec;
  spec.type = "prepare";
  spec.version = 2;
  spec.help =
      "Turns raw tables of any size or images (PNG, JPEG, IDX) into datasets: HDF5 parts with features, "
      "target "
      "and row numbers.";
  spec.fields = reading_fields();
  for (Field& field : table_fields()) spec.fields.push_back(std::move(field));
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
       "are prepared in the same way",
       false},
  };
  spec.outputs = outputs;
  spec.outputs_help = "one dataset per name in `split`, or `data`";
  spec.check = check;
  return spec;
}

}  // namespace rankflow
