#include "collectives/arguments.h"

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

void require_root(const char* operation, int root, int ranks) {
  if (root < 0 || root >= ranks)
    throw Error(ExitStatus::internal,
                str(operation, ": root ", root, " in a communicator of ", ranks, " ranks"));
}

void require_sizes(const char* operation, std::span<const std::int64_t> sizes, int ranks) {
  if (sizes.size() != static_cast<std::size_t>(ranks))
    throw Error(ExitStatus::internal, str(operation, ": ", sizes.size(), " sizes for ", ranks, " ranks"));
  for (auto s : sizes)
    if (s < 0) throw Error(ExitStatus::internal, str(operation, ": a size of ", s, " bytes"));
}

void require_reduction(const char* operation, DType type, ReduceOp op) {
  const bool sensible = is_floating(type) || op == ReduceOp::max || op == ReduceOp::min ||
                        (op == ReduceOp::sum && type != DType::boolean);
  if (!sensible) throw Error(ExitStatus::internal, str(operation, ": no ", name(op), " of ", name(type)));
}

Layout layout_of(std::span<const std::int64_t> sizes) {
  Layout layout;
  for (auto s : sizes) {
    layout.offsets.push_back(layout.total);
    layout.total += static_cast<std::size_t>(s);
  }
  return layout;
}

}  // namespace rankflow
