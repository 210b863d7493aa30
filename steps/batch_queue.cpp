#include "steps/batch_queue.h"

#include <sched.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory_limit.h"

namespace rankflow {

BatchQueue::BatchQueue(const BatchLoader& loader, bool ahead) : loader_(loader), ahead_(ahead) {
  if (!loader.format().device.is_cuda()) return;
  for (auto& transfer : transfers_) transfer = std::make_unique<BatchTransfer>(loader.format());
}

void BatchQueue::begin(std::int64_t count, Rows rows, std::int64_t epoch) {
  end();
  release_last();
  rows_ = std::move(rows);
  count_ = count;
  epoch_ = epoch;
  made_ = taken_ = 0;
  failure_ = nullptr;
  if (ahead_) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void BatchQueue::end() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void BatchQueue::fill(std::int64_t number) {
  const auto place = static_cast<std::size_t>(number % 2);
  Batch& batch = buffers_[place];
  BatchTransfer* transfer = transfers_[place].get();
  if (transfer) transfer->wait();
  const auto rows = rows_(number);
  if (rows.empty())
    batch.rows = 0;
  else
    loader_.load(rows, batch, epoch_);
  if (transfer) transfer->send(batch);
}

/// What the caller has queued for the batch that it took last is all that reads it.
void BatchQueue::release_last() {
  if (taken_ > 0 && transfers_[0]) transfers_[static_cast<std::size_t>((taken_ - 1) % 2)]->release();
}

const Batch& BatchQueue::taken(std::int64_t number) {
  const auto place = static_cast<std::size_t>(number % 2);
  return transfers_[place] ? transfers_[place]->receive() : buffers_[place];
}

const Batch& BatchQueue::next() {
  if (taken_ >= count_) throw Error(ExitStatus::internal, "more batches taken than were begun");
  release_last();
  if (!ahead_) {
    fill(taken_);
    return taken(taken_++);
  }
  std::unique_lock lock(mutex_);
  const std::int64_t number = taken_++;  // gives the buffer of the one before to the thread
  changed_.notify_all();
  changed_.wait(lock, [&] { return made_ > number || failure_; });
  if (made_ <= number) std::rethrow_exception(failure_);
  return taken(number);
}

void BatchQueue::work(const std::stop_token& stop) {
  for (std::int64_t number = 0; number < count_; ++number) {
    {
      std::unique_lock lock(mutex_);
      // In use is number taken_ - 1; the one after may be made, the one after that needs its buffer.
      if (!changed_.wait(lock, stop, [&] { return number <= taken_; })) return;
    }
    std::exception_ptr failure;
    try {
      fill(number);
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    if (!failure) made_ = number + 1;
    changed_.notify_all();
    if (failure) return;
  }
}

bool assembles_ahead(const std::string& prefetch, const StepContext& context, const DatasetInfo& data) {
  if (prefetch != "auto") return prefetch == "always";
  const auto online = sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t bound;
  CPU_ZERO(&bound);
  const bool known = sched_getaffinity(0, sizeof bound, &bound) == 0;
  const bool divided = known && CPU_COUNT(&bound) < online;  // by the launcher, who gave this rank its cores
  const bool spare =
      divided ? CPU_COUNT(&bound) > context.threads : online > context.threads * context.local_size;
  return spare ||
         static_cast<double>(data.row_bytes()) * static_cast<double>(data.rows) > available_memory() / 2;
}

}  // namespace rankflow
