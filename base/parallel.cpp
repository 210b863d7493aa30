#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace rankflow {

void for_each_item(std::int64_t count, int threads, const std::function<void(std::int64_t item)>& work) {
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::int64_t failed = count;  // the lowest item that did
  std::exception_ptr failure;
  // Items are taken in order: when one fails, all before it have been taken, so that the lowest failure is always found.
  const auto run = [&] {
    for (;;) {
      const std::int64_t item = next.fetch_add(1);
      if (item >= count) return;
      try {
        work(item);
      } catch (...) {
        const std::lock_guard lock(mutex);
        next.store(count);
        if (item < failed) failed = item, failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    const std::int64_t wanted = std::min<std::int64_t>(threads, count) - 1;
    for (std::int64_t i = 0; i < wanted; ++i) helpers.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace rankflow
