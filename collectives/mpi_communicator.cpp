#include "collectives/mpi_communicator.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "collectives/arguments.h"
#include "collectives/mpi_mailbox.h"
#include "collectives/ordered_reduce.h"

namespace rankflow {
namespace {

template <DType type, ReduceOp op>
void combine_function(void* in, void* in_out, int* count, MPI_Datatype*) {
  combine(in, in_out, static_cast<std::size_t>(*count), type, op);
}

template <DType type>
MPI_User_function* combine_function_for(ReduceOp op) {
  if (op == ReduceOp::max) return combine_function<type, ReduceOp::max>;
  if (op == ReduceOp::min) return combine_function<type, ReduceOp::min>;
  // MPI 3.1 knows no 16-bit floats.
  const bool half = size_of(type) == 2;
  return half ? combine_function<type, ReduceOp::sum> : nullptr;
}

/// What reduces where MPI's own operation can't, or is not the same bits on every rank (see
/// collectives/ordered_reduce.h); null where it is fine.
MPI_User_function* function_of_our_own(DType type, ReduceOp op) {
  switch (type) {
    case DType::f32:
      return combine_function_for<DType::f32>(op);
    case DType::f64:
      return combine_function_for<DType::f64>(op);
    case DType::f16:
      return combine_function_for<DType::f16>(op);
    case DType::bf16:
      return combine_function_for<DType::bf16>(op);
    default:
      return nullptr;
  }
}

MPI_Datatype datatype(DType t) {
  switch (t) {
    case DType::u8:
    case DType::boolean:
      return MPI_UINT8_T;
    case DType::f16:
    case DType::bf16:
      return MPI_UINT16_T;
    case DType::i32:
      return MPI_INT32_T;
    case DType::i64:
      return MPI_INT64_T;
    case DType::f32:
      return MPI_FLOAT;
    case DType::f64:
      return MPI_DOUBLE;
  }
  throw Error(ExitStatus::internal, str("no MPI datatype for dtype ", static_cast<int>(t)));
}

template <typename Values>
std::vector<int> as_ints(const Values& values) {
  return std::vector<int>(values.begin(), values.end());
}

}  // namespace

MpiCommunicator::MpiCommunicator(mpi::Comm comm, std::size_t limit)
    : comm_(std::move(comm)), limit_(std::min(limit, kLimit)), rank_(comm_.rank()), size_(comm_.size()) {}

MPI_Op MpiCommunicator::operation(DType type, ReduceOp op) {
  if (op == ReduceOp::mean) op = ReduceOp::sum;  // divided afterwards
  if (MPI_User_function* function = function_of_our_own(type, op)) {
    auto& made = operations_.at(static_cast<std::size_t>(type)).at(static_cast<std::size_t>(op));
    if (!made) made.emplace(function);
    return made->get();
  }
  return op == ReduceOp::sum ? MPI_SUM : op == ReduceOp::max ? MPI_MAX : MPI_MIN;
}

void MpiCommunicator::all_reduce(void* data, std::size_t count, DType type, ReduceOp op) {
  require_reduction("all_reduce", type, op);
  // The same bits on every rank: Open MPI either computes each element on one rank and copies it (reduce +
  // broadcast, ring, reduce-scatter + all-gather), or doubles recursively, where partners combine the same
  // two partial results, and IEEE addition is commutative.
  const std::size_t step = std::max<std::size_t>(limit_ / size_of(type), 1);
  for (std::size_t begin = 0; begin < count; begin += step) {
    const auto n = static_cast<int>(std::min(step, count - begin));
    mpi::check(MPI_Allreduce(MPI_IN_PLACE, at(data, begin * size_of(type)), n, datatype(type),
                             operation(type, op), comm_.get()),
               "MPI_Allreduce");
  }
  if (op == ReduceOp::mean && size_ > 1) divide(data, count, type, size_);
}

void MpiCommunicator::reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                                             ReduceOp op) {
  require_reduction("reduce_scatter", type, op);
  require_sizes("reduce_scatter", counts, size_);
  const Layout layout = layout_of(counts);
  const auto me = static_cast<std::size_t>(rank_);
  const auto count = static_cast<std::size_t>(counts[me]);
  void* mine = at(data, layout.offsets[me] * size_of(type));
  if (layout.total * size_of(type) <= limit_) {
    mpi::check(MPI_Reduce_scatter(MPI_IN_PLACE, data, as_ints(counts).data(), datatype(type),
                                  operation(type, op), comm_.get()),
               "MPI_Reduce_scatter");
    if (count > 0 && mine != data) std::memmove(mine, data, count * size_of(type));
  } else {
    for (int r = 0; r < size_; ++r) {
      const auto i = static_cast<std::size_t>(r);
      reduce_to(at(data, layout.offsets[i] * size_of(type)), static_cast<std::size_t>(counts[i]), type, op,
                r);
    }
  }
  if (op == ReduceOp::mean && size_ > 1) divide(mine, count, type, size_);
}

void MpiCommunicator::reduce_to(void* data, std::size_t count, DType type, ReduceOp op, int root) {
  const std::size_t step = std::max<std::size_t>(limit_ / size_of(type), 1);
  for (std::size_t begin = 0; begin < count; begin += step) {
    const auto n = static_cast<int>(std::min(step, count - begin));
    void* piece = at(data, begin * size_of(type));
    const void* in = rank_ == root ? MPI_IN_PLACE : piece;
    mpi::check(MPI_Reduce(in, rank_ == root ? piece : nullptr, n, datatype(type), operation(type, op), root,
                          comm_.get()),
               "MPI_Reduce");
  }
}

void MpiCommunicator::broadcast(void* data, std::size_t bytes, int root) {
  require_root("broadcast", root, size_);
  for (std::size_t begin = 0; begin < bytes; begin += limit_) {
    const auto n = static_cast<int>(std::min(limit_, bytes - begin));
    mpi::check(MPI_Bcast(at(data, begin), n, MPI_BYTE, root, comm_.get()), "MPI_Bcast");
  }
}

void MpiCommunicator::all_gather(const void* in, std::size_t bytes, void* out) {
  const auto ranks = static_cast<std::size_t>(size_);
  if (bytes * ranks > limit_) {
    all_gather_unequal(in, std::vector<std::int64_t>(ranks, static_cast<std::int64_t>(bytes)), out);
    return;
  }
  const int n = static_cast<int>(bytes);
  if (in == at(out, static_cast<std::size_t>(rank_) * bytes)) in = MPI_IN_PLACE;
  mpi::check(MPI_Allgather(in, n, MPI_BYTE, out, n, MPI_BYTE, comm_.get()), "MPI_Allgather");
}

void MpiCommunicator::all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) {
  require_sizes("all_gather_unequal", sizes, size_);
  const Layout layout = layout_of(sizes);
  if (layout.total > limit_) {
    // Too much for int offsets: one rank after the other, each at the network's full rate.
    const auto me = static_cast<std::size_t>(rank_);
    std::memmove(at(out, layout.offsets[me]), in, static_cast<std::size_t>(sizes[me]));
    for (int r = 0; r < size_; ++r) {
      const auto i = static_cast<std::size_t>(r);
      broadcast(at(out, layout.offsets[i]), static_cast<std::size_t>(sizes[i]), r);
    }
    return;
  }
  const auto counts = as_ints(sizes), offsets = as_ints(layout.offsets);
  if (in == at(out, layout.offsets[static_cast<std::size_t>(rank_)])) in = MPI_IN_PLACE;
  mpi::check(MPI_Allgatherv(in, counts[static_cast<std::size_t>(rank_)], MPI_BYTE, out, counts.data(),
                            offsets.data(), MPI_BYTE, comm_.get()),
             "MPI_Allgatherv");
}

void MpiCommunicator::gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out,
                                     int root) {
  require_root("gather_unequal", root, size_);
  require_sizes("gather_unequal", sizes, size_);
  const Layout layout = layout_of(sizes);
  if (layout.total > limit_) {
    gather_in_pieces(in, sizes, layout.offsets, out, root);
    return;
  }
  const auto counts = as_ints(sizes), offsets = as_ints(layout.offsets);
  mpi::check(MPI_Gatherv(in, counts[static_cast<std::size_t>(rank_)], MPI_BYTE, out, counts.data(),
                         offsets.data(), MPI_BYTE, root, comm_.get()),
             "MPI_Gatherv");
}

void MpiCommunicator::gather_in_pieces(const void* in, std::span<const std::int64_t> sizes,
                                       const std::vector<std::size_t>& offsets, void* out, int root) {
  constexpr int tag = 0;
  const auto mine = static_cast<std::size_t>(sizes[static_cast<std::size_t>(rank_)]);
  if (rank_ != root) {
    for (std::size_t begin = 0; begin < mine; begin += limit_) {
      const auto n = static_cast<int>(std::min(limit_, mine - begin));
      mpi::check(MPI_Send(at(in, begin), n, MPI_BYTE, root, tag, comm_.get()), "MPI_Send");
    }
    return;
  }
  std::memmove(at(out, offsets[static_cast<std::size_t>(root)]), in, mine);
  for (int r = 0; r < size_; ++r) {
    if (r == root) continue;
    const auto i = static_cast<std::size_t>(r);
    const auto bytes = static_cast<std::size_t>(sizes[i]);
    for (std::size_t begin = 0; begin < bytes; begin += limit_) {
      const auto n = static_cast<int>(std::min(limit_, bytes - begin));
      mpi::check(MPI_Recv(at(out, offsets[i] + begin), n, MPI_BYTE, r, tag, comm_.get(), MPI_STATUS_IGNORE),
                 "MPI_Recv");
    }
  }
}

void MpiCommunicator::barrier() {
  mpi::check(MPI_Barrier(comm_.get()), "MPI_Barrier");
}

std::unique_ptr<Communicator> MpiCommunicator::split(int color) {
  MPI_Comm part = MPI_COMM_NULL;
  mpi::check(MPI_Comm_split(comm_.get(), color < 0 ? MPI_UNDEFINED : color, rank_, &part), "MPI_Comm_split");
  if (part == MPI_COMM_NULL) return nullptr;
  return std::make_unique<MpiCommunicator>(mpi::Comm(part), limit_);
}

std::unique_ptr<Mailbox> MpiCommunicator::open_mailbox() {
  return mpi::make_mailbox(comm_.get());
}

void MpiCommunicator::close() {
  comm_.free();
}

}  // namespace rankflow
