// Slices of a dataset: the rows that share a value, or whose number lies in a range. Where a model is good on the
// whole and bad for some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/dataset.h"

namespace rankflow {

struct Slice {
  std::string column;
  std::string
      value;  // a category's name or a carried value, "(unknown)" where it is missing, or a range of numbers without its end
  std::vector<std::int64_t> rows;  // of the dataset, ascending; never empty
};

/// The slices of each of `columns` (names of carried columns, or of categories or features of the dataset's schema), in the
/// order of columns, and of values, codes or numbers in each. Features are in their own units, as they were before prepare
/// scaled them, and cut at quantiles into at most `buckets` ranges of about as many rows each; so are carried reals, and
/// integers that have more than 1,000 values. Throws Error (configuration) for a name that is none of these, and for more
/// than 1,000 texts.
std::vector<Slice> slices_of(const Dataset& data, const std::vector<std::string>& columns,
                             std::int64_t buckets);

}  // namespace rankflow
