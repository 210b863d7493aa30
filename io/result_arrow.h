// Results as Arrow has them. Kept to the .cpp files of io/ that include Arrow.
#pragma once

#include <arrow/api.h>

#include <memory>

#include "io/result_table.h"

namespace rankflow {

/// Of one element: categories are dictionaries of texts.
std::shared_ptr<arrow::DataType> arrow_type(const ResultColumn& column);
/// Element number `label` of every row.
std::shared_ptr<arrow::Array> arrow_array(const ResultColumn& column, const ResultValues& values,
                                          std::size_t label);

}  // namespace rankflow
