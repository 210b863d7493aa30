// Columns of a dataset that are only carried along: nothing learns from them, and they have their own values. The schema's key
// `carried` says which they are: [{name, type}].
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/dataset.h"
#include "io/table.h"

namespace rankflow {

/// A carried column: booleans are u8, integers i64, reals f64 (missing: NaN), and texts UTF-8 in u8 [bytes of the longest], padded
/// with NUL (missing: empty), which a part's file holds as texts of a fixed length.
struct CarriedColumn {
  std::string name;
  ColumnType type = ColumnType::text;
};

/// Those of the dataset, in their order. Throws Error (bad_data) where the schema doesn't fit the columns.
std::vector<CarriedColumn> carried_columns(const DatasetInfo& info);
/// Its type; nullopt where the column is not carried, or isn't there.
std::optional<ColumnType> carried_type(const DatasetInfo& info, const std::string& column);
bool is_carried_text(const DatasetInfo& info, const std::string& column);

/// `longest`: bytes of the longest text, at least 1; of no meaning for other types.
ColumnInfo column_info(const CarriedColumn& column, std::int64_t longest);
/// For the schema's key `carried`.
Json to_json(const std::vector<CarriedColumn>& columns);
/// The text of a row of a column of texts.
std::string_view text_at(const std::byte* row, const ColumnInfo& column);

}  // namespace rankflow
