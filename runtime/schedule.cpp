#include "runtime/schedule.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

std::vector<double> critical_lengths(const Pipeline& pipeline) {
  std::vector<double> length(pipeline.steps.size(), 1);
  for (std::size_t i = pipeline.steps.size(); i-- > 0;) {
    for (std::size_t need : pipeline.steps[i].needs) length[need] = std::max(length[need], length[i] + 1);
  }
  return length;
}

int resolve_ranks(const PipelineStep& step, int world) {
  if (step.ranks > world) {
    throw Error(ExitStatus::configuration,
                str("step ", step.name, " asks for ", step.ranks, step.ranks == 1 ? " rank" : " ranks",
                    ", the run has ", world),
                str("-n ", step.ranks, ", or fewer ranks under the step's resources"));
  }
  return step.ranks > 0 ? step.ranks : world;
}

namespace {

struct Node {
  int total = 0;
  std::vector<int> free;  // ascending world ranks
  bool whole() const { return static_cast<int>(free.size()) == total; }
  int count() const { return static_cast<int>(free.size()); }
};

using Nodes = std::map<int, Node>;

Nodes group_by_node(const std::vector<RankState>& world) {
  Nodes nodes;
  for (std::size_t rank = 0; rank < world.size(); ++rank) {
    Node& node = nodes[world[rank].node];
    ++node.total;
    if (world[rank].load == 0) node.free.push_back(static_cast<int>(rank));
  }
  return nodes;
}

// The node for which `better(candidate, best)` holds against all others that `fits`; the first one of equals.
template <typename Fits, typename Better>
Node* best_node(Nodes& nodes, Fits fits, Better better) {
  Node* best = nullptr;
  for (auto& [id, node] : nodes) {
    if (node.count() > 0 && fits(node) && (!best || better(node, *best))) best = &node;
  }
  return best;
}

void take(Node& node, int count, std::vector<int>& ranks) {
  ranks.insert(ranks.end(), node.free.begin(), node.free.begin() + count);
  node.free.erase(node.free.begin(), node.free.begin() + count);
}

// The node that `wanted` ranks leave with the least rest; of equals one that they fill whole.
Node* tightest(Nodes& nodes, int wanted) {
  return best_node(
      nodes, [&](const Node& n) { return n.count() >= wanted; },
      [&](const Node& n, const Node& best) {
        if (n.count() != best.count()) return n.count() < best.count();
        return n.count() == wanted && n.whole() && !best.whole();
      });
}

Node* largest_whole_within(Nodes& nodes, int wanted) {
  return best_node(
      nodes, [&](const Node& n) { return n.whole() && n.total <= wanted; },
      [](const Node& n, const Node& best) { return n.total > best.total; });
}

Node* largest(Nodes& nodes) {
  return best_node(
      nodes, [](const Node&) { return true; },
      [](const Node& n, const Node& best) { return n.count() > best.count(); });
}

// Ranks for a group of `wanted`; the caller knows that so many are free.
std::vector<int> take_group(Nodes& nodes, int wanted) {
  std::vector<int> ranks;
  if (Node* one = tightest(nodes, wanted)) {
    take(*one, wanted, ranks);
    return ranks;
  }
  for (int left = wanted; left > 0;) {
    Node* node = largest_whole_within(nodes, left);
    if (!node) node = tightest(nodes, left);
    if (!node) node = largest(nodes);
    const int count = std::min(left, node->count());
    take(*node, count, ranks);
    left -= count;
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

std::optional<int> least_queued(const std::vector<RankState>& world, int queue_depth) {
  std::optional<int> best;
  for (std::size_t r = 0; r < world.size(); ++r) {
    const RankState& state = world[r];
    if (state.load == 0 || !state.accepts_queue || state.load > queue_depth) continue;
    if (!best || state.load < world[static_cast<std::size_t>(*best)].load) best = static_cast<int>(r);
  }
  return best;
}

}  // namespace

std::vector<Assignment> assign(std::vector<ReadyStep> ready, std::vector<RankState> world, int queue_depth) {
  // A heap: of thousands of ready steps only those that find a rank need to be put in order.
  const auto later = [](const ReadyStep& a, const ReadyStep& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.step > b.step;
  };
  std::make_heap(ready.begin(), ready.end(), later);
  Nodes nodes = group_by_node(world);
  int free = 0;
  for (const auto& [id, node] : nodes) free += node.count();

  std::vector<Assignment> assignments;
  bool someone_waits = false;
  for (; !ready.empty() && !(free == 0 && someone_waits); ready.pop_back()) {
    std::pop_heap(ready.begin(), ready.end(), later);
    const ReadyStep& step = ready.back();
    if (step.ranks <= free) {
      Assignment a{step.step, take_group(nodes, step.ranks), false};
      free -= step.ranks;
      for (int rank : a.ranks) {
        RankState& state = world[static_cast<std::size_t>(rank)];
        state.load = 1;
        state.accepts_queue = step.ranks == 1 && step.may_queue;
      }
      assignments.push_back(std::move(a));
      continue;
    }
    const bool queueable = step.ranks == 1 && step.may_queue && !someone_waits;
    const auto rank = queueable ? least_queued(world, queue_depth) : std::nullopt;
    if (!rank) {
      someone_waits = true;
      continue;
    }
    ++world[static_cast<std::size_t>(*rank)].load;
    assignments.push_back({step.step, {*rank}, true});
  }
  return assignments;
}

}  // namespace rankflow
