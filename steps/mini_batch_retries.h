// Mini-batches that fail: tried again, and named where it was in vain.
#pragma once

#include <cstdint>
#include <new>
#include <string>

#include "base/error.h"
#include "base/partition.h"
#include "runtime/spawner_gone.h"
#include "runtime/step.h"
#include "runtime/step_failure.h"

namespace rankflow {

/// What `attempt()` gives, which is tried again up to `retries` times where it throws, unless the job is asked to stop; then what
/// `failed(error)` gives. Stopped, a lack of memory, what every mini-batch would have, and that nothing can be started
/// any more, are no mini-batch's failure and go on.
template <typename Attempt, typename Failed>
auto with_retries(std::int64_t retries, const StopFlag& stop, const Attempt& attempt, const Failed& failed)
    -> decltype(attempt()) {
  for (std::int64_t tried = 0;; ++tried) {
    try {
      return attempt();
    } catch (const Stopped&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const StepFailure&) {
      throw;
    } catch (const SpawnerGone&) {
      throw;
    } catch (const std::exception& e) {
      if (tried >= retries || stop.requested()) return failed(as_error(e));
    }
  }
}

/// "mini-batch 3 (rows 300 to 399, rank 1) failed 2 times".
std::string failed_mini_batch_text(std::int64_t number, Range rows, int rank, std::int64_t retries);

}  // namespace rankflow
