#include "collectives/call.h"

#include "base/text.h"

namespace rankflow {
namespace {

const char* name(Operation o) {
  switch (o) {
    case Operation::all_reduce:
      return "all_reduce";
    case Operation::reduce_scatter:
      return "reduce_scatter";
    case Operation::broadcast:
      return "broadcast";
    case Operation::all_gather:
      return "all_gather";
    case Operation::all_gather_unequal:
      return "all_gather_unequal";
    case Operation::gather_unequal:
      return "gather_unequal";
    case Operation::agreement:
      return "agreement";
    case Operation::barrier:
      return "barrier";
    case Operation::split:
      return "split";
    case Operation::mailbox:
      return "open_mailbox";
    case Operation::device_work:
      return "wait for collectives of the GPUs";
    case Operation::close:
      return "close";
  }
  return "unknown call";
}

/// FNV-1a: sizes that differ must show, nobody tries to fool it.
std::int64_t hash_of(std::span<const std::int64_t> sizes) {
  std::uint64_t h = 14695981039346656037ULL;
  for (auto s : sizes) h = (h ^ static_cast<std::uint64_t>(s)) * 1099511628211ULL;
  return static_cast<std::int64_t>(h);
}

}  // namespace

Call reduction_call(Operation operation, std::size_t count, DType type, ReduceOp op) {
  return {.operation = operation,
          .amount = static_cast<std::int64_t>(count),
          .dtype = static_cast<std::int64_t>(type),
          .reduce = static_cast<std::int64_t>(op)};
}

Call pieces_call(std::span<const std::int64_t> counts, DType type, ReduceOp op) {
  Call call = sizes_call(Operation::reduce_scatter, counts);
  call.dtype = static_cast<std::int64_t>(type);
  call.reduce = static_cast<std::int64_t>(op);
  return call;
}

Call bytes_call(Operation operation, std::size_t bytes, int root) {
  return {.operation = operation, .amount = static_cast<std::int64_t>(bytes), .root = root};
}

Call sizes_call(Operation operation, std::span<const std::int64_t> sizes, int root) {
  std::int64_t total = 0;
  for (auto s : sizes) total += s;
  return {.operation = operation, .amount = total, .root = root, .sizes_hash = hash_of(sizes)};
}

std::string describe(const Call& c) {
  std::string text = str(name(c.operation), "(");
  const auto reduction = [&] {
    return str(name(static_cast<ReduceOp>(c.reduce)), " of ", c.amount, " ",
               name(static_cast<DType>(c.dtype)));
  };
  const auto sizes = [&] { return str(", sizes hash ", static_cast<std::uint32_t>(c.sizes_hash)); };
  switch (c.operation) {
    case Operation::all_reduce:
      text += reduction();
      break;
    case Operation::reduce_scatter:
      text += reduction() + sizes();
      break;
    case Operation::broadcast:
      text += str(c.amount, " bytes from rank ", c.root);
      break;
    case Operation::all_gather:
      text += str(c.amount, " bytes");
      break;
    case Operation::all_gather_unequal:
    case Operation::gather_unequal:
      text += str(c.amount, " bytes in all");
      if (c.root != Call::none) text += str(" to rank ", c.root);
      text += sizes();
      break;
    case Operation::agreement:
    case Operation::barrier:
    case Operation::split:
    case Operation::mailbox:
    case Operation::device_work:
    case Operation::close:
      break;
  }
  return text + ")";
}

}  // namespace rankflow
