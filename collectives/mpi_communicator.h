// The Communicator over MPI, from host memory. Only files named mpi_*.cpp and the tests of this class may
// include this.
#pragma once

#include "collectives/communicator.h"
#include "collectives/mpi_handles.h"

namespace rankflow {

class MpiCommunicator : public Communicator {
 public:
  /// Transfers of more than `limit` bytes are cut: MPI counts in int, and a reduction needs as much memory
  /// again.
  static constexpr std::size_t kLimit = std::size_t{1} << 30;

  explicit MpiCommunicator(mpi::Comm comm, std::size_t limit = kLimit);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override;
  void broadcast(void* data, std::size_t bytes, int root) override;
  void all_gather(const void* in, std::size_t bytes, void* out) override;
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override;
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override;
  void barrier() override;
  void close() override;

 private:
  MPI_Op operation(DType type, ReduceOp op) const;
  void gather_in_pieces(const void* in, std::span<const std::int64_t> sizes,
                        const std::vector<std::size_t>& offsets, void* out, int root);

  mpi::Comm comm_;
  std::size_t limit_;
  int rank_;
  int size_;
  mpi::Op max_;
  mpi::Op min_;
};

}  // namespace rankflow
