#include "steps/carried_columns.h"

#include <algorithm>

#include "base/text.h"
#include "io/carried.h"
#include "io/column_values.h"
#include "io/optional_key.h"
#include "io/table_columns.h"

namespace rankflow {
namespace {

// All texts of a column take the room of its longest, in memory, too, while a part is written.
constexpr std::size_t longest_text = 1000;

/// No column of a file is called so: this can't be typed.
std::string aside(const std::string& name) {
  return str("\x01", "carried ", name);
}

}  // namespace

std::vector<std::string> names_to_carry(const Json& keys) {
  return given(keys, "carry") ? keys.at("carry").get<std::vector<std::string>>() : std::vector<std::string>();
}

CarriedColumns::CarriedColumns(const std::vector<std::string>& names, const Table& table)
    : names_(names), lengths_(names.size(), 1) {
  for (const std::string& name : names) types_.push_back(table.type(name));
}

void CarriedColumns::set_aside(Table& table) const {
  for (const std::string& name : names_) table.set(aside(name), table.at(name));
}

void CarriedColumns::check(const TablePart& part, std::size_t c, const Column& values) {
  const auto wrong = [&](std::int64_t row, const std::string& what, const std::string& hint) {
    throw Error(ExitStatus::bad_data,
                str(part.table.place(row), ": column ", in_quotes(names_[c]), " of `carry` has ", what),
                hint);
  };
  if (type_of(*values) != types_[c])
    throw Error(ExitStatus::internal, str("column ", in_quotes(names_[c]), " has several types"));
  if (types_[c] == ColumnType::text) {
    visit_texts(*values, [&](std::int64_t row, std::string_view text) {
      if (text.size() > longest_text)
        wrong(row, str("a text of ", text.size(), " bytes, more than ", longest_text),
              "the column `row` of the dataset says where to find it in the source");
      if (text.find('\0') != std::string_view::npos)
        wrong(row, "a text with a NUL character, which ends texts in HDF5", "leave the column out");
      lengths_[c] = std::max(lengths_[c], static_cast<std::int64_t>(text.size()));
    });
  } else if (types_[c] != ColumnType::real) {
    std::vector<char> there(static_cast<std::size_t>(part.table.rows()), 1);
    mark_missing(*values, there);
    const auto missing = std::find(there.begin(), there.end(), 0);
    if (missing != there.end())
      wrong(missing - there.begin(), str("no value, which ", name(types_[c]), "s must have"),
            str("`schema: {", names_[c], ": ", types_[c] == ColumnType::integer ? "real" : "text",
                "}`, a transform of type fill, or a `filter`"));
  }
}

std::vector<Column> CarriedColumns::take(const TablePart& part) {
  std::vector<Column> columns;
  for (std::size_t c = 0; c < names_.size(); ++c) {
    columns.push_back(part.table.at(aside(names_[c])));
    check(part, c, columns.back());
  }
  return columns;
}

void CarriedColumns::note_lengths(const std::map<std::string, std::int64_t>& lengths) {
  for (std::size_t c = 0; c < names_.size(); ++c) {
    if (const auto found = lengths.find(names_[c]); found != lengths.end())
      lengths_[c] = std::max(lengths_[c], found->second);
  }
}

void CarriedColumns::finish(Communicator& comm) {
  if (!lengths_.empty()) comm.all_reduce(std::span(lengths_), ReduceOp::max);
}

std::vector<ColumnInfo> CarriedColumns::infos() const {
  std::vector<ColumnInfo> infos;
  for (std::size_t c = 0; c < names_.size(); ++c)
    infos.push_back(column_info({names_[c], types_[c]}, lengths_[c]));
  return infos;
}

void CarriedColumns::add_to_schema(Json& schema) const {
  std::vector<CarriedColumn> columns;
  for (std::size_t c = 0; c < names_.size(); ++c) columns.push_back({names_[c], types_[c]});
  if (!columns.empty()) schema["carried"] = to_json(columns);
}

std::vector<OutputColumn> CarriedColumns::columns(const std::vector<Column>& values) const {
  std::vector<OutputColumn> columns;
  for (ColumnInfo& info : infos()) {
    const std::size_t width = info.row_bytes();
    columns.push_back({std::move(info), [column = values[columns.size()], width](
                                            std::span<const std::int64_t> rows, std::byte* out) {
                         gather_bytes(*column, rows, width, out);
                       }});
  }
  return columns;
}

}  // namespace rankflow
