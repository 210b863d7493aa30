// Batches in the order in which they are used, put together in buffers that are used again: at the moment
// they are wanted, or ahead by a thread.
#pragma once

#include <array>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "runtime/step.h"
#include "steps/batch_loader.h"
#include "steps/batch_transfer.h"

namespace rankflow {

class BatchQueue {
 public:
  using Rows = std::function<std::span<const std::int64_t>(std::int64_t number)>;

  /// Keeps a reference to `loader`. `ahead`: a thread puts the next batch together while one is in use.
  /// Batches for a GPU are copied there by whoever puts them together, behind what the caller of next() queued for the one
  /// before in the same memory.
  BatchQueue(const BatchLoader& loader, bool ahead);
  ~BatchQueue() { end(); }
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  /// Batches 0 … count-1 are to come: number i holds rows(i), which stay valid until `end`. `rows` may be
  /// called on the thread. Ends what was begun before. `epoch` (from 0) is what images are augmented by.
  void begin(std::int64_t count, Rows rows, std::int64_t epoch);
  /// The next one; it stays as it is until the call after. `rows` of it is 0 where it has none. Throws what
  /// putting it together threw.
  const Batch& next();
  /// Leaves out what was not taken, and joins the thread.
  void end();

 private:
  void work(const std::stop_token& stop);
  void fill(std::int64_t number);
  void release_last();
  const Batch& taken(std::int64_t number);

  const BatchLoader& loader_;
  const bool ahead_;
  Rows rows_;
  std::int64_t count_ = 0, epoch_ = 0;
  std::array<Batch, 2> buffers_;                             // number i lies in i % 2
  std::array<std::unique_ptr<BatchTransfer>, 2> transfers_;  // to a GPU, from the same buffers

  // Guarded by the mutex where there is a thread.
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::int64_t made_ = 0, taken_ = 0;
  std::exception_ptr failure_;
  std::jthread thread_;
};

/// Whether to work ahead, by the key `prefetch:` (always, never, auto). auto: only where this host has a core
/// for the thread beside those that compute, or the data is larger than half the host's memory, so that
/// assembling waits for the disk and not for a core. Measured: without a core to spare the thread takes from
/// the computation what it gives to it, and hand-over comes on top.
bool assembles_ahead(const std::string& prefetch, const StepContext& context, const DatasetInfo& data);

}  // namespace rankflow
