// Batches in order, made when wanted or ahead by a thread: the same rows, buffers used again, failures passed
// on.
#include "steps/batch_queue.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"
#include "tests/toy_dataset.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

class Queue : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    toy_clouds(200, 3, 1).write(folder_ / "clouds");
    data_ = std::make_unique<Dataset>(folder_ / "clouds");
    for (std::int64_t i = 0; i < 200; ++i) order_.push_back((37 * i) % 200);
  }
  std::span<const std::int64_t> piece(std::int64_t number) const {
    // Sizes go up and down, and one is empty.
    const std::int64_t begin = 20 * number, size = number == 3 ? 0 : 20 - 2 * (number % 4);
    return std::span(order_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
  }

  TemporaryFolder folder_;
  std::unique_ptr<Dataset> data_;
  std::vector<std::int64_t> order_;
};

TEST_P(Queue, GivesTheRowsOfEachBatchInOrder) {
  const BatchLoader loader(*data_, true);
  BatchQueue queue(loader, GetParam());
  for (int epoch = 0; epoch < 3; ++epoch) {
    queue.begin(
        10, [&](std::int64_t number) { return piece(number); }, 0);
    for (std::int64_t number = 0; number < 10; ++number) {
      const Batch& batch = queue.next();
      const auto rows = piece(number);
      ASSERT_EQ(batch.rows, static_cast<std::int64_t>(rows.size()));
      if (rows.empty()) continue;
      const Batch expected = loader.load(rows);
      EXPECT_TRUE(torch::equal(batch.features, expected.features)) << number;
      EXPECT_TRUE(torch::equal(batch.target, expected.target)) << number;
    }
  }
  EXPECT_THROW(queue.next(), Error);
}

TEST_P(Queue, CanBeLeftInTheMiddle) {
  const BatchLoader loader(*data_, true);
  BatchQueue queue(loader, GetParam());
  queue.begin(
      10, [&](std::int64_t number) { return piece(number); }, 0);
  queue.next();
  queue.begin(
      2, [&](std::int64_t number) { return piece(9 - number); }, 0);
  EXPECT_TRUE(torch::equal(queue.next().target, loader.load(piece(9)).target));
}

TEST_P(Queue, PassesOnWhatWentWrong) {
  const BatchLoader loader(*data_, true);
  BatchQueue queue(loader, GetParam());
  const std::vector<std::int64_t> wrong = {5, 200};
  queue.begin(
      3,
      [&](std::int64_t number) { return number == 1 ? std::span<const std::int64_t>(wrong) : piece(number); },
      0);
  EXPECT_EQ(queue.next().rows, 20);
  EXPECT_THROW(queue.next(), Error);
}

INSTANTIATE_TEST_SUITE_P(Ahead, Queue, testing::Bool());

TEST(BatchLoader, UsesMemoryAgain) {
  TemporaryFolder folder;
  toy_images(100, 1).write(folder / "images");
  const Dataset data(folder / "images");
  const BatchLoader loader(data, true, {}, {at::kFloat, true});
  const std::vector<std::int64_t> rows = {3, 99, 0, 50};
  Batch batch = loader.load(rows);
  const void* before = batch.images.data_ptr();
  loader.load(std::span(rows).subspan(0, 2), batch, 0);
  EXPECT_EQ(batch.images.data_ptr(), before);
  EXPECT_EQ(batch.images.sizes(), (at::IntArrayRef{2, 1, 8, 8}));
  EXPECT_TRUE(torch::equal(batch.images[0], loader.load(Range{3, 4}).images[0]));
  EXPECT_TRUE(torch::equal(batch.images[1], loader.load(Range{99, 100}).images[0]));
}

TEST(BatchLoader, FormatsChangeTypesAndStridesAndNoValues) {
  TemporaryFolder folder;
  ToyDataset toy = toy_frame(10, false, {});
  for (int i = 0; i < 10; ++i) toy.numbers.push_back(static_cast<float>(i));
  for (int i = 0; i < 10 * 3 * 4 * 2; ++i) toy.images.push_back(static_cast<std::uint8_t>(7 * i));
  add_columns(toy, {{"images", DType::u8, {3, 4, 2}}});
  toy.write(folder / "colours");
  const Dataset data(folder / "colours");
  const std::vector<std::int64_t> rows = {9, 0, 4};
  const Batch plain = BatchLoader(data, true, {4.5, 2}).load(rows);
  const Batch other = BatchLoader(data, true, {4.5, 2}, {at::kDouble, true}).load(rows);
  EXPECT_TRUE(other.images.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_FALSE(other.images.is_contiguous());
  EXPECT_EQ(other.images.scalar_type(), at::kDouble);
  EXPECT_TRUE(torch::allclose(other.images.to(at::kFloat), plain.images));
  EXPECT_EQ(plain.images[0][1][2][1].item<float>(), static_cast<float>(7 * (9 * 24 + 8 + 5) % 256) / 255);
  EXPECT_TRUE(torch::allclose(other.target.to(at::kFloat), plain.target));
  EXPECT_EQ(plain.target[1].item<float>(), -2.25F);
}

}  // namespace
}  // namespace rankflow
