// The same work for many items on the threads that this rank may use.
#pragma once

#include <cstdint>
#include <functional>

namespace rankflow {

/// Calls work(0) … work(count - 1), each once, on up to `threads` threads (this one is among them). Items after one that failed
/// may be left out; throws what the lowest item that failed threw.
void for_each_item(std::int64_t count, int threads, const std::function<void(std::int64_t item)>& work);

}  // namespace rankflow
