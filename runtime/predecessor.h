// What a run may take over from an earlier one that differs from it in some of its inputs only (StepSpec::by_file): the
// earlier outputs, and notes on which file gave what. One record for each such family of runs, of the newest:
//
//   predecessors/<aa>/<digest>.json   {outputs: {name: digest}, notes}; <digest>: of the ingredients without these inputs
#pragma once

#include <map>
#include <optional>
#include <string>

#include "collectives/communicator.h"
#include "io/store.h"
#include "runtime/step.h"

namespace rankflow {

/// What the newest run of `family` left, where its outputs are whole: each rank checks a share of their bytes. Collective.
std::optional<Predecessor> find_predecessor(Communicator& comm, const StoreLayout& store,
                                            const std::string& family);
/// Replaces the record of `family`; by one rank, after the outputs were published.
void keep_for_successors(const StoreLayout& store, const std::string& family,
                         const std::map<std::string, std::string>& outputs, const Json& notes);

}  // namespace rankflow
