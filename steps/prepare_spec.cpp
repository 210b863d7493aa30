#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "io/expression.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

Fields table_fields() {
  return {
      with_default(boolean("header", "Tables: the first row of each file holds the column names"), true),
      at_least(list("columns", text("", "a column's name"),
                    "Tables without a header: the names of the columns; by default c0, c1, …"),
               1),
      with_default(text("delimiter", "Tables: the character between two cells"), ","),
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
  const std::string delimiter = p.at("delimiter");
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
  check_expressions(p);
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
  spec.help =
      "Turns raw tables (CSV) or images (IDX) into datasets: HDF5 parts with features, target and row "
      "numbers.";
  spec.fields = table_fields();
  for (Field& field : learning_fields()) spec.fields.push_back(std::move(field));
  spec.inputs = {
      {"data",
       "a CSV file, plain or gzip-compressed, or a folder whose *.csv and *.csv.gz are joined in the order "
       "of their names",
       false},
      {"images", "an IDX file of unsigned bytes: rows, height, width; plain or gzip-compressed", false},
      {"labels", "an IDX file with the class of each image", false},
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
