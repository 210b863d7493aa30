#include "collectives/mpi_handles.h"

#include <array>
#include <string>

#include "base/error.h"
#include "base/text.h"

namespace rankflow::mpi {

void check(int code, const char* function, std::source_location where) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) length = 0;
  int error_class = code;
  if (MPI_Error_class(code, &error_class) != MPI_SUCCESS) error_class = code;
  throw Error(ExitStatus::internal,
              str(function, " failed: ", std::string(text.data(), static_cast<std::size_t>(length)),
                  " (error class ", error_class, ")"),
              {}, where);
}

Comm::Comm(MPI_Comm comm) : comm_(comm) {
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

int Comm::rank() const {
  int rank = 0;
  check(MPI_Comm_rank(comm_, &rank), "MPI_Comm_rank");
  return rank;
}

int Comm::size() const {
  int size = 0;
  check(MPI_Comm_size(comm_, &size), "MPI_Comm_size");
  return size;
}

void Comm::free() {
  if (comm_ != MPI_COMM_NULL) check(MPI_Comm_free(&comm_), "MPI_Comm_free");
}

Comm duplicate(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  check(MPI_Comm_dup(comm, &copy), "MPI_Comm_dup");
  return Comm(copy);
}

Op::Op(MPI_User_function* function) {
  check(MPI_Op_create(function, /*commute=*/1, &op_), "MPI_Op_create");
}

Op::~Op() {
  // A communicator may outlive MPI when an error unwinds past the end of the World.
  int finalized = 0;
  if (MPI_Finalized(&finalized) == MPI_SUCCESS && !finalized) MPI_Op_free(&op_);
}

}  // namespace rankflow::mpi
