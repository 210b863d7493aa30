#include "steps/transforms_spec.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "io/expression.h"
#include "io/optional_key.h"

namespace rankflow {
namespace {

Field columns(const std::string& help) {
  return required(at_least(list("columns", text("", "a column"), help), 1));
}

Field optional_columns(const std::string& help) {
  return at_least(list("columns", text("", "a column"), help), 1);
}

std::vector<Variant> column_kinds() {
  return {
      {"select", "Keeps only these columns", {columns("Columns to keep")}},
      {"drop", "Leaves columns out", {columns("Columns to leave out")}},
      {"rename",
       "Gives columns other names",
       {required(map("columns", text("", "the new name"), "Old name and new name"))}},
      {"cast",
       "Changes the type of columns. A text that does not say such a value is an error; reals are cut off",
       {required(map("columns", choice("", {"boolean", "integer", "real", "text"}, "the type"),
                     "Column and type"))}},
      {"derive",
       "New columns by expression; they may use each other",
       {required(map("columns", text("", "an expression"), "Name and expression"))}},
      {"filter",
       "Keeps the rows for which an expression is true",
       {required(text("where", "The expression"))}},
  };
}

std::vector<Variant> value_kinds() {
  return {
      {"fill",
       "Gives missing values a value",
       {columns("Columns to fill"), any("value", "The value itself: a number, a text, true or false"),
        with_default(choice("with", {"mean", "median", "most_frequent"},
                            "Without `value`: what is learnt from the split `train`"),
                     "mean")}},
      {"drop_missing",
       "Drops rows in which one of these columns has no value",
       {columns("Columns that need a value")}},
      {"clip",
       "Keeps numbers between bounds; the column becomes real",
       {columns("Columns to clip"), number("min", "The least value"), number("max", "The greatest value"),
        list("quantiles", between(number("", "a fraction of the rows"), 0, 1),
             "Two quantiles of the split `train` as bounds, such as [0.01, 0.99]")}},
      {"log",
       "Natural logarithm",
       {columns("Columns"), with_default(boolean("plus_one", "Of 1 + the value: 0 stays 0"), false)}},
      {"standardise", "To mean 0 and standard deviation 1 of the split `train`", {columns("Columns")}},
      {"min_max", "To 0 … 1 between the extremes of the split `train`", {columns("Columns")}},
      {"bucket",
       "Numbers become the number of the bucket that they fall into, from 0",
       {columns("Columns"),
        with_default(between(integer("buckets",
                                     "How many, by quantiles of the split `train`, which are off by at most "
                                     "0.05 % of the rows"),
                             2, 1000),
                     10),
        at_least(list("at", number("", "the last value of a bucket"),
                      "Instead: the last value of each bucket but the last, ascending"),
                 1)}},
  };
}

std::vector<Variant> category_kinds() {
  const auto min_count = [] {
    return with_default(
        at_least(integer("min_count", "Rows of the split `train` that a value has to occur in"), 1), 1);
  };
  return {
      {"category",
       "Texts, or numbers as texts, of which only those that are frequent in the split `train` are kept; "
       "others are missing, or "
       "all one",
       {columns("Columns"), min_count(),
        at_least(integer("most", "At most so many values, the most frequent ones"), 1),
        text("unknown", "What all other values become; by default they are missing"),
        between(integer("hash_buckets",
                        "Instead: the number of the bucket, below this, that a value's hash falls into. "
                        "Nothing is learnt"),
                2, 10'000'000)}},
      {"one_hot",
       "A column becomes one for each of its values, called `column=value`, with 1 where it has that value "
       "and 0 elsewhere",
       {columns("Columns"), min_count(),
        with_default(between(integer("most", "At most so many values, the most frequent ones"), 1, 10'000),
                     100)}},
      {"date_parts",
       "New columns `column_part` with parts of a date or time, a text such as 2024-05-31 or 2024-05-31 "
       "23:59:00",
       {required(text("column", "The column")),
        required(at_least(list("parts",
                               choice("",
                                      {"year", "month", "day", "hour", "minute", "second", "weekday",
                                       "yearday", "timestamp"},
                                      "a part; weekday 1 is Monday, timestamp are seconds since 1970"),
                               "Which"),
                          1))}},
  };
}

std::vector<Variant> row_kinds() {
  return {
      {"drop_duplicates",
       "Keeps the first of all rows that are alike. Goes through files beside the outputs, whatever the "
       "number of rows",
       {optional_columns("Columns that have to be alike; by default all")}},
      {"sample",
       "Keeps a fraction of the rows, chosen by `seed` and their numbers in the input",
       {required(between(number("fraction", "Of the rows"), 0, 1)),
        with_default(between(integer("seed", "Another seed keeps others"), 0, 9007199254740991.0), 0)}},
      {"join",
       "Adds the columns of a small table, the input `join`, which every rank has in memory, where the key "
       "is the same",
       {required(
            at_least(list("on", text("", "a column"),
                          "Key columns, of the same name in both tables. A key occurs once in the small one"),
                     1)),
        optional_columns("Columns to add; by default all but the key"),
        with_default(choice("rows", {"all", "matching"},
                            "What happens to rows whose key the small table lacks: they are kept, without "
                            "values, or dropped"),
                     "all")}},
  };
}

std::string mistake_in(const Json& t) {
  const std::string type = t.at("type");
  if (type == "clip") {
    if (!given(t, "min") && !given(t, "max") && !given(t, "quantiles"))
      return "needs `min`, `max` or `quantiles`";
    if (given(t, "quantiles") && (given(t, "min") || given(t, "max")))
      return "has both `quantiles` and bounds";
    if (given(t, "quantiles") &&
        (t.at("quantiles").size() != 2 || t.at("quantiles")[0] >= t.at("quantiles")[1]))
      return "needs two ascending `quantiles`";
    if (given(t, "min") && given(t, "max") && t.at("min") > t.at("max")) return "has a `min` above its `max`";
  }
  if (type == "bucket" && given(t, "at") && !std::is_sorted(t.at("at").begin(), t.at("at").end()))
    return "needs ascending values `at`";
  if (type == "fill" && given(t, "value") && (t.at("value").is_array() || t.at("value").is_object()))
    return "needs a number, a text, true or false as `value`";
  return {};
}

}  // namespace

Field transforms_field() {
  std::vector<Variant> kinds;
  for (const auto& group : {column_kinds(), value_kinds(), category_kinds(), row_kinds()})
    kinds.insert(kinds.end(), group.begin(), group.end());
  return with_default(list("transforms", variant("", std::move(kinds), "a transform"),
                           "Tables: what is done to the rows, in this order, after `derive` and `filter`. "
                           "What is learnt is learnt "
                           "from the split `train` and kept in the dataset, so that rows prepared with the "
                           "input `statistics` go the "
                           "same way; the list need not be repeated there"),
                      Json::array());
}

Field split_by_field() {
  const auto column = [](const char* help) { return required(text("column", help)); };
  return variant(
      "split_by",
      {{"random", "By `seed` and the row's number in the input", {}},
       {"hash",
        "By the hash of a column: rows with the same value are in the same split",
        {column("The column")}},
       {"time",
        "By the order of a column: the earliest rows are for training",
        {column("A number, or with `at` also a text such as 2024-05-31"),
         list("order", text("", "a split"),
              "The splits in the order of time; by default train, validation, test"),
         list("at", any("", "a value"),
              "The first value of each split but the first, such as 2024-05-31 or "
              "2024-05-31T23:59:00.5+02:00; times without "
              "a zone are taken for those of Greenwich. By default where the fractions of `split` say")}},
       {"stratified",
        "At random within each value of a column, so that each value's rows are divided by the fractions",
        {column("The column, such as that of the target")}}},
      "How rows are divided; by default at random. Images: random, or stratified by the column `label`");
}

void check_transforms(const Json& transforms) {
  int number = 0;
  for (const Json& t : transforms) {
    ++number;
    const std::string type = t.at("type");
    for (const char* key : {"columns", "on", "parts"}) {
      if (!given(t, key) || !t.at(key).is_array()) continue;
      std::set<std::string> found;
      for (const std::string name : t.at(key)) {
        if (!found.insert(name).second)
          throw Error(ExitStatus::configuration, str("transform ", number, " (", type, ") lists ",
                                                     in_quotes(name), " twice under `", key, "`"));
      }
    }
    if (const std::string mistake = mistake_in(t); !mistake.empty())
      throw Error(ExitStatus::configuration, str("transform ", number, " (", type, ") ", mistake));
    if (type == "rename") {
      std::set<std::string> found;
      for (const std::string new_name : t.at("columns")) {
        if (!found.insert(new_name).second)
          throw Error(ExitStatus::configuration,
                      str("transform ", number, " (rename) calls two columns ", in_quotes(new_name)));
      }
    }
    if (type == "filter") parse_expression(t.at("where").get<std::string>());
    if (type != "derive") continue;
    std::vector<NamedExpression> derived;
    for (const auto& [name, source] : t.at("columns").items())
      derived.push_back({name, source, parse_expression(source.get<std::string>())});
    in_order_of_dependence(std::move(derived));
  }
}

void check_split_by(const Json& rule, const Json& split) {
  if (split.is_null())
    throw Error(ExitStatus::configuration, "`split_by` says how rows are divided, but there is no `split`");
  if (rule.at("type") != "time") return;
  std::vector<std::string> order{"train", "validation", "test"};
  if (given(rule, "order")) order = rule.at("order").get<std::vector<std::string>>();
  for (const auto& [name, fraction] : split.items()) {
    if (std::count(order.begin(), order.end(), name) != 1)
      throw Error(ExitStatus::configuration, str("`split_by.order` does not say where \"", name, "\" comes"));
  }
  if (given(rule, "order") && order.size() != split.size())
    throw Error(ExitStatus::configuration, "`split_by.order` names a split that is not in `split`");
  if (!given(rule, "at")) return;
  const Json& at = rule.at("at");
  if (at.size() + 1 != split.size())
    throw Error(ExitStatus::configuration,
                str("`split_by.at` needs one value less than there are splits: ", split.size() - 1));
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (!at[i].is_number() && !at[i].is_string())
      throw Error(ExitStatus::configuration,
                  str("`split_by.at` has ", at[i].dump(), ", which is neither a number nor a text"));
    if (i == 0) continue;
    // Longer texts are times, perhaps in several zones: the step compares them (table_split.cpp).
    constexpr std::size_t date_length = 10;
    const auto is_time = [&](const Json& v) {
      return v.is_string() && v.get_ref<const std::string&>().size() > date_length;
    };
    if (at[i].is_string() && at[i - 1].is_string() && (is_time(at[i]) || is_time(at[i - 1]))) continue;
    if (at[i].is_number() != at[i - 1].is_number() || !(at[i - 1] < at[i]))
      throw Error(ExitStatus::configuration,
                  str("`split_by.at` has to ascend, and ", at[i].dump(), " comes after ", at[i - 1].dump()));
  }
}

}  // namespace rankflow
