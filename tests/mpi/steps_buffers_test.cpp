// Buffers that training changes are the same on all ranks after each step.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "steps/shared_buffers.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

struct Buffers : torch::nn::Module {
  at::Tensor mean = register_buffer("mean", torch::tensor({0.1F, 0.7F}));
  at::Tensor constant = register_buffer("constant", torch::tensor({0.3F, 1e-30F, 3e30F}));
  at::Tensor count = register_buffer("count", torch::tensor(std::int64_t{5}));
  at::Tensor mask = register_buffer("mask", torch::tensor({true, false}));
};

TEST(SharedBuffers, MeanOfWhatRanksWithRowsSaw) {
  Communicator& comm = test_world().all();
  const int ranks = comm.size(), active = ranks > 1 ? ranks - 1 : 1;  // the last of several ranks has no rows
  Buffers model;
  const at::Tensor constant = model.constant.clone();
  SharedBuffers shared(model, comm);
  shared.begin();
  double expected = 0.1;
  for (int step = 1; step <= 3; ++step) {
    const bool rows = comm.rank() < active;
    if (rows) {
      model.mean.add_(static_cast<float>(comm.rank() + step));
      model.count.add_(1);
    }
    for (int r = 0; r < active; ++r) expected += static_cast<double>(r + step) / active;
    shared.after_step(rows ? 1.0 / active : 0);
    EXPECT_NEAR(model.mean[0].item<float>(), expected, 1e-4);
    EXPECT_EQ(model.count.item<std::int64_t>(), 5 + step);
  }
  EXPECT_TRUE(torch::equal(model.constant, constant)) << "what nobody changed keeps its bits";
  for (const float value : comm.all_gather_value(model.mean[1].item<float>()))
    EXPECT_EQ(value, model.mean[1].item<float>()) << "the same bits everywhere";
}

TEST(SharedBuffers, NoBuffersNoCommunication) {
  torch::nn::Linear model(2, 2);
  SharedBuffers shared(*model, test_world().all());
  shared.begin();
  shared.after_step(1);  // would wait for the others if it were collective
  test_world().all().barrier();
}

}  // namespace
}  // namespace rankflow
