#include "collectives/nccl_handle.h"

#include <algorithm>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace rankflow::nccl {
namespace {

std::string text_of(ncclResult_t code, const char* function, ncclComm_t comm) {
  const std::string last = ncclGetLastError(comm);
  return str(function, " failed: ", ncclGetErrorString(code), last.empty() ? "" : str(": ", last));
}

/// Pauses between looks: none at first, since a small collective takes some 20 us, then up to 1 ms.
class Backoff {
 public:
  void pause() {
    if (++looks_ < 200) {
      std::this_thread::yield();
      return;
    }
    std::this_thread::sleep_for(next_);
    next_ = std::min(next_ * 2, std::chrono::microseconds(1000));
  }

 private:
  int looks_ = 0;
  std::chrono::microseconds next_{20};
};

}  // namespace

void check(ncclResult_t code, const char* function) {
  if (code != ncclSuccess) throw Error(ExitStatus::internal, text_of(code, function, nullptr));
}

std::string version() {
  int number = 0;
  check(ncclGetVersion(&number), "ncclGetVersion");
  return str(number / 10000, ".", number / 100 % 100, ".", number % 100);
}

ncclResult_t grouped(const std::function<ncclResult_t()>& calls) {
  const ncclResult_t started = ncclGroupStart();
  if (started != ncclSuccess) return started;
  const ncclResult_t inside = calls();
  // Also after a failure: a group left open would swallow the thread's next calls.
  const ncclResult_t ended = ncclGroupEnd();
  return inside == ncclSuccess || inside == ncclInProgress ? ended : inside;
}

void Comm::Abort::operator()(ncclComm_t comm) const noexcept {
  const ncclResult_t code = ncclCommAbort(comm);
  if (code == ncclSuccess) return;
  try {
    log::warning(str("ncclCommAbort failed: ", ncclGetErrorString(code)));
  } catch (...) {  // no memory for a message: there is nobody left to tell
  }
}

Comm::Comm(const ncclUniqueId& id, int rank, int size, std::chrono::seconds limit) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclComm_t comm = nullptr;
  const ncclResult_t started = ncclCommInitRankConfig(&comm, size, id, rank, &config);
  comm_.reset(comm);
  if (started != ncclSuccess && started != ncclInProgress) fail(started, "ncclCommInitRankConfig");
  wait("ncclCommInitRankConfig", nullptr, std::chrono::steady_clock::now() + limit);
}

int Comm::rank() const {
  int rank = 0;
  check(ncclCommUserRank(comm_.get(), &rank), "ncclCommUserRank");
  return rank;
}

int Comm::size() const {
  int size = 0;
  check(ncclCommCount(comm_.get(), &size), "ncclCommCount");
  return size;
}

std::optional<Comm> Comm::split(int color, int key, std::chrono::seconds limit) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclComm_t made = nullptr;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const ncclResult_t started =
      ncclCommSplit(get("ncclCommSplit"), color < 0 ? NCCL_SPLIT_NOCOLOR : color, key, &made, &config);
  if (started != ncclSuccess && started != ncclInProgress) fail(started, "ncclCommSplit");
  // `made` is written while the call goes on.
  wait("ncclCommSplit", nullptr, deadline);
  if (!made) return std::nullopt;
  Comm part(made);
  part.wait("ncclCommSplit", nullptr, deadline);
  return part;
}

ncclComm_t Comm::get(const char* function) {
  leave_if_aborted(function);
  if (!comm_) throw Error(ExitStatus::internal, str(function, ": the NCCL communicator is closed or failed"));
  return comm_.get();
}

void Comm::leave_if_aborted(const char* function) {
  if (!abort_requested_) return;
  comm_.reset();
  throw Error(ExitStatus::internal, str(function, ": the NCCL communicator was aborted"));
}

void Comm::finish(ncclResult_t result, const char* function, const cuda::Stream* stream) {
  if (result != ncclSuccess && result != ncclInProgress) fail(result, function);
  const cudaStream_t work = stream ? stream->get() : nullptr;
  wait(function, stream ? &work : nullptr, {});
}

void Comm::watch(cudaStream_t stream) {
  get("waiting for the device");
  wait("a collective that was queued", &stream, {});
}

void Comm::wait(const char* function, const cudaStream_t* stream, Deadline deadline) {
  Backoff backoff;
  // In this order: work that NCCL has not yet queued is not in the stream.
  while (!settled(function) || (stream && !cuda::idle(*stream))) {
    if (deadline && std::chrono::steady_clock::now() > *deadline) {
      comm_.reset();
      throw Error(ExitStatus::internal, str(function, ": not every rank came in time"),
                  "NCCL_DEBUG=INFO shows how far each rank got; NCCL_SOCKET_IFNAME names the network to use");
    }
    backoff.pause();
  }
}

/// Whether NCCL has no call in progress.
bool Comm::settled(const char* function) {
  leave_if_aborted(function);
  ncclResult_t state = ncclSuccess;
  const ncclResult_t asked = ncclCommGetAsyncError(comm_.get(), &state);
  if (asked != ncclSuccess) fail(asked, "ncclCommGetAsyncError");
  if (state == ncclInProgress) return false;
  if (state != ncclSuccess) fail(state, function);
  return true;
}

void Comm::fail(ncclResult_t code, const char* function) {
  std::string text = text_of(code, function, comm_.get());
  // Ends what still runs on the device, and closes the connections, by which peers learn of it.
  comm_.reset();
  throw Error(ExitStatus::internal, std::move(text), "NCCL_DEBUG=INFO shows what NCCL did before");
}

void Comm::close() {
  if (!comm_) return;
  finish(ncclCommFinalize(comm_.get()), "ncclCommFinalize");
  check(ncclCommDestroy(comm_.release()), "ncclCommDestroy");
}

}  // namespace rankflow::nccl
