#include "steps/table_transform.h"

#include <cstdio>

#include "base/text.h"
#include "io/expression_evaluator.h"

namespace rankflow {

#define RANKFLOW_TRANSFORM(kind) \
  std::unique_ptr<TableTransform> make_##kind##_transform(const Json& keys, const TransformContext& context);
#include "steps/transform_kinds.inc"
#undef RANKFLOW_TRANSFORM

std::unique_ptr<TableTransform> make_transform(const Json& keys, const TransformContext& context) {
  const std::string type = keys.at("type");
#define RANKFLOW_TRANSFORM(kind) \
  if (type == #kind) return make_##kind##_transform(keys, context);
#include "steps/transform_kinds.inc"
#undef RANKFLOW_TRANSFORM
  throw Error(ExitStatus::internal, str("transform ", type, " has no code in this program"));
}

namespace {

std::string between(char quote, const std::string& text) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

}  // namespace

std::string quoted_column(const std::string& name) {
  return between('`', name);
}

std::string quoted_text(const std::string& text) {
  return between('\'', text);
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  std::string out = text;
  if (out.find_first_of(".en") == std::string::npos) out += ".0";  // a real, not an integer
  return value < 0 ? "(" + out + ")" : out;
}

void set_column(Table& table, const std::string& name, const std::string& expression) {
  table.set(name, evaluate(parse_expression(expression), expression, table));
}

std::int64_t keep_where(TablePart& part, const Expression& expression, const std::string& source) {
  const Column column = evaluate(expression, source, part.table);
  if (type_of(*column) != ColumnType::boolean)
    throw expression_error(source, expression.offset, "a filter must be true or false");
  std::vector<char> keep(static_cast<std::size_t>(part.table.rows()), 1);
  std::int64_t dropped = 0;
  visit_numbers(*column, [&](std::int64_t row, double value) {
    if (value == 1) return;  // a missing value is not true
    keep[static_cast<std::size_t>(row)] = 0;
    ++dropped;
  });
  if (dropped > 0) part.keep_rows(keep);
  return dropped;
}

}  // namespace rankflow
