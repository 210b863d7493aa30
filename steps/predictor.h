// A trained model applied to a prepared dataset, mini-batch by mini-batch, in a way that depends on nothing
// but the two: what evaluate and score have in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/step.h"
#include "steps/batch_loader.h"
#include "steps/mini_batches.h"
#include "steps/model_outputs.h"

namespace rankflow {

/// Predicts rows of one dataset: with one model, or with several (their mean, or one chosen for each row).
class Predictor {
 public:
  virtual ~Predictor() = default;

  virtual Task task() const = 0;
  virtual const Dataset& data() const = 0;
  /// Names of the classes; none for regression.
  virtual const std::vector<std::string>& classes() const = 0;
  /// Categories that choose a row's model.
  virtual std::vector<std::string> key_columns() const { return {}; }

  /// The same bits for the same rows on one thread (CpuUse).
  /// f64 [rows, classes]: log-probabilities; or f64 [rows, 1]: predicted values in the target's own units.
  /// Throws Error (bad_data) where the model gives values that are not finite, and StepFailure (bad_data) where it gives
  /// something else than its data wants (in_units_of_target).
  at::Tensor predict(Range rows) const { return predict(load(rows), rows); }
  /// The same in two steps, between which a batch may be changed; `rows` is for messages then.
  virtual Batch load(Range rows) const = 0;
  virtual at::Tensor predict(const Batch& batch, Range rows) const = 0;
};

/// A model of any kind (open_model), or the artifact of one for each key, on the dataset that was opened from `data_folder`
/// (for messages). `outputs`: what models from elsewhere give; the others' are known. Throws Error (bad_data, configuration) where
/// model and data don't fit. Local.
std::unique_ptr<Predictor> make_predictor(const std::string& model, std::shared_ptr<const Dataset> data,
                                          const std::string& data_folder, bool with_target,
                                          ModelOutputs outputs);
/// Throws Error (configuration) where the key `model_outputs` is given, and says nothing about any of `models` (paths) on this
/// data.
void require_use_of(const std::optional<ModelOutputs>& outputs, const std::vector<std::string>& models,
                    const DatasetInfo& data);

/// The mean of the members' probabilities, or of the values that they predict. At least one member, all on the same dataset.
/// Throws Error (bad_data) where tasks or classes differ.
std::unique_ptr<Predictor> make_ensemble(std::vector<std::unique_ptr<Predictor>> members);

/// Goes through all mini-batches of `size` rows: in every round each rank calls `work` with the rows of each
/// of its own, in order, then all call `gather` together. Reports progress after each round and throws
/// Stopped when asked to stop. Collective; an exception in `work` fails all ranks.
void for_each_mini_batch(StepContext& context, std::int64_t rows, std::int64_t size,
                         const std::function<void(Range rows)>& work, const std::function<void()>& gather);

/// Joins each rank's bytes in rank order on the first rank; empty on the others. Collective.
template <typename T>
std::vector<T> gather_on_first(Communicator& comm, const std::vector<T>& mine) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto sizes = comm.all_gather_value<std::int64_t>(static_cast<std::int64_t>(mine.size() * sizeof(T)));
  std::vector<T> all;
  if (comm.rank() == 0) {
    std::int64_t bytes = 0;
    for (const auto s : sizes) bytes += s;
    all.resize(static_cast<std::size_t>(bytes) / sizeof(T));
  }
  comm.gather_unequal(mine.data(), sizes, all.data(), 0);
  return all;
}

}  // namespace rankflow
