// A collective call as other ranks can compare it, and as people read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "collectives/dtype.h"

namespace rankflow {

enum class Operation : std::int64_t {
  all_reduce,
  reduce_scatter,
  broadcast,
  all_gather,
  all_gather_unequal,
  gather_unequal,
  agreement,
  barrier,
  split,
  mailbox,
  device_work,
  close
};

/// What one rank is about to do; all fields of one size, so that it travels without padding.
struct Call {
  static constexpr std::int64_t none = -1;

  std::int64_t number = 0;  // how many calls this rank made before
  Operation operation = Operation::barrier;
  std::int64_t amount = 0;  // elements of a reduction, bytes elsewhere
  std::int64_t dtype = none;
  std::int64_t reduce = none;
  std::int64_t root = none;
  std::int64_t sizes_hash = none;
  friend bool operator==(const Call&, const Call&) = default;
};

Call reduction_call(Operation operation, std::size_t count, DType type, ReduceOp op);
Call bytes_call(Operation operation, std::size_t bytes, int root = static_cast<int>(Call::none));
/// A reduce_scatter.
Call pieces_call(std::span<const std::int64_t> counts, DType type, ReduceOp op);
/// For the operations that take a size per rank.
Call sizes_call(Operation operation, std::span<const std::int64_t> sizes,
                int root = static_cast<int>(Call::none));

/// "all_reduce(sum of 8 f32)".
std::string describe(const Call& call);

}  // namespace rankflow
