// What a model takes in and gives out, read off a dataset: widths, vocabularies, image size, classes. Kept in
// model.json, and compared with every dataset the model is applied to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/dataset.h"

namespace rankflow {

struct ModelInput {
  std::int64_t features = 0;               // numeric columns
  std::vector<std::int64_t> vocabularies;  // codes of each categorical column, with 0 for unknown
  std::vector<std::int64_t> image;         // channels, height, width; empty: no images
  std::int64_t outputs = 1;                // classes; 1 for regression
  std::string columns;                     // names of the dataset's columns, for messages
};

/// Throws Error (bad_data) where the dataset's columns or schema don't fit each other or the conventions of
/// dataset.h.
ModelInput model_input(const DatasetInfo& info);

/// The input columns and the schema, as model.json keeps them.
Json describe_input(const DatasetInfo& info);
/// A dataset's description (without rows) from what describe_input gave.
DatasetInfo described_input(const Json& description);

/// Throws Error (bad_data) unless a dataset gives a model what it was trained on: the same columns, prepared
/// with the same statistics and vocabularies, and (with `target`) the same task and classes. `folder` is for
/// messages.
void require_same_input(const DatasetInfo& trained_on, const DatasetInfo& data, bool target,
                        const std::string& folder);

}  // namespace rankflow
