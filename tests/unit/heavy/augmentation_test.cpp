#include "steps/augmentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "base/error.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;

/// By the definition: pad with zeros, cut out, mirror.
std::vector<std::uint8_t> expected(const std::vector<std::uint8_t>& image, std::int64_t channels,
                                   std::int64_t height, std::int64_t width, std::int64_t padding,
                                   const ImageDraw& draw) {
  std::vector<std::uint8_t> out;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t from_y = y + draw.top - padding;
        const std::int64_t from_x = (draw.flip ? width - 1 - x : x) + draw.left - padding;
        const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
        out.push_back(inside ? image[static_cast<std::size_t>((c * height + from_y) * width + from_x)] : 0);
      }
    }
  }
  return out;
}

TEST(Augmentation, CutsAndMirrorsAsItsDrawSays) {
  std::vector<std::uint8_t> image(2 * 3 * 5);
  std::iota(image.begin(), image.end(), std::uint8_t{1});
  for (const std::int64_t padding : {0, 2, 7}) {
    const Augmentation augmentation{11, padding, true};
    AugmentedImage augmented(augmentation, {2, 3, 5});
    for (std::int64_t row = 0; row < 200; ++row) {
      auto changed = image;
      augmented.change(changed, 4, row);
      EXPECT_EQ(changed, expected(image, 2, 3, 5, padding, draw_of(augmentation, 4, row)))
          << padding << " " << row;
    }
  }
}

TEST(Augmentation, DrawsDependOnSeedEpochAndRowAlone) {
  const Augmentation augmentation{1, 4, true};
  const auto key = [](const ImageDraw& d) { return std::vector<std::int64_t>{d.top, d.left, d.flip}; };
  EXPECT_EQ(key(draw_of(augmentation, 3, 5)), key(draw_of(augmentation, 3, 5)));
  std::set<std::int64_t> tops, lefts;
  int flips = 0, same_next_epoch = 0;
  constexpr int rows = 2000;
  for (std::int64_t row = 0; row < rows; ++row) {
    const ImageDraw draw = draw_of(augmentation, 0, row);
    tops.insert(draw.top), lefts.insert(draw.left), flips += draw.flip;
    same_next_epoch += key(draw) == key(draw_of(augmentation, 1, row));
  }
  EXPECT_THAT(tops, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(tops, lefts);
  EXPECT_NEAR(flips, rows / 2, 150);
  EXPECT_LT(same_next_epoch, rows / 81);  // one of 162 by chance
}

TEST(Augmentation, NeedsImages) {
  const Json keys = {{"seed", 0}, {"augment", {{"crop_padding", 1}, {"horizontal_flip", false}}}};
  DatasetInfo info;
  info.columns = {{"features", DType::f32, {3}}};
  EXPECT_THROW(augmentation_of(keys, info), Error);
  EXPECT_FALSE(augmentation_of({{"seed", 0}}, info));
  info.columns = {{"images", DType::u8, {1, 2, 2}}};
  EXPECT_EQ(augmentation_of(keys, info)->crop_padding, 1);
}

}  // namespace
}  // namespace rankflow
