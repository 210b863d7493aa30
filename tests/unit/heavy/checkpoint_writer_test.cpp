#include "steps/checkpoint_writer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"
#include "io/file.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

TEST(CheckpointWriter, WritesWhatWasThereWhenItWasAsked) {
  TemporaryFolder folder;
  Checkpoints checkpoints(folder / "c", {{"model", "m"}});
  const std::vector<NamedTensor> tensors = {{"a", torch::arange(6.0).reshape({2, 3}).t()},
                                            {"n", torch::tensor({7}, at::kLong)}};
  const at::Tensor before = tensors[0].tensor.clone();
  CheckpointWriter writer(checkpoints);
  writer.save(3, tensors, {{"epoch", 1}});
  tensors[0].tensor.zero_();
  writer.finish();

  std::vector<std::string> notes;
  const auto progress = checkpoints.restore(tensors, notes);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->at("epoch"), 1);
  EXPECT_TRUE(torch::equal(tensors[0].tensor, before));
  EXPECT_TRUE(notes.empty());
}

TEST(CheckpointWriter, TellsOfAFailureAtTheNextCall) {
  TemporaryFolder folder;
  write_file_atomically(folder / "file", "in the way", false);
  Checkpoints checkpoints(folder / "file/c", Json::object());
  CheckpointWriter writer(checkpoints);
  writer.save(1, {{"a", torch::zeros({1})}}, Json::object());
  EXPECT_THROW(writer.save(2, {{"a", torch::zeros({1})}}, Json::object()), Error);
  EXPECT_NO_THROW(writer.finish()) << "it was told already, and nothing else was begun";
}

}  // namespace
}  // namespace rankflow
