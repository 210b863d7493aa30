#include "steps/mini_batch_retries.h"

#include "base/text.h"

namespace rankflow {

std::string failed_mini_batch_text(std::int64_t number, Range rows, int rank, std::int64_t retries) {
  return str("mini-batch ", number, " (rows ", rows.begin, " to ", rows.end - 1, ", rank ", rank, ") failed",
             retries > 0 ? str(" ", retries + 1, " times") : "");
}

}  // namespace rankflow
