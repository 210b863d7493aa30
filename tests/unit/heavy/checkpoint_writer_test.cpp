#include "steps/checkpoint_writer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"
#include "io/file.h"
#include "steps/checkpoint.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

TEST(CheckpointWriter, WritesWhatWasThereWhenItWasAsked) {
  TemporaryFolder folder;
  Checkpoints checkpoints(folder / "c", {{"model", "m"}});
  const std::vector<NamedTensor> tensors = {{"a", torch::arange(6.0).reshape({2, 3}).t()},
                                            {"n", torch::tensor({7}, at::kLong)}};
  const at::Tensor before = tensors[0].tensor.clone();
  CheckpointWriter writer;
  writer.save(tensors, [&](const auto& copies) { checkpoints.save(3, copies, {{"epoch", 1}}); });
  tensors[0].tensor.zero_();
  writer.finish();
  EXPECT_TRUE(writer.done());

  std::vector<std::string> notes;
  const auto found = checkpoints.newest(notes);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->content.attributes.at("progress").at("epoch"), 1);
  copy_tensors(found->content, tensors, found->path);
  EXPECT_TRUE(torch::equal(tensors[0].tensor, before));
  EXPECT_TRUE(notes.empty());
}

TEST(CheckpointWriter, TellsOfAFailureAtTheNextCall) {
  TemporaryFolder folder;
  write_file_atomically(folder / "file", "in the way", false);
  Checkpoints checkpoints(folder / "file/c", Json::object());
  CheckpointWriter writer;
  const std::vector<NamedTensor> tensors = {{"a", torch::zeros({1})}};
  const auto write = [&](const auto& copies) { checkpoints.save(1, copies, Json::object()); };
  writer.save(tensors, write);
  EXPECT_THROW(writer.save(tensors, write), Error);
  EXPECT_NO_THROW(writer.finish()) << "it was told already, and nothing else was begun";
}

}  // namespace
}  // namespace rankflow
