// nccl_bandwidth [--iterations N]: time of the sum of device memory over all ranks through our interface (DeviceCommunicator,
// queued and joined) and by bare ncclAllReduce calls on the same machine in turn, for sizes from 4 KB to 1 GB. Started by mpirun,
// one rank a GPU; one JSON line a size from rank 0:
// {"bytes", "ours_us", "bare_us", "ratio", "bus_gb_s": as nccl-tests define it, 2 (n-1)/n bytes / time}
// On one rank nothing travels: the times are what queueing costs.
#include <cuda_runtime.h>
#include <nccl.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "collectives/cuda_handles.h"
#include "collectives/device_communicator.h"
#include "collectives/mpi_world.h"
#include "collectives/nccl_handle.h"
#include "io/json.h"

namespace rankflow {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Seconds a call, of `calls` that are queued together.
template <typename Call>
double seconds_of(Communicator& host, int calls, const cuda::Stream& stream, const Call& call) {
  cuda::check(cudaStreamSynchronize(stream.get()), "cudaStreamSynchronize");
  host.barrier();
  const double began = monotonic_seconds();
  for (int i = 0; i < calls; ++i) call();
  cuda::check(cudaStreamSynchronize(stream.get()), "cudaStreamSynchronize");
  return host.all_reduce_value((monotonic_seconds() - began) / calls, ReduceOp::max);
}

void measure(World& world, int iterations) {
  Communicator& host = world.all();
  cuda::check(cudaSetDevice(world.local_rank()), "cudaSetDevice");
  const cuda::Stream stream;
  const auto ours =
      make_device_communicator(host, world.local_rank(), [&]() -> void* { return stream.get(); });
  ncclUniqueId id{};
  if (host.rank() == 0) nccl::check(ncclGetUniqueId(&id), "ncclGetUniqueId");
  host.broadcast(&id, sizeof id, 0);
  nccl::Comm bare(id, host.rank(), host.size(), std::chrono::minutes(5));

  for (std::size_t bytes = 4096; bytes <= (std::size_t{1} << 30); bytes *= 8) {
    const cuda::Memory data(bytes);
    const std::size_t count = bytes / sizeof(float);
    const int calls = bytes < (1U << 24) ? 50 : 5;
    std::vector<double> by_us, by_nccl;
    for (int i = -1; i < iterations; ++i) {  // the first is not counted
      const double a = seconds_of(host, calls, stream, [&] {
        ours->begin_all_reduce(data.get(), count, DType::f32, ReduceOp::sum);
        ours->join();
      });
      const double b = seconds_of(host, calls, stream, [&] {
        bare.finish(ncclAllReduce(data.get(), data.get(), count, ncclFloat, ncclSum,
                                  bare.get("ncclAllReduce"), stream.get()),
                    "ncclAllReduce");
      });
      if (i < 0) continue;
      by_us.push_back(a), by_nccl.push_back(b);
    }
    if (host.rank() != 0) continue;
    const double a = median(by_us), b = median(by_nccl), n = host.size();
    std::cout << Json{{"bytes", bytes},
                      {"ranks", host.size()},
                      {"ours_us", a * 1e6},
                      {"bare_us", b * 1e6},
                      {"ratio", a / b},
                      {"bus_gb_s", 2 * (n - 1) / n * static_cast<double>(bytes) / a / 1e9}}
                     .dump()
              << std::endl;
  }
  bare.close();
  ours->close();
}

int run(std::vector<std::string> words) {
  int iterations = 7;
  if (words.size() == 2 && words[0] == "--iterations") {
    iterations = std::atoi(words[1].c_str());
  } else if (!words.empty()) {
    std::cout << "usage: mpirun -n GPUS nccl_bandwidth [--iterations N]\n";
    return words[0] == "--help" ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  auto world = make_mpi_world();
  measure(*world, std::max(1, iterations));
  world->finalize();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace rankflow

int main(int argc, char** argv) {
  try {
    return rankflow::run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "nccl_bandwidth: " << rankflow::describe(rankflow::as_error(e)) << "\n";
    return EXIT_FAILURE;
  }
}
