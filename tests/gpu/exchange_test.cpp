// Every collective between GPUs against the same between the hosts.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include "base/error.h"
#include "steps/gpu.h"
#include "steps/tensors.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

constexpr std::int64_t count = 100'003;

class Exchange : public testing::Test {
 protected:
  Communicator& host_ = test_world().all();
  const at::Device gpu_{at::kCUDA, static_cast<c10::DeviceIndex>(host_.rank())};
  std::unique_ptr<DeviceCommunicator> gpus_ = connect_gpus(host_, gpu_);

  void TearDown() override { gpus_->close(); }

  at::Tensor some_values(at::ScalarType type, std::int64_t n = count) const {
    return ((torch::arange(n) * (host_.rank() + 3)) % 17).to(type);
  }
  /// The same call on a copy in the host's memory and on one on the GPU.
  template <typename Call>
  void expect_alike(const at::Tensor& values, const Call& call) {
    at::Tensor there = values.to(gpu_), here = values.clone();
    call(*gpus_, there);
    call(host_, here);
    EXPECT_TRUE(at::equal(there.to(at::kCPU), here));
  }
};

TEST_F(Exchange, ReducesAllTypes) {
  for (const auto type :
       {at::kByte, at::kInt, at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    for (const auto op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
      expect_alike(some_values(type), [&](Communicator& comm, at::Tensor& t) {
        comm.all_reduce(t.data_ptr(), count, element_type({"t", t}), op);
      });
    }
  }
}

TEST_F(Exchange, QueuesReductionsBehindTheKernelsThatMakeTheirValues) {
  at::Tensor a = torch::ones({count}, gpu_), b = torch::ones({count}, gpu_);
  for (int i = 0; i < 100; ++i) a.add_(1), b.add_(2);
  gpus_->begin_all_reduce(a.data_ptr(), count, DType::f32, ReduceOp::sum);
  gpus_->begin_all_reduce(b.data_ptr(), count, DType::f32, ReduceOp::mean);
  gpus_->join();
  const at::Tensor both = a + b;
  gpus_->synchronize();
  EXPECT_TRUE(at::equal(both.to(at::kCPU), torch::full({count}, 101.0 * host_.size() + 201.0)));
}

TEST_F(Exchange, Broadcasts) {
  expect_alike(some_values(at::kFloat), [&](Communicator& comm, at::Tensor& t) {
    comm.broadcast(t.data_ptr(), t.nbytes(), host_.size() - 1);
  });
}

TEST_F(Exchange, GathersUnequalPieces) {
  std::vector<std::int64_t> sizes;
  for (int r = 0; r < host_.size(); ++r) sizes.push_back(4 * (r == 0 ? 0 : 1000 + r));
  const at::Tensor mine = some_values(at::kFloat, sizes[static_cast<std::size_t>(host_.rank())] / 4);
  std::int64_t total = 0;
  for (const auto s : sizes) total += s;
  expect_alike(torch::zeros({total / 4}), [&](Communicator& comm, at::Tensor& out) {
    const at::Tensor in = mine.to(out.device());
    comm.all_gather_unequal(in.data_ptr(), sizes, out.data_ptr());
  });
}

TEST_F(Exchange, ScattersReductions) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(host_.size()), 500);
  counts[0] = 1;
  const std::int64_t total = 500 * (host_.size() - 1) + 1;
  const std::int64_t begin = host_.rank() == 0 ? 0 : 1 + 500 * (host_.rank() - 1);
  at::Tensor there = some_values(at::kDouble, total).to(gpu_), here = some_values(at::kDouble, total);
  gpus_->reduce_scatter_unequal(there.data_ptr(), counts, DType::f64, ReduceOp::sum);
  host_.reduce_scatter_unequal(here.data_ptr(), counts, DType::f64, ReduceOp::sum);
  const std::int64_t mine = counts[static_cast<std::size_t>(host_.rank())];
  EXPECT_TRUE(at::equal(there.to(at::kCPU).narrow(0, begin, mine), here.narrow(0, begin, mine)));
}

TEST_F(Exchange, TakesValuesOfTheHostToo) {
  EXPECT_EQ(gpus_->all_reduce_value<std::int32_t>(1, ReduceOp::sum), host_.size());
  EXPECT_EQ(gpus_->all_gather_text(std::to_string(host_.rank())).back(), std::to_string(host_.size() - 1));
}

TEST_F(Exchange, Splits) {
  const auto part = gpus_->split(host_.rank() % 2);
  at::Tensor t = torch::ones({5}, gpu_);
  part->all_reduce(t.data_ptr(), 5, DType::f32, ReduceOp::sum);
  EXPECT_EQ(t.sum().item<float>(), 5.0F * static_cast<float>(part->size()));
  part->close();
}

}  // namespace
}  // namespace rankflow
