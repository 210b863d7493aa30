#include "steps/batch_queue.h"

#include <sched.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory_limit.h"

namespace rankflow {

void BatchQueue::begin(std::int64_t count, Rows rows) {
  end();
  rows_ = std::move(rows);
  count_ = count;
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
  Batch& batch = buffers_[static_cast<std::size_t>(number % 2)];
  const auto rows = rows_(number);
  if (rows.empty())
    batch.rows = 0;
  else
    loader_.load(rows, batch);
}

const Batch& BatchQueue::next() {
  if (taken_ >= count_) throw Error(ExitStatus::internal, "more batches taken than were begun");
  if (!ahead_) {
    fill(taken_);
    return buffers_[static_cast<std::size_t>(taken_++ % 2)];
  }
  std::unique_lock lock(mutex_);
  const std::int64_t number = taken_++;  // gives the buffer of the one before to the thread
  changed_.notify_all();
  changed_.wait(lock, [&] { return made_ > number || failure_; });
  if (made_ <= number) std::rethrow_exception(failure_);
  return buffers_[static_cast<std::size_t>(number % 2)];
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
