#include "steps/prepare_target.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <unordered_map>

#include "base/text.h"
#include "io/expression_evaluator.h"
#include "io/optional_key.h"
#include "io/table_columns.h"

namespace rankflow {
namespace {

// More classes than this are no classes: the column is an amount or an identifier.
constexpr std::size_t most_classes = 10'000;

bool is_classification(ColumnType type, const std::string& task, const Json& known) {
  if (!known.is_null() && known.contains("task")) {
    if (task != "auto" && known.at("task") != task) {
      throw Error(ExitStatus::configuration,
                  str("task is ", task, ", but the data of `statistics` were prepared for ",
                      known.at("task").get<std::string>()));
    }
    return known.at("task") == "classification";
  }
  if (task != "auto") return task == "classification";
  return type != ColumnType::real;
}

/// true, 1 and "1" as a table's values are written.
std::vector<std::string> texts_of(const Json& values) {
  std::vector<std::string> texts;
  for (const Json& value : values)
    texts.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  return texts;
}

void check_number_of_classes(const std::string& name, std::size_t classes) {
  if (classes > most_classes) {
    throw Error(ExitStatus::configuration, str("target \"", name, "\" has ", classes, " different values"),
                "task: regression where it is an amount");
  }
  if (classes < 2)
    throw Error(ExitStatus::bad_data, str("target \"", name, "\" has fewer than two different values"));
}

}  // namespace

TargetRule::TargetRule(const Table& shape, const Json& keys, const Json& known)
    : source_(keys.at("target")), expression_(parse_expression(source_)) {
  const std::string& source = source_;
  name_ = expression_.kind == Expression::Kind::column ? expression_.name : trim(source);
  const Column column = evaluate(expression_, source_, shape);
  type_ = type_of(*column);
  const Json& listed = value_or_null(keys, "classes");
  classification_ = !listed.is_null() || is_classification(type_, keys.at("task"), known);
  if (!classification_) {
    if (type_ == ColumnType::text && expression_.kind != Expression::Kind::column)
      throw expression_error(source_, expression_.offset, "regression needs a number, not a text");
    return;
  }
  if (!listed.is_null()) {
    classes_ = texts_of(listed);
    who_knows_ = "`classes` does not list";
  }
  if (known.is_null() || !known.contains("classes")) return;
  const auto theirs = known.at("classes").get<std::vector<std::string>>();
  if (!listed.is_null() && theirs != classes_) {
    throw Error(ExitStatus::configuration,
                str("`classes` lists others than the data of `statistics` have: ", join(theirs, ", ")),
                "leave `classes` out");
  }
  classes_ = theirs;
  who_knows_ = "the data of `statistics` do not have";
}

Column TargetRule::of(const Table& table) const {
  const Column column = evaluate(expression_, source_, table);
  if (classification_ || type_of(*column) != ColumnType::text) return column;
  return as_numbers(table, expression_.name);
}

void TargetRule::look(const TablePart& part, const Column& target) {
  if (!classification_) {
    visit_numbers(*target, [&](std::int64_t row, double value) {
      if (std::isinf(value))
        throw Error(ExitStatus::bad_data, str(part.table.place(row), ": target \"", name_, "\" is infinite"),
                    "leave such rows out with `filter`");
    });
    return;
  }
  const Categories categories = categories_of(*target);
  found_.insert(categories.names.begin(), categories.names.end());
  if (who_knows_.empty()) return;
  for (std::size_t code = 0; code < categories.names.size(); ++code) {
    if (std::find(classes_.begin(), classes_.end(), categories.names[code]) != classes_.end()) continue;
    const auto row =
        std::find(categories.codes.begin(), categories.codes.end(), static_cast<std::int32_t>(code)) -
        categories.codes.begin();
    throw Error(ExitStatus::bad_data, str(part.table.place(row), ": target \"", name_, "\" is \"",
                                          categories.names[code], "\", a class that ", who_knows_));
  }
}

void TargetRule::finish(Communicator& comm) {
  if (!classification_ || !who_knows_.empty()) return;
  std::set<std::string> all;
  for (const std::string& text : comm.all_gather_text(Json(found_).dump())) {
    for (const Json& name : Json::parse(text)) all.insert(name.get<std::string>());
  }
  check_number_of_classes(name_, all.size());
  classes_ = sorted_categories(all, type_);
}

OutputColumn TargetRule::column(const Column& target) const {
  if (!classification_) {
    return {{"target", DType::f32, {}}, [target](std::span<const std::int64_t> rows, std::byte* out) {
              std::vector<double> wide(rows.size());
              gather_numbers(*target, rows, wide.data());
              std::copy(wide.begin(), wide.end(), reinterpret_cast<float*>(out));
            }};
  }
  std::unordered_map<std::string, std::int64_t> number;
  for (std::size_t c = 0; c < classes_.size(); ++c) number[classes_[c]] = static_cast<std::int64_t>(c);
  auto categories = std::make_shared<Categories>(categories_of(*target));
  std::vector<std::int64_t> class_of;
  for (const std::string& name : categories->names) class_of.push_back(number.at(name));
  return {{"target", DType::i64, {}},
          [categories, class_of = std::move(class_of)](std::span<const std::int64_t> rows, std::byte* out) {
            auto* to = reinterpret_cast<std::int64_t*>(out);
            for (const std::int64_t row : rows)
              *to++ = class_of[static_cast<std::size_t>(categories->codes[static_cast<std::size_t>(row)])];
          }};
}

}  // namespace rankflow
