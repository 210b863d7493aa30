// A trained model applied to a prepared dataset, mini-batch by mini-batch, in a way that depends on nothing
// but the two: what evaluate and score have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/step.h"
#include "steps/mini_batches.h"
#include "steps/model_file.h"

namespace rankflow {

class Predictor {
 public:
  /// Opens both folders and checks that they fit. Throws Error (bad_data). Local.
  Predictor(const std::string& model_folder, const std::string& data_folder, bool with_target);

  Task task() const { return file_.task; }
  const Dataset& data() const { return data_; }
  const std::vector<std::string>& classes() const { return classes_; }

  /// The same bits for the same rows on one thread (CpuUse).
  /// f64 [rows, classes]: log-probabilities; or f64 [rows, 1]: predicted values in the target's own units.
  /// Throws Error (bad_data) where the model gives another number of rows than it got, or values that are not
  /// finite.
  at::Tensor predict(Range rows) const { return predict(load(rows), rows); }
  /// The same in two steps, between which a batch may be changed; `rows` is for messages then.
  Batch load(Range rows) const { return loader_.load(rows); }
  at::Tensor predict(const Batch& batch, Range rows) const;

 private:
  ModelFile file_;
  Dataset data_;
  BatchLoader loader_;
  std::vector<std::string> classes_;
};

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
