#include "steps/library_rows.h"

#include <new>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/shortened.h"
#include "base/text.h"
#include "io/result_ipc.h"

namespace rankflow {
namespace {

ResultType type_of(const RowColumn& column) {
  if (std::holds_alternative<std::vector<std::uint8_t>>(column.values))
    return column.boolean ? ResultType::boolean : ResultType::integer;
  if (std::holds_alternative<std::vector<std::int64_t>>(column.values))
    return column.categories.empty() ? ResultType::integer : ResultType::text;
  if (std::holds_alternative<std::vector<float>>(column.values)) return ResultType::real32;
  return std::holds_alternative<std::vector<double>>(column.values) ? ResultType::real64 : ResultType::text;
}

/// Bytes that are numbers as integers, and codes of categories as their names.
ResultValues plain_values(RowColumn& column, std::vector<std::uint8_t>& missing) {
  if (auto* bytes = std::get_if<std::vector<std::uint8_t>>(&column.values); bytes && !column.boolean)
    return std::vector<std::int64_t>(bytes->begin(), bytes->end());
  const auto* codes = std::get_if<std::vector<std::int64_t>>(&column.values);
  if (!codes || column.categories.empty()) return std::move(column.values);
  std::vector<std::string> names;
  for (const std::int64_t code : *codes) {
    names.push_back(code < 0 ? "" : column.categories.at(static_cast<std::size_t>(code)));
    if (code >= 0) continue;
    if (missing.empty()) missing.resize(codes->size());
    missing[names.size() - 1] = 1;
  }
  return names;
}

void check(const RowTable& table) {
  std::set<std::string> names;
  for (const RowColumn& column : table.columns) {
    const auto values = std::visit([](const auto& all) { return std::ssize(all); }, column.values);
    if (column.name.empty() || !names.insert(column.name).second)
      throw Error(ExitStatus::bad_data,
                  str("it gave ", column.name.empty() ? "a column without a name" : "two columns ",
                      column.name.empty() ? "" : in_quotes(column.name)));
    if (column.labels.size() > 1 || values != table.rows ||
        (!column.missing.empty() && std::ssize(column.missing) != table.rows))
      throw Error(ExitStatus::bad_data, str("its column ", in_quotes(column.name), " has ", values,
                                            " values for ", table.rows, " rows"));
  }
}

}  // namespace

LibraryRows::LibraryRows(std::string path, RowProgramContext about)
    : path_(std::move(path)),
      library_(path_, "rankflow_rows_interface", rows_interface),
      about_(std::move(about)) {}

LibraryRows::~LibraryRows() = default;

std::string LibraryRows::run(const MiniBatch& batch) {
  RowTable table = run_code([&] {
    if (!program_) make();
    return program_->run(batch);
  });
  try {
    check(table);
    return stream(std::move(table));
  } catch (const std::exception& e) {
    const Error error = as_error(e);
    throw Error(ExitStatus::bad_data, str(path_, ": ", error.message()), error.hint());
  }
}

void LibraryRows::make() {
  using Make = RowProgram*(const RowProgramContext&);
  program_.reset(library_.function<Make>("rankflow_make_row_program")(about_));
  if (!program_) throw Error(ExitStatus::step_failed, "rankflow_make_row_program gave no program");
}

/// What the user's code throws, with its place.
template <typename Code>
auto LibraryRows::run_code(const Code& code) const -> decltype(code()) {
  try {
    return code();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(ExitStatus::step_failed, str(path_, ": ", shortened(e.what(), longest_failure)));
  } catch (...) {
    throw Error(ExitStatus::step_failed, str(path_, " threw what is no std::exception"));
  }
}

std::string LibraryRows::stream(RowTable table) const {
  ResultSchema schema;
  ResultTable plain{table.rows, {}};
  for (RowColumn& column : table.columns) {
    schema.push_back(plain_column(column.name, type_of(column)));
    plain.missing.push_back(std::move(column.missing));
    plain.columns.push_back(plain_values(column, plain.missing.back()));
  }
  return to_ipc(schema, plain);
}

}  // namespace rankflow
