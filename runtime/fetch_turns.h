// Whose turn it is to fetch an input that lies on no path: of steps that read the same one, the first to start fetches it into the
// store, and the others start when it is there, instead of fetching it too.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/pipeline.h"

namespace rankflow {

class FetchTurns {
 public:
  explicit FetchTurns(const Pipeline& pipeline);

  /// Whether the step must wait for what another one fetches.
  bool must_wait(std::size_t step) const;
  /// The step was given to its ranks as the work order `order`.
  void started(std::size_t step, int order);
  /// All that the order needs from elsewhere is in the store.
  void fetched(int order);
  /// The order ended, however that went, or was taken back: what it had not fetched is another's to fetch.
  void ended(int order);

 private:
  std::vector<std::vector<std::string>> needs_;  // of each step: locations of inputs that it has fetched
  std::map<std::string, int> fetching_;          // location → order
  std::set<std::string> there_;
};

}  // namespace rankflow
