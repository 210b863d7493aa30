// Arrow's many types as the four of a Table. For the formats in io/.
#pragma once

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <string>

#include "io/table_file.h"

namespace rankflow {

/// The type in which values of an Arrow type are kept: integers and unsigned ones as integer, floating point and decimals as
/// real, texts, dates, times and dictionaries of them as text (ISO 8601), nothing but missing as real. Throws Error (bad_data)
/// naming file and column for lists, structs, maps and intervals.
ColumnType kept_type(const arrow::DataType& type, const std::string& file, const std::string& column);
std::shared_ptr<arrow::DataType> arrow_type(ColumnType type);
/// What a file says about the type of a column: nothing where it holds no values, which fit any type that other files have, or
/// values that a table can't hold.
std::optional<ColumnType> said_type(const arrow::DataType& type);
/// The columns for which kept_type() throws, and what their types are called.
std::map<std::string, std::string> columns_left_out(const arrow::Schema& schema);

/// The column in kept_type, or in `type` where that is decided (integer → real, anything → text, text → what it says). Throws
/// Error (bad_data) naming file, column and, where `first_row` is known, the row of a value that does not fit.
Column kept_column(const Column& column, const std::string& file, const std::string& name,
                   const std::optional<ColumnType>& type = std::nullopt, std::int64_t first_row = -1);

/// A whole Arrow table of one file as `request` asks for it; what a table can't hold is left out unless it is asked for by name.
Table kept_table(const arrow::Table& table, const std::string& file, const ReadRequest& request);

/// Throws Error (bad_data): no name, a name twice.
void check_column_names(const std::vector<std::string>& names, const std::string& file);

}  // namespace rankflow
