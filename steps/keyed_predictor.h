// Predictions of many models, each row's by the model of its key.
#pragma once

#include <memory>

#include "steps/models_file.h"
#include "steps/predictor.h"

namespace rankflow {

/// The artifact of a partitioned training in `model_folder`, on a dataset (`data_folder` is for messages). predict() throws
/// Error (bad_data) naming the key of the first row that there is no model for. Throws Error (bad_data) where the two don't
/// fit. Local.
std::unique_ptr<Predictor> make_keyed_predictor(const std::string& model_folder,
                                                std::shared_ptr<const Dataset> data,
                                                const std::string& data_folder, bool with_target,
                                                ModelOutputs outputs);

/// The rows that have a model, ascending, and the first key that has none.
struct RowsWithModel {
  std::vector<std::int64_t> rows;
  std::string missing;
};
RowsWithModel rows_with_model(const std::string& model_folder, const Dataset& data);

}  // namespace rankflow
