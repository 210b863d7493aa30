// The Communicator over MPI, from host memory. Only files named mpi_*.cpp and the tests of this class may
// include this.
#pragma once

#include <array>
#include <optional>

#include "collectives/communicator.h"
#include "collectives/mailbox.h"
#include "collectives/mpi_handles.h"

namespace rankflow {

class MpiCommunicator : public Communicator, public Messenger {
 public:
  /// Transfers of more than `limit` bytes are cut: MPI counts in int, and a reduction needs as much memory
  /// again.
  static constexpr std::size_t kLimit = std::size_t{1} << 30;

  explicit MpiCommunicator(mpi::Comm comm, std::size_t limit = kLimit);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override;
  void reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                              ReduceOp op) override;
  void broadcast(void* data, std::size_t bytes, int root) override;
  void all_gather(const void* in, std::size_t bytes, void* out) override;
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override;
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override;
  void barrier() override;
  std::unique_ptr<Communicator> split(int color) override;
  std::unique_ptr<Mailbox> open_mailbox() override;
  void close() override;

 private:
  MPI_Op operation(DType type, ReduceOp op);
  void reduce_to(void* data, std::size_t count, DType type, ReduceOp op, int root);
  void gather_in_pieces(const void* in, std::span<const std::int64_t> sizes,
                        const std::vector<std::size_t>& offsets, void* out, int root);

  mpi::Comm comm_;
  std::size_t limit_;
  int rank_;
  int size_;
  // Operations of our own, by dtype and reduction; made when they are first needed.
  std::array<std::array<std::optional<mpi::Op>, 3>, 8> operations_;
};

}  // namespace rankflow
