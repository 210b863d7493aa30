// nccl_check [--allow-no-gpu]: shows the versions of NCCL and CUDA, then runs every collective of one rank on
// a GPU and compares. Without a GPU it fails, unless that is allowed: then it sees that the communicator says
// what is missing.
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "collectives/cuda_handles.h"
#include "collectives/nccl_communicator.h"
#include "collectives/nccl_handle.h"

namespace rankflow {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(ExitStatus::internal, "not as expected: " + what);
}

std::string cuda_version(cudaError_t (*get)(int*), const char* function) {
  int number = 0;
  cuda::check(get(&number), function);
  return number == 0 ? "none" : str(number / 1000, ".", number % 1000 / 10);
}

void show_versions() {
  std::cout << "NCCL " << nccl::version() << ", CUDA runtime "
            << cuda_version(cudaRuntimeGetVersion, "cudaRuntimeGetVersion") << ", CUDA driver "
            << cuda_version(cudaDriverGetVersion, "cudaDriverGetVersion") << "\n";
}

/// `values` on the device.
template <typename T>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<T>& values) : count_(values.size()), memory_(count_ * sizeof(T)) {
    cuda::check(cudaMemcpy(data(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  void* data() const { return memory_.get(); }
  std::vector<T> values() const {
    std::vector<T> out(count_);
    cuda::check(cudaMemcpy(out.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return out;
  }

 private:
  std::size_t count_;
  cuda::Memory memory_;
};

constexpr std::size_t kCount = 1'000'000;

template <typename T>
std::vector<T> some_values() {
  std::vector<T> values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) values[i] = static_cast<T>(i * 7 % 23);
  return values;
}

template <typename T>
void check_all_reduce(Communicator& comm) {
  const auto expected = some_values<T>();
  for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
    const OnDevice<T> data(expected);
    comm.all_reduce(data.data(), kCount, dtype_of<T>::value, op);
    require(data.values() == expected,
            str("all_reduce, ", name(op), " of ", name(dtype_of<T>::value), " on one rank"));
  }
}

void check_moves(Communicator& comm) {
  const auto expected = some_values<float>();
  const std::vector<float> zeros(kCount);
  const auto bytes = static_cast<std::int64_t>(kCount * sizeof(float));
  const OnDevice<float> in(expected);
  comm.broadcast(in.data(), kCount * sizeof(float), 0);
  require(in.values() == expected, "broadcast on one rank");

  const OnDevice<float> all(zeros), unequal(zeros), gathered(zeros);
  comm.all_gather(in.data(), kCount * sizeof(float), all.data());
  require(all.values() == expected, "all_gather on one rank");
  comm.all_gather_unequal(in.data(), {&bytes, 1}, unequal.data());
  require(unequal.values() == expected, "all_gather_unequal on one rank");
  comm.gather_unequal(in.data(), {&bytes, 1}, gathered.data(), 0);
  require(gathered.values() == expected, "gather_unequal on one rank");
  comm.all_gather(in.data(), kCount * sizeof(float), in.data());
  require(in.values() == expected, "all_gather in place on one rank");
  for (ReduceOp op : {ReduceOp::sum, ReduceOp::mean, ReduceOp::max}) {
    comm.reduce_scatter(in.data(), kCount, DType::f32, op);
    require(in.values() == expected, str("reduce_scatter, ", name(op), " on one rank"));
  }
  comm.barrier();
}

/// A 16-bit sum of one rank keeps every bit, whatever the bits mean.
void check_halves(Communicator& comm) {
  std::vector<std::uint16_t> bits(kCount);
  for (std::size_t i = 0; i < kCount; ++i) bits[i] = static_cast<std::uint16_t>(i % 0x7000);
  for (DType type : {DType::f16, DType::bf16}) {
    for (ReduceOp op : {ReduceOp::sum, ReduceOp::max}) {
      const OnDevice<std::uint16_t> data(bits);
      comm.all_reduce(data.data(), kCount, type, op);
      require(data.values() == bits, str("all_reduce, ", name(op), " of ", name(type), " on one rank"));
    }
  }
}

void check_split(Communicator& comm) {
  require(comm.split(-1) == nullptr, "a split that takes nobody");
  const auto part = comm.split(3);
  require(part->rank() == 0 && part->size() == 1, "a split of one rank");
  check_all_reduce<float>(*part);
  part->close();
}

void check_order(NcclCommunicator& comm) {
  const std::vector<std::uint8_t> zeros(kCount);
  const OnDevice<std::uint8_t> in(zeros), out(zeros);
  const cuda::Stream producer;
  cuda::check(cudaMemsetAsync(in.data(), 7, kCount, producer.get()), "cudaMemsetAsync");
  comm.wait_for(producer.get());
  comm.all_gather(in.data(), kCount, out.data());
  require(out.values() == std::vector<std::uint8_t>(kCount, 7), "all_gather after another stream's work");
}

/// Runs `call` and wants an Error whose message has `part` in it.
template <typename Call>
void require_error(const std::string& part, Call call) {
  try {
    call();
  } catch (const Error& e) {
    require(e.message().find(part) != std::string::npos,
            str("the message \"", e.message(), "\" says ", part));
    std::cout << "refused, as it should be: " << describe(e) << "\n";
    return;
  }
  throw Error(ExitStatus::internal, str("not refused: ", part));
}

void run_on_device() {
  const auto host = make_self_communicator();
  NcclCommunicator comm(*host, 0);
  check_all_reduce<std::uint8_t>(comm);
  check_all_reduce<std::int32_t>(comm);
  check_all_reduce<std::int64_t>(comm);
  check_all_reduce<float>(comm);
  check_all_reduce<double>(comm);
  check_halves(comm);
  check_moves(comm);
  check_split(comm);
  check_order(comm);
  require_error("host memory", [&] { comm.all_agree(true); });
  comm.close();
  require_error("closed", [&] { comm.barrier(); });

  NcclCommunicator aborted(*host, 0);
  aborted.abort();
  require_error("aborted", [&] { aborted.barrier(); });
  std::cout << "every collective of one rank gave what it should\n";
}

int run(std::span<char*> arguments) {
  const bool allow_no_gpu = arguments.size() == 1 && std::string(arguments[0]) == "--allow-no-gpu";
  if (!arguments.empty() && !allow_no_gpu)
    throw Error(ExitStatus::usage, "usage: nccl_check [--allow-no-gpu]");
  show_versions();
  const cuda::Devices devices = cuda::devices();
  if (devices.count > 0) {
    run_on_device();
    return 0;
  }
  if (!allow_no_gpu)
    throw Error(ExitStatus::configuration, "no CUDA device: " + devices.why_none,
                "a machine with a GPU; --allow-no-gpu");
  require_error("no CUDA device", [] {
    const auto host = make_self_communicator();
    const NcclCommunicator none(*host, 0);
  });
  std::cout << "no CUDA device: compiled and linked, not run\n";
  return 0;
}

}  // namespace
}  // namespace rankflow

int main(int argc, char** argv) {
  try {
    return rankflow::run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    const rankflow::Error error = rankflow::as_error(e);
    std::cerr << "nccl_check: " << rankflow::describe(error) << "\n";
    return code(error.status());
  }
}
