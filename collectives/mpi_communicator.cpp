#include "collectives/mpi_communicator.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "collectives/arguments.h"
#include "collectives/ordered_reduce.h"

namespace rankflow {
namespace {

template <typename T, T (*pick)(T, T)>
void combine(const void* in, void* in_out, int count) {
  const T* a = static_cast<const T*>(in);
  T* b = static_cast<T*>(in_out);
  for (int i = 0; i < count; ++i) b[i] = pick(a[i], b[i]);
}

// MPI's own max and min are not the same bits on every rank: see collectives/ordered_reduce.h.
void max_function(void* in, void* in_out, int* count, MPI_Datatype* type) {
  if (*type == MPI_FLOAT)
    combine<float, ordered_max<float>>(in, in_out, *count);
  else
    combine<double, ordered_max<double>>(in, in_out, *count);
}

void min_function(void* in, void* in_out, int* count, MPI_Datatype* type) {
  if (*type == MPI_FLOAT)
    combine<float, ordered_min<float>>(in, in_out, *count);
  else
    combine<double, ordered_min<double>>(in, in_out, *count);
}

MPI_Datatype datatype(DType t) {
  switch (t) {
    case DType::u8:
      return MPI_UINT8_T;
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
    : comm_(std::move(comm)),
      limit_(std::min(limit, kLimit)),
      rank_(comm_.rank()),
      size_(comm_.size()),
      max_(max_function),
      min_(min_function) {}

MPI_Op MpiCommunicator::operation(DType type, ReduceOp op) const {
  const bool floating = type == DType::f32 || type == DType::f64;
  switch (op) {
    case ReduceOp::sum:
      return MPI_SUM;
    case ReduceOp::max:
      return floating ? max_.get() : MPI_MAX;
    case ReduceOp::min:
      return floating ? min_.get() : MPI_MIN;
  }
  throw Error(ExitStatus::internal, str("no MPI operation for reduction ", static_cast<int>(op)));
}

void MpiCommunicator::all_reduce(void* data, std::size_t count, DType type, ReduceOp op) {
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

void MpiCommunicator::close() {
  comm_.free();
}

}  // namespace rankflow
