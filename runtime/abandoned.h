// What a run that was killed left in the store's tmp/ folder: found by the run's id at the end of its name,
// and removed once that run is known to be over.
#pragma once

#include "io/store.h"
#include "runtime/run_record.h"

namespace rankflow {

/// Notes in the record which process of which host writes it, so that others can tell when it is gone.
void claim_run(RunRecord& record);

/// Whether a run has ended, or its process on this host is gone. False for one that may live on another host, and for one that the
/// store does not know.
bool is_over(const StoreLayout& layout, const std::string& run);

/// Removes the unpublished outputs of runs that ended, or whose process on this host is gone. Those of runs
/// that may live on another host stay. A store that can't be written is left as it is.
void remove_abandoned(Store& store);

}  // namespace rankflow
