// Brings data from object stores and web servers to the store, where steps read them as paths. A remote input lies in the store's
// staged/ folder under the digest that is its part of fingerprints, and serves every later run; the folder may be deleted while
// nothing runs.
#pragma once

#include <string>
#include <vector>

#include "io/store.h"
#include "runtime/messages.h"
#include "runtime/step.h"

namespace rankflow {

/// Collective over context.comm: what is not there yet is fetched by all ranks, in pieces of files. Throws Error: bad_data where
/// the content is not what was declared or planned for, and as RemoteStore does.
void fetch_inputs(StepContext& context, Store& store, const std::string& run,
                  const std::vector<RemoteInput>& inputs);

}  // namespace rankflow
