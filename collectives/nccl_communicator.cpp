#include "collectives/nccl_communicator.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "collectives/arguments.h"
#include "collectives/cuda_handles.h"
#include "collectives/nccl_handle.h"
#include "collectives/ordered_reduce.h"

namespace rankflow {
namespace {

// Connecting thousands of ranks takes a minute or two; without a limit, a rank whose peer failed would wait
// for ever.
constexpr std::chrono::minutes kInitLimit{5};
// What a rank brings at a time where reductions go through the host.
constexpr std::size_t kHostBytes = std::size_t{1} << 20;

ncclDataType_t datatype(DType t) {
  switch (t) {
    case DType::u8:
    case DType::boolean:
      return ncclUint8;
    case DType::f16:
      return ncclFloat16;
    case DType::bf16:
      return ncclBfloat16;
    case DType::i32:
      return ncclInt32;
    case DType::i64:
      return ncclInt64;
    case DType::f32:
      return ncclFloat32;
    case DType::f64:
      return ncclFloat64;
  }
  throw Error(ExitStatus::internal, str("no NCCL datatype for dtype ", static_cast<int>(t)));
}

ncclRedOp_t operation(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return ncclSum;
    case ReduceOp::max:
      return ncclMax;
    case ReduceOp::min:
      return ncclMin;
    case ReduceOp::mean:
      return ncclAvg;
  }
  throw Error(ExitStatus::internal, str("no NCCL operation for reduction ", static_cast<int>(op)));
}

/// NCCL's max and min take the number where one operand is NaN, and in the switch's reductions whatever that
/// does.
bool loses_nan(DType type, ReduceOp op) {
  return is_floating(type) && (op == ReduceOp::max || op == ReduceOp::min);
}

void require_device(int device) {
  const cuda::Devices found = cuda::devices();
  if (found.count == 0)
    throw Error(ExitStatus::configuration, str("there is no CUDA device: ", found.why_none),
                "a machine with a GPU and its driver; nvidia-smi shows what the driver sees");
  if (device < 0 || device >= found.count)
    throw Error(ExitStatus::configuration,
                str("CUDA device ", device, " of ", found.count, " (counted from 0)"),
                "CUDA_VISIBLE_DEVICES says which ones this process may use");
}

ncclUniqueId shared_id(Communicator& host, int device) {
  ncclUniqueId id{};
  run_together(host, [&] {
    require_device(device);
    if (host.rank() == 0) nccl::check(ncclGetUniqueId(&id), "ncclGetUniqueId");
  });
  host.broadcast(&id, sizeof id, 0);
  return id;
}

}  // namespace

struct NcclCommunicator::State {
  // Made, and used, with `cuda_device` current.
  State(const ncclUniqueId& id, int own_rank, int ranks, int cuda_device)
      : rank(own_rank), size(ranks), device(cuda_device), comm(id, own_rank, ranks, kInitLimit) {}
  State(nccl::Comm made, int cuda_device)
      : rank(made.rank()), size(made.size()), device(cuda_device), comm(std::move(made)) {}

  /// `call(comm, stream)` queues work with one call of NCCL named `function`, or a group of them; returns
  /// when it is done.
  template <typename Call>
  void run(const char* function, Call call) {
    const cuda::DeviceGuard guard(device);
    comm.finish(call(comm.get(function), stream.get()), function, &stream);
  }
  /// Like cudaMemcpy, in the stream.
  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    const cuda::DeviceGuard guard(device);
    cuda::check(cudaMemcpyAsync(to, from, bytes, kind, stream.get()), "cudaMemcpyAsync");
    comm.finish(ncclSuccess, "cudaMemcpyAsync", &stream);
  }
  void require_memory(const void* data, const char* operation_name, const char* what) const {
    cuda::require_memory_of(device, data, operation_name, what);
  }
  void gather(const char* operation_name, const void* in, std::span<const std::int64_t> sizes, void* out,
              std::span<const int> receivers);
  void reduce_on_host(void* data, std::size_t count, DType type, ReduceOp op);

  const int rank, size, device;
  cuda::Stream stream;
  cuda::Memory flag{sizeof(std::int32_t)};
  nccl::Comm comm;  // last, so that it is aborted before the stream that its work is in goes
};

void NcclCommunicator::State::gather(const char* operation_name, const void* in,
                                     std::span<const std::int64_t> sizes, void* out,
                                     std::span<const int> receivers) {
  require_sizes(operation_name, sizes, size);
  const Layout layout = layout_of(sizes);
  const auto bytes_of = [&](int r) { return static_cast<std::size_t>(sizes[static_cast<std::size_t>(r)]); };
  const bool receives = std::find(receivers.begin(), receivers.end(), rank) != receivers.end();
  if (bytes_of(rank) > 0) require_memory(in, operation_name, "in");
  if (receives && layout.total > 0) require_memory(out, operation_name, "out");
  if (layout.total == 0) return;
  run(operation_name, [&](ncclComm_t nccl_comm, cudaStream_t nccl_stream) {
    return nccl::grouped([&] {
      ncclResult_t result = ncclSuccess;
      const auto made = [&](ncclResult_t code) {
        return (result = code) == ncclSuccess || code == ncclInProgress;
      };
      // What lies in its place already is not sent to oneself.
      const bool in_place = receives && in == at(out, layout.offsets[static_cast<std::size_t>(rank)]);
      if (bytes_of(rank) > 0)
        for (int r : receivers)
          if (!(in_place && r == rank) &&
              !made(ncclSend(in, bytes_of(rank), ncclUint8, r, nccl_comm, nccl_stream)))
            return result;
      if (receives)
        for (int r = 0; r < size; ++r) {
          if (bytes_of(r) == 0 || (in_place && r == rank)) continue;
          void* place = at(out, layout.offsets[static_cast<std::size_t>(r)]);
          if (!made(ncclRecv(place, bytes_of(r), ncclUint8, r, nccl_comm, nccl_stream))) return result;
        }
      return result;
    });
  });
}

void NcclCommunicator::State::reduce_on_host(void* data, std::size_t count, DType type, ReduceOp op) {
  if (size == 1) return;
  const std::size_t step = std::min(count, kHostBytes / size_of(type));
  const auto ranks = static_cast<std::size_t>(size);
  const cuda::DeviceGuard guard(device);
  const cuda::Memory gathered(step * size_of(type) * ranks);
  std::vector<std::byte> values(step * size_of(type) * ranks), result(step * size_of(type));
  for (std::size_t begin = 0; begin < count; begin += step) {
    const std::size_t n = std::min(step, count - begin), bytes = n * size_of(type);
    void* part = at(data, begin * size_of(type));
    run("ncclAllGather", [&](ncclComm_t nccl_comm, cudaStream_t nccl_stream) {
      return ncclAllGather(part, gathered.get(), bytes, ncclUint8, nccl_comm, nccl_stream);
    });
    copy(values.data(), gathered.get(), bytes * ranks, cudaMemcpyDeviceToHost);
    reduce_gathered(values.data(), size, n, type, op, result.data());
    copy(part, result.data(), bytes, cudaMemcpyHostToDevice);
  }
}

NcclCommunicator::NcclCommunicator(Communicator& host, int device) {
  const ncclUniqueId id = shared_id(host, device);
  run_together(host, [&] {
    const cuda::DeviceGuard guard(device);
    state_ = std::make_unique<State>(id, host.rank(), host.size(), device);
  });
}

NcclCommunicator::NcclCommunicator(std::unique_ptr<State> state) : state_(std::move(state)) {}
NcclCommunicator::~NcclCommunicator() = default;

int NcclCommunicator::rank() const {
  return state_->rank;
}
int NcclCommunicator::size() const {
  return state_->size;
}

void NcclCommunicator::all_reduce(void* data, std::size_t count, DType type, ReduceOp op) {
  require_reduction("all_reduce", type, op);
  if (count == 0) return;
  state_->require_memory(data, "all_reduce", "data");
  if (loses_nan(type, op)) {
    state_->reduce_on_host(data, count, type, op);
    return;
  }
  state_->run("ncclAllReduce", [&](ncclComm_t comm, cudaStream_t stream) {
    return ncclAllReduce(data, data, count, datatype(type), operation(op), comm, stream);
  });
}

void NcclCommunicator::reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                                              ReduceOp op) {
  require_reduction("reduce_scatter", type, op);
  require_sizes("reduce_scatter", counts, size());
  const Layout layout = layout_of(counts);
  if (layout.total == 0) return;
  state_->require_memory(data, "reduce_scatter", "data");
  if (loses_nan(type, op)) {
    state_->reduce_on_host(data, layout.total, type, op);
    return;
  }
  // A piece that lies in its place is NCCL's in-place form; a group of reductions serves unequal pieces too.
  state_->run("ncclReduce", [&](ncclComm_t comm, cudaStream_t stream) {
    return nccl::grouped([&] {
      for (int r = 0; r < size(); ++r) {
        const auto i = static_cast<std::size_t>(r);
        if (counts[i] == 0) continue;
        void* piece = at(data, layout.offsets[i] * size_of(type));
        const ncclResult_t made = ncclReduce(piece, piece, static_cast<std::size_t>(counts[i]),
                                             datatype(type), operation(op), r, comm, stream);
        if (made != ncclSuccess && made != ncclInProgress) return made;
      }
      return ncclSuccess;
    });
  });
}

void NcclCommunicator::broadcast(void* data, std::size_t bytes, int root) {
  require_root("broadcast", root, size());
  if (bytes == 0) return;
  state_->require_memory(data, "broadcast", "data");
  state_->run("ncclBroadcast", [&](ncclComm_t comm, cudaStream_t stream) {
    return ncclBroadcast(data, data, bytes, ncclUint8, root, comm, stream);
  });
}

void NcclCommunicator::all_gather(const void* in, std::size_t bytes, void* out) {
  if (bytes == 0) return;
  state_->require_memory(in, "all_gather", "in");
  state_->require_memory(out, "all_gather", "out");
  state_->run("ncclAllGather", [&](ncclComm_t comm, cudaStream_t stream) {
    return ncclAllGather(in, out, bytes, ncclUint8, comm, stream);
  });
}

void NcclCommunicator::all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) {
  std::vector<int> everyone(static_cast<std::size_t>(size()));
  std::iota(everyone.begin(), everyone.end(), 0);
  state_->gather("all_gather_unequal", in, sizes, out, everyone);
}

void NcclCommunicator::gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out,
                                      int root) {
  require_root("gather_unequal", root, size());
  state_->gather("gather_unequal", in, sizes, out, {&root, 1});
}

void NcclCommunicator::barrier() {
  // What the flag holds does not matter: nobody's sum is done before everybody has come.
  void* flag = state_->flag.get();
  state_->run("ncclAllReduce", [&](ncclComm_t comm, cudaStream_t stream) {
    return ncclAllReduce(flag, flag, 1, ncclInt32, ncclSum, comm, stream);
  });
}

std::unique_ptr<Communicator> NcclCommunicator::split(int color) {
  const cuda::DeviceGuard guard(state_->device);
  auto part = state_->comm.split(color, state_->rank, kInitLimit);
  if (!part) return nullptr;
  return std::unique_ptr<NcclCommunicator>(
      new NcclCommunicator(std::make_unique<State>(std::move(*part), state_->device)));
}

void NcclCommunicator::close() {
  const cuda::DeviceGuard guard(state_->device);
  state_->comm.close();
}

void NcclCommunicator::wait_for(void* cuda_stream) {
  const cuda::DeviceGuard guard(state_->device);
  state_->stream.wait_for(static_cast<cudaStream_t>(cuda_stream));
}

void NcclCommunicator::begin_all_reduce(void* data, std::size_t count, DType type, ReduceOp op) {
  require_reduction("all_reduce", type, op);
  if (count == 0) return;
  state_->require_memory(data, "all_reduce", "data");
  if (loses_nan(type, op))
    throw Error(ExitStatus::internal,
                str("all_reduce: a ", name(op), " of ", name(type), " can't be queued"));
  const cuda::DeviceGuard guard(state_->device);
  state_->comm.finish(ncclAllReduce(data, data, count, datatype(type), operation(op),
                                    state_->comm.get("ncclAllReduce"), state_->stream.get()),
                      "ncclAllReduce");
}

void NcclCommunicator::hold(void* cuda_stream) {
  const cuda::DeviceGuard guard(state_->device);
  state_->stream.hold(static_cast<cudaStream_t>(cuda_stream));
}

void NcclCommunicator::watch(void* cuda_stream) {
  const cuda::DeviceGuard guard(state_->device);
  state_->comm.watch(static_cast<cudaStream_t>(cuda_stream));
}

void NcclCommunicator::abort() noexcept {
  state_->comm.request_abort();
}

}  // namespace rankflow
