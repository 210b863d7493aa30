// Results as Arrow has them. Kept to the .cpp files of io/ that include Arrow.
#pragma once

#include <arrow/api.h>

#include <memory>

#include "io/result_table.h"

namespace rankflow {

/// Of one element: categories are dictionaries of texts.
std::shared_ptr<arrow::DataType> arrow_type(const ResultColumn& column);
/// Element number `label` of every row, null where it is missing: `missing` is 1 there (none: empty), or the value is NaN or category -1.
std::shared_ptr<arrow::Array> arrow_array(const ResultColumn& column, const ResultValues& values,
                                          std::size_t label, const std::vector<std::uint8_t>& missing = {});

}  // namespace rankflow
