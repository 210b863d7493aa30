#include "io/expression_evaluator.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "base/text.h"
#include "io/arrow_result.h"
#include "io/time_text.h"

namespace rankflow {
namespace {

using arrow::Datum;

/// A column, or a scalar that stands for one.
struct Value {
  Datum data;
  ColumnType type;

  bool number() const { return type == ColumnType::integer || type == ColumnType::real; }
};

bool has_nan(const arrow::Array& array) {
  const auto& numbers = static_cast<const arrow::DoubleArray&>(array);
  const double* values = numbers.raw_values();
  return std::any_of(values, values + numbers.length(), [](double v) { return std::isnan(v); });
}

/// The number that is none is a missing value, whatever gave it: files, 0 / 0, the logarithm of -1. Compared as a number it would be
/// neither less nor more than any, and a condition on it false.
Datum without_nan(const Datum& data) {
  if (!data.is_arraylike() || data.type()->id() != arrow::Type::DOUBLE) return data;
  const arrow::ArrayVector chunks = data.chunks();
  if (std::none_of(chunks.begin(), chunks.end(), [](const auto& chunk) { return has_nan(*chunk); }))
    return data;
  const std::string doing = "cannot compare with NaN";
  const Datum nan = value_of(arrow::compute::IsNan(data), doing);
  const Datum nothing(std::shared_ptr<arrow::Scalar>(arrow::MakeNullScalar(arrow::float64())));
  return value_of(arrow::compute::IfElse(nan, nothing, data), doing);
}

class Evaluator {
 public:
  Evaluator(const std::string& source, const Table& table) : source_(source), table_(table) {}

  Value value(const Expression& e) const {
    switch (e.kind) {
      case Expression::Kind::integer:
        return {Datum(e.integer), ColumnType::integer};
      case Expression::Kind::real:
        return {Datum(e.real), ColumnType::real};
      case Expression::Kind::boolean:
        return {Datum(e.integer != 0), ColumnType::boolean};
      case Expression::Kind::text:
        return {Datum(e.name), ColumnType::text};
      case Expression::Kind::column:
        return {without_nan(Datum(column(e))), type_of(*column(e))};
      case Expression::Kind::call:
        return call(e);
    }
    throw Error(ExitStatus::internal, "unknown kind of expression");
  }

 private:
  const Column& column(const Expression& e) const {
    if (!table_.has(e.name)) {
      table_.check_not_left_out(e.name);
      const std::string hint = backticks_hint(source_, e.offset, table_.names());
      throw expression_error(source_, e.offset,
                             str("there is no column \"", e.name, "\"",
                                 hint.empty() ? did_you_mean(e.name, table_.names()) : hint));
    }
    return table_.at(e.name);
  }

  Value call(const Expression& e) const {
    const std::string& f = e.name;
    if (f == "and" || f == "or" || f == "not") return logic(e);
    if (comparisons().count(f)) return comparison(e);
    if (f == "if") return choice(e);
    if (f == "is_missing")
      return {run(e, "is_null", {value(e.arguments[0]).data}, &nan_is_missing()), ColumnType::boolean};
    if (f == "integer" || f == "real" || f == "text") return conversion(e);
    if (date_parts().count(f) || f == "timestamp") return date_part(e);
    if (text_functions().count(f)) return text_function(e);
    return arithmetic(e);
  }

  Value logic(const Expression& e) const {
    static const std::map<std::string, std::string> names{
        {"and", "and_kleene"}, {"or", "or_kleene"}, {"not", "invert"}};
    std::vector<Datum> arguments;
    for (const Expression& a : e.arguments) arguments.push_back(condition(a, e.name).data);
    return {run(e, names.at(e.name), arguments), ColumnType::boolean};
  }

  Value comparison(const Expression& e) const {
    Value left = value(e.arguments[0]), right = value(e.arguments[1]);
    // A text column beside a number should have been numbers: the cell that is none is what to report.
    if (left.number() && right.type == ColumnType::text) right = number(e.arguments[1], e.name);
    if (right.number() && left.type == ColumnType::text) left = number(e.arguments[0], e.name);
    if (!(left.number() && right.number()) && left.type != right.type) {
      fail(e, str("a ", name(left.type), " can't be compared with a ", name(right.type)));
    }
    return {run(e, comparisons().at(e.name), {left.data, right.data}), ColumnType::boolean};
  }

  Value choice(const Expression& e) const {
    const Value test = condition(e.arguments[0], "if");
    Value yes = value(e.arguments[1]), no = value(e.arguments[2]);
    if (yes.number() && no.number()) {
      unify(yes, no);
    } else if (yes.type != no.type) {
      fail(e, str("\"if\" can't give a ", name(yes.type), " here and a ", name(no.type), " there"));
    }
    return {run(e, "if_else", {test.data, yes.data, no.data}), yes.type};
  }

  Value text_function(const Expression& e) const {
    const Value text = value(e.arguments[0]);
    if (text.type != ColumnType::text)
      fail(e.arguments[0], str(e.name, " needs a text, not a ", name(text.type)));
    const std::string& function = text_functions().at(e.name);
    if (e.name == "length") return {cast(run(e, function, {text.data}), arrow::int64()), ColumnType::integer};
    if (e.arguments.size() == 1) return {run(e, function, {text.data}), ColumnType::text};
    if (e.name == "left" || e.name == "right") {
      const std::int64_t n = constant(e, 1, Expression::Kind::integer).integer;
      const std::int64_t end = std::numeric_limits<std::int64_t>::max();
      // The last none of a text would be counted from its end: all of it.
      const arrow::compute::SliceOptions slice(e.name == "left" || n == 0 ? 0 : -n,
                                               e.name == "left" || n == 0 ? n : end);
      return {run(e, function, {text.data}, &slice), ColumnType::text};
    }
    const std::string& what = constant(e, 1, Expression::Kind::text).name;
    if (e.name == "replace") {
      if (what.empty()) fail(e.arguments[1], "nothing can't be replaced");
      const arrow::compute::ReplaceSubstringOptions replacement(what,
                                                                constant(e, 2, Expression::Kind::text).name);
      return {run(e, function, {text.data}, &replacement), ColumnType::text};
    }
    const arrow::compute::MatchSubstringOptions match(what);
    return {run(e, function, {text.data}, &match), ColumnType::boolean};
  }

  /// An argument that is the same for all rows.
  const Expression& constant(const Expression& e, std::size_t number, Expression::Kind kind) const {
    const Expression& argument = e.arguments[number];
    if (argument.kind != kind)
      fail(argument,
           str(e.name, " needs a ", kind == Expression::Kind::text ? "text in quotes" : "whole number",
               " here, the same for all rows"));
    return argument;
  }

  Value conversion(const Expression& e) const {
    const Value from = value(e.arguments[0]);
    if (e.name == "text") return {convert(e, from.data, arrow::utf8()), ColumnType::text};
    if (e.name == "real") return {convert(e, from.data, arrow::float64()), ColumnType::real};
    if (from.type == ColumnType::real)
      return {convert(e, run(e, "trunc", {from.data}), arrow::int64()), ColumnType::integer};
    return {convert(e, from.data, arrow::int64()), ColumnType::integer};
  }

  Value date_part(const Expression& e) const {
    const Value text = value(e.arguments[0]);
    if (text.type != ColumnType::text)
      fail(e.arguments[0], str(e.name, " needs a text such as 2024-05-31, not a ", name(text.type)));
    if (e.name == "timestamp") {
      const auto seconds = [](const auto& some) { return seconds_since_1970(some[0]); };
      return {computed(e, {text.data}, seconds), ColumnType::integer};
    }
    const Datum time = computed(e, {text.data}, [](const auto& some) { return shown_times(some[0]); });
    const arrow::compute::DayOfWeekOptions monday_is_1(/*count_from_zero=*/false, /*week_start=*/1);
    return {convert(e, run(e, date_parts().at(e.name), {time}, e.name == "weekday" ? &monday_is_1 : nullptr),
                    arrow::int64()),
            ColumnType::integer};
  }

  Datum convert(const Expression& e, const Datum& data, const std::shared_ptr<arrow::DataType>& type) const {
    auto options = arrow::compute::CastOptions::Safe(type);
    options.allow_float_truncate = type->id() == arrow::Type::DOUBLE;
    return computed(e, {data}, [&](const auto& some) { return arrow::compute::Cast(some[0], options); });
  }

  using Compute = std::function<arrow::Result<Datum>(const std::vector<Datum>&)>;

  /// What `compute` gives for the arguments. Throws Error (bad_data) naming the row where it fails.
  Datum computed(const Expression& e, const std::vector<Datum>& arguments, const Compute& compute) const {
    auto result = compute(arguments);
    if (result.ok()) return *result;
    if (result.status().IsOutOfMemory()) throw std::bad_alloc();
    throw expression_error(source_, e.offset, failure(arguments, compute, result.status()),
                           ExitStatus::bad_data);
  }

  /// "FILE: row 17: MESSAGE" of the first row for which a computation fails, by halves (Arrow's message for many rows may be about
  /// any of them); that of all where no row is to blame.
  std::string failure(const std::vector<Datum>& arguments, const Compute& compute,
                      const arrow::Status& of_all) const {
    const auto status = [&](std::int64_t begin, std::int64_t end) {
      std::vector<Datum> some;
      bool rows = false;
      for (const Datum& argument : arguments) {
        if (argument.is_chunked_array())
          some.emplace_back(argument.chunked_array()->Slice(begin, end - begin));
        else if (argument.is_array())
          some.emplace_back(argument.make_array()->Slice(begin, end - begin));
        else
          some.push_back(argument);
        rows = rows || argument.is_arraylike();
      }
      return rows ? compute(some).status() : arrow::Status::OK();
    };
    std::int64_t begin = 0, end = table_.rows();
    if (end == 0 || status(begin, end).ok()) return of_all.message();
    while (end - begin > 1) {
      const std::int64_t middle = begin + (end - begin) / 2;
      (status(begin, middle).ok() ? begin : end) = middle;
    }
    return str(table_.place(begin), ": ", status(begin, end).message());
  }

  Value arithmetic(const Expression& e) const {
    Value a = number(e.arguments[0], e.name);
    if (e.arguments.size() == 1) return one_number(e, a);
    Value b = number(e.arguments[1], e.name);
    unify(a, b);
    if (e.name == "%") return remainder(e, a, b);
    if (e.name == "min" || e.name == "max") {
      const arrow::compute::ElementWiseAggregateOptions keep_missing(/*skip_nulls=*/false);
      return {run(e, e.name + "_element_wise", {a.data, b.data}, &keep_missing), a.type};
    }
    static const std::map<std::string, std::string> names{
        {"+", "add"}, {"-", "subtract"}, {"*", "multiply"}, {"/", "divide"}};
    // Integers are checked (they would wrap); reals go to infinity and NaN as everywhere.
    return {run(e, names.at(e.name) + (a.type == ColumnType::integer ? "_checked" : ""), {a.data, b.data}),
            a.type};
  }

  Value one_number(const Expression& e, const Value& a) const {
    const bool integer = a.type == ColumnType::integer;
    if (e.name == "abs" || e.name == "negate")
      return {run(e, e.name + (integer ? "_checked" : ""), {a.data}), a.type};
    if (e.name == "floor" || e.name == "ceil") return integer ? a : Value{run(e, e.name, {a.data}), a.type};
    if (e.name == "round") {
      const arrow::compute::RoundOptions half_away(0, arrow::compute::RoundMode::HALF_TOWARDS_INFINITY);
      return integer ? a : Value{run(e, "round", {a.data}, &half_away), a.type};
    }
    return {run(e, e.name == "log" ? "ln" : e.name, {cast(a.data, arrow::float64())}), ColumnType::real};
  }

  /// a - trunc(a / b) * b: the sign of `a`, as in C (Arrow's own `modulo` takes that of `b`).
  Value remainder(const Expression& e, const Value& a, const Value& b) const {
    const bool integer = a.type == ColumnType::integer;
    Datum quotient = run(e, integer ? "divide_checked" : "divide", {a.data, b.data});
    if (!integer) quotient = run(e, "trunc", {quotient});
    return {run(e, "subtract", {a.data, run(e, "multiply", {quotient, b.data})}), a.type};
  }

  Value condition(const Expression& e, const std::string& user) const {
    Value v = value(e);
    if (v.type != ColumnType::boolean)
      fail(e, str("\"", user, "\" needs true or false, not a ", name(v.type)));
    return v;
  }

  Value number(const Expression& e, const std::string& user) const {
    Value v = value(e);
    if (v.number()) return v;
    if (v.type == ColumnType::text && e.kind == Expression::Kind::column) {
      return {Datum(as_numbers(table_, e.name)), ColumnType::real};
    }
    fail(e, str("\"", user, "\" needs a number, not a ", name(v.type)));
  }

  static void unify(Value& a, Value& b) {
    for (Value* v : {&a, &b}) {
      if (a.type != b.type && v->type == ColumnType::integer) {
        *v = {cast(v->data, arrow::float64()), ColumnType::real};
      }
    }
  }

  static Datum cast(const Datum& data, const std::shared_ptr<arrow::DataType>& type) {
    auto options = arrow::compute::CastOptions::Safe(type);
    options.allow_float_truncate = type->id() == arrow::Type::DOUBLE;  // integers above 2^53 are rounded
    return value_of(arrow::compute::Cast(data, options), "cannot convert a column");
  }

  Datum run(const Expression& e, const std::string& function, const std::vector<Datum>& arguments,
            const arrow::compute::FunctionOptions* options = nullptr) const {
    return without_nan(computed(e, arguments, [&](const auto& some) {
      return arrow::compute::CallFunction(function, some, options);
    }));
  }

  [[noreturn]] void fail(const Expression& e, const std::string& message) const {
    throw expression_error(source_, e.offset, message);
  }

  static const std::map<std::string, std::string>& comparisons() {
    static const std::map<std::string, std::string> names{{"==", "equal"},  {"!=", "not_equal"},
                                                          {"<", "less"},    {"<=", "less_equal"},
                                                          {">", "greater"}, {">=", "greater_equal"}};
    return names;
  }
  static const std::map<std::string, std::string>& date_parts() {
    static const std::map<std::string, std::string> names{
        {"year", "year"},           {"month", "month"},        {"day", "day"},
        {"hour", "hour"},           {"minute", "minute"},      {"second", "second"},
        {"weekday", "day_of_week"}, {"yearday", "day_of_year"}};
    return names;
  }
  static const std::map<std::string, std::string>& text_functions() {
    static const std::map<std::string, std::string> names{
        {"lower", "utf8_lower"},          {"upper", "utf8_upper"},          {"length", "utf8_length"},
        {"trim", "utf8_trim_whitespace"}, {"left", "utf8_slice_codeunits"}, {"right", "utf8_slice_codeunits"},
        {"replace", "replace_substring"}, {"contains", "match_substring"},  {"starts_with", "starts_with"},
        {"ends_with", "ends_with"}};
    return names;
  }
  static const arrow::compute::NullOptions& nan_is_missing() {
    static const arrow::compute::NullOptions options(/*nan_is_null=*/true);
    return options;
  }

  const std::string& source_;
  const Table& table_;
};

}  // namespace

Column evaluate(const Expression& expression, const std::string& source, const Table& table) {
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  const Value result = Evaluator(source, table).value(expression);
  if (result.data.is_chunked_array()) return result.data.chunked_array();
  if (result.data.is_array()) return std::make_shared<arrow::ChunkedArray>(result.data.make_array());
  auto array =
      value_of(arrow::MakeArrayFromScalar(*result.data.scalar(), table.rows()), "cannot repeat a constant");
  return std::make_shared<arrow::ChunkedArray>(array);
}

}  // namespace rankflow
