// What prepare learns from the training split and applies to every row: scaling of numbers, vocabularies of
// categories. Kept in a dataset's schema, so that other data can be prepared in the same way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/json.h"
#include "io/table.h"
#include "steps/column_statistics.h"
#include "steps/dataset_writer.h"

namespace rankflow {

/// value → (value - mean) / scale; a missing value counts as `missing`.
struct NumericEncoding {
  std::string name;
  double mean = 0;
  double scale = 1;
  double missing = 0;  // what a missing value counts as, before scaling; NaN: nothing is known
};

/// A name's code is its index + 1; 0 stands for all others and for missing ones.
struct CategoryEncoding {
  std::string name;
  std::vector<std::string> vocabulary;
};

struct FeatureEncoding {
  std::vector<NumericEncoding> numeric;
  std::vector<CategoryEncoding> categorical;
};

/// `scaling` is standardise, minmax or none. A constant column is shifted only. Throws Error (bad_data) for a
/// column without values.
NumericEncoding learn_scaling(const std::string& name, const Moments& moments, const std::string& scaling);

/// Numbers as they are; nothing is known of missing ones.
FeatureEncoding unscaled(const std::vector<std::string>& numeric);

/// The keys `features` and `categories` of a dataset's schema, and back.
void add_to_schema(const FeatureEncoding& encoding, Json& schema);
FeatureEncoding encoding_from_schema(const Json& schema);

/// The columns of a category feature and its rows' indices into `names`, before a vocabulary is applied.
struct CategoryFeature {
  std::string name;
  Categories categories;
};

/// Columns `features` (f32) and `categories` (i64), each only where it is not empty. `numeric` has a column
/// per numeric transform, `categorical` a feature per category transform, in the same order.
std::vector<OutputColumn> feature_columns(const FeatureEncoding& encoding, std::vector<Column> numeric,
                                          std::vector<CategoryFeature> categorical);

}  // namespace rankflow
