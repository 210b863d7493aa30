#include "steps/prepare_target.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "io/expression.h"
#include "io/expression_evaluator.h"

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

Column target_numbers(const Expression& expression, const Column& column, const std::string& source,
                      const Table& table) {
  if (type_of(*column) != ColumnType::text) return column;
  if (expression.kind == Expression::Kind::column) return as_numbers(table, expression.name);
  throw expression_error(source, expression.offset, "regression needs a number, not a text");
}

void check_number_of_classes(const std::string& name, std::size_t classes) {
  if (classes > most_classes) {
    throw Error(ExitStatus::configuration, str("target \"", name, "\" has ", classes, " different values"),
                "task: regression where it is an amount");
  }
  if (classes < 2)
    throw Error(ExitStatus::bad_data, str("target \"", name, "\" has fewer than two different values"));
}

/// Renumbers the classes as training data has them.
void use_known_classes(Target& target, const Table& table, const Json& known) {
  const std::vector<std::string> classes = known.at("classes");
  std::vector<std::int32_t> renumbered;
  for (const std::string& c : target.classes) {
    auto it = std::find(classes.begin(), classes.end(), c);
    renumbered.push_back(it == classes.end() ? -1 : static_cast<std::int32_t>(it - classes.begin()));
  }
  for (std::size_t row = 0; row < target.codes->size(); ++row) {
    std::int32_t& code = (*target.codes)[row];
    if (code < 0) continue;
    if (renumbered[code] < 0) {
      throw Error(ExitStatus::bad_data,
                  str(table.place(static_cast<std::int64_t>(row)), ": target \"", target.name, "\" is \"",
                      target.classes[code], "\", a class that the data of `statistics` do not have"));
    }
    code = renumbered[code];
  }
  target.classes = classes;
}

}  // namespace

std::int64_t Target::leave_out_missing(std::vector<char>& keep) const {
  std::int64_t left_out = 0;
  auto leave_out = [&](std::int64_t row) {
    left_out += keep[static_cast<std::size_t>(row)];
    keep[static_cast<std::size_t>(row)] = 0;
  };
  if (classification) {
    for (std::size_t row = 0; row < codes->size(); ++row) {
      if ((*codes)[row] < 0) leave_out(static_cast<std::int64_t>(row));
    }
  } else {
    visit_numbers(*numbers, [&](std::int64_t row, double value) {
      if (std::isnan(value)) leave_out(row);
    });
  }
  return left_out;
}

OutputColumn Target::column() const {
  if (classification) {
    return {{"target", DType::i64, {}}, [codes = codes](std::span<const std::int64_t> rows, std::byte* out) {
              auto* values = reinterpret_cast<std::int64_t*>(out);
              for (std::size_t i = 0; i < rows.size(); ++i)
                values[i] = (*codes)[static_cast<std::size_t>(rows[i])];
            }};
  }
  return {{"target", DType::f32, {}},
          [numbers = numbers](std::span<const std::int64_t> rows, std::byte* out) {
            std::vector<double> wide(rows.size());
            gather_numbers(*numbers, rows, wide.data());
            std::copy(wide.begin(), wide.end(), reinterpret_cast<float*>(out));
          }};
}

Target make_target(const Table& table, const std::string& source, const std::string& task,
                   const Json& known) {
  const Expression expression = parse_expression(source);
  const Column column = evaluate(expression, source, table);
  Target target;
  target.name = expression.kind == Expression::Kind::column ? expression.name : trim(source);
  target.classification = is_classification(type_of(*column), task, known);
  if (!target.classification) {
    target.numbers = target_numbers(expression, column, source, table);
    return target;
  }
  Categories categories = categories_of(*column);
  target.classes = std::move(categories.names);
  target.codes = std::make_shared<std::vector<std::int32_t>>(std::move(categories.codes));
  if (!known.is_null() && known.contains("classes")) {
    use_known_classes(target, table, known);
  } else {
    check_number_of_classes(target.name, target.classes.size());
  }
  return target;
}

}  // namespace rankflow
