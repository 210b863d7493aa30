// Columns of a prepared dataset beside the results: a whole column, or one feature in its own units.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "io/result_table.h"

namespace rankflow {

struct InputColumn {
  ResultColumn column;
  std::function<ResultValues(const Dataset& data, Range rows)> read;
};

/// `name`: a column of the dataset, carried along or not, or a feature of its schema: numbers are in the units that they had before prepare
/// standardised them, categories are by name. Throws Error (configuration) naming what there is.
InputColumn input_column(const DatasetInfo& info, const std::string& name);

}  // namespace rankflow
