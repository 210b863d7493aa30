// Random changes of images while a model trains on them. A pure function of seed, epoch and row, so that any number of ranks, and
// a training that goes on from a checkpoint, sees the same images.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/dataset.h"

namespace rankflow {

struct Augmentation {
  std::uint64_t seed = 0;
  std::int64_t crop_padding = 0;  // pixels on each side
  bool horizontal_flip = false;
};

/// As the key `augment` of a train step says. Throws Error (configuration) where the dataset has no images that could be changed.
std::optional<Augmentation> augmentation_of(const Json& parameters, const DatasetInfo& data);

/// Where an image is cut out of its padded self, and whether it is mirrored then.
struct ImageDraw {
  std::int64_t top = 0, left = 0;  // 0 … 2 * crop_padding
  bool flip = false;
};
ImageDraw draw_of(const Augmentation& augmentation, std::int64_t epoch, std::int64_t row);

/// Changes images of one shape, [channels, height, width].
class AugmentedImage {
 public:
  AugmentedImage(const Augmentation& augmentation, const std::vector<std::int64_t>& shape);
  /// `image` in place, as epoch `epoch` has row `row`.
  void change(std::span<std::uint8_t> image, std::int64_t epoch, std::int64_t row);

 private:
  Augmentation augmentation_;
  std::int64_t channels_, height_, width_;
  std::vector<std::uint8_t> original_;
};

}  // namespace rankflow
