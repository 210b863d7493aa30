// Many models of one shape as one artifact: models.safetensors (each weight and buffer under its PyTorch name, of all models
// along the first dimension), models.json (what they are, and the key of each) and models.csv (a line for each, also for
// those that failed).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "steps/model.h"
#include "steps/partition_keys.h"
#include "steps/task.h"

namespace rankflow {

/// One of the models, trained or failed.
struct ModelRecord {
  std::int64_t number = 0;  // of its partition
  PartitionKey key;
  std::int64_t rows = 0, validation_rows = 0, epochs = 0;
  Json metrics = Json::object();  // of the epoch whose weights it has
  TargetScale target;
  std::string failure;             // why there is no model; empty: there is one
  std::vector<std::byte> weights;  // of all tensors, one after the other (model_tensors)

  Json to_json() const;  // without the weights
  static ModelRecord from_json(const Json& json);
};

/// The tensors of a model as ModelRecord has them.
std::vector<std::byte> packed_weights(const Model& model);

/// Writes the three files, and the models' code where it was brought along (`brought`; model_code.h). `like`: a model of that
/// shape. Of `records`, in the order of their partitions, at least one has weights. Throws Error (io).
void write_models(const std::string& folder, const Model& like, const Json& spec, const std::string& brought,
                  const std::vector<std::string>& partition_by, const DatasetInfo& trained_on,
                  const std::vector<ModelRecord>& records);

/// The models of an artifact. Weights stay in the mapped file: a model costs nothing until its pages are read.
class ModelsFile {
 public:
  static bool is_in(const std::string& folder);
  /// Throws Error (bad_data) where the files are damaged or don't fit each other.
  explicit ModelsFile(const std::string& folder);

  const DatasetInfo& trained_on() const { return trained_on_; }
  const std::vector<std::string>& partition_by() const { return partition_by_; }
  std::size_t size() const { return targets_.size(); }
  const std::map<PartitionKey, std::size_t>& numbers() const { return numbers_; }
  bool code_was_brought() const { return brought_; }
  TargetScale target(std::size_t model) const { return targets_[model]; }
  /// In evaluation mode; good until the next call, which gives the same object other weights.
  Model& model(std::size_t number);

 private:
  DatasetInfo trained_on_;
  std::vector<std::string> partition_by_;
  std::map<PartitionKey, std::size_t> numbers_;
  std::vector<TargetScale> targets_;
  bool brought_ = false;
  std::shared_ptr<Model> model_;
  SafetensorsFile weights_;
  std::vector<std::pair<at::Tensor, at::Tensor>> stacks_;  // of the model, and of all models
};

}  // namespace rankflow
