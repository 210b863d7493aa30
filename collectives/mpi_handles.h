// Owners of MPI handles and the check of every return code. Only files named mpi_*.cpp may include this.
#pragma once

#include <mpi.h>

#include <source_location>
#include <utility>

namespace rankflow::mpi {

/// Throws Error (internal) with the function's name, MPI's text and the error class where `code` is no
/// success.
void check(int code, const char* function, std::source_location where = std::source_location::current());

/// Owns a communicator. Freeing one is collective, so the destructor leaves it to MPI_Finalize: call free().
class Comm {
 public:
  Comm() = default;
  /// Takes `comm` over and makes it return errors instead of ending the job.
  explicit Comm(MPI_Comm comm);
  Comm(Comm&& other) noexcept : comm_(std::exchange(other.comm_, MPI_COMM_NULL)) {}
  Comm& operator=(Comm&& other) noexcept {
    comm_ = std::exchange(other.comm_, MPI_COMM_NULL);
    return *this;
  }

  MPI_Comm get() const { return comm_; }
  int rank() const;
  int size() const;
  /// Collective; a second call does nothing.
  void free();

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
};

Comm duplicate(MPI_Comm comm);

/// Owns a group; freeing one is local.
class Group {
 public:
  explicit Group(MPI_Group group) : group_(group) {}
  ~Group() { MPI_Group_free(&group_); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  MPI_Group get() const { return group_; }

 private:
  MPI_Group group_;
};

/// Owns a reduction operation of our own; freeing one is local.
class Op {
 public:
  explicit Op(MPI_User_function* function);
  ~Op();
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  MPI_Op get() const { return op_; }

 private:
  MPI_Op op_ = MPI_OP_NULL;
};

}  // namespace rankflow::mpi
