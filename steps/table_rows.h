// What is left of a part of a table when all is applied that needs no scaling and no vocabulary: features, target, row numbers and
// carried columns of the rows that are kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "steps/carried_columns.h"
#include "steps/feature_encoding.h"
#include "steps/feature_selection.h"
#include "steps/prepare_target.h"
#include "steps/table_part.h"

namespace rankflow {

struct TableRows {
  std::vector<Column> numeric;               // in the order of the features
  std::vector<CategoryFeature> categorical;  // likewise
  std::optional<Column> target;
  std::vector<Column> carried;        // in the order of CarriedColumns
  std::vector<std::int64_t> numbers;  // of the rows in the whole table
  std::vector<std::uint8_t> split;    // of each row

  std::int64_t bytes() const;
  /// Rows of a split as indices into these columns.
  std::vector<std::int64_t> rows_in(std::uint8_t wanted) const;
  /// The columns of the dataset, for these rows.
  std::vector<OutputColumn> columns(const FeatureEncoding& encoding, const std::optional<TargetRule>& rule,
                                    const CarriedColumns& along) const;
};

/// What columns() of any part are.
std::vector<ColumnInfo> column_infos(const FeatureEncoding& encoding, const std::optional<TargetRule>& rule,
                                     const CarriedColumns& carried);

/// Why rows are left out, and how many.
struct DroppedRows {
  std::int64_t filter = 0, target = 0, features = 0;
};

/// `missing`: the key `missing_values`. Throws Error (bad_data) naming file and row for a value that is no finite number, or
/// missing where that is an error. Takes note of classes in `rule` and of texts in `carried`.
TableRows take_rows(TablePart part, const FeatureNames& features, std::optional<TargetRule>& rule,
                    CarriedColumns& carried, const std::string& missing, DroppedRows& dropped);

}  // namespace rankflow
