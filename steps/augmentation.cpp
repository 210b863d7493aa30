#include "steps/augmentation.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "steps/batches.h"

namespace rankflow {
namespace {

// Keeps these draws apart from the other streams of the same seed (order of rows, dropout).
constexpr std::uint64_t stream = 0xa09e'667f'3bcc'908bULL;

/// Of a uniform 32-bit number: 0 … bound - 1; the bias is below 2^-20 for images of any size.
std::int64_t below(std::uint64_t bits, std::int64_t bound) {
  return static_cast<std::int64_t>(((bits & 0xffffffffULL) * static_cast<std::uint64_t>(bound)) >> 32);
}

}  // namespace

std::optional<Augmentation> augmentation_of(const Json& parameters, const DatasetInfo& data) {
  const auto found = parameters.find("augment");
  if (found == parameters.end() || found->is_null()) return std::nullopt;
  Augmentation a{parameters.at("seed"), found->at("crop_padding"), found->at("horizontal_flip")};
  if (a.crop_padding == 0 && !a.horizontal_flip) return std::nullopt;
  const ColumnInfo* images = data.find("images");
  if (!images || images->shape.size() != 3) {
    throw Error(ExitStatus::configuration, "`augment` changes images, and the dataset has none",
                "leave it out");
  }
  return a;
}

ImageDraw draw_of(const Augmentation& a, std::int64_t epoch, std::int64_t row) {
  const std::uint64_t bits =
      mixed_seed(a.seed ^ stream, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(row));
  const std::uint64_t more = mixed_seed(bits, 1, 0);
  ImageDraw draw;
  draw.top = below(bits, 2 * a.crop_padding + 1);
  draw.left = below(bits >> 32, 2 * a.crop_padding + 1);
  draw.flip = a.horizontal_flip && (more & 1) != 0;
  return draw;
}

AugmentedImage::AugmentedImage(const Augmentation& augmentation, const std::vector<std::int64_t>& shape)
    : augmentation_(augmentation), channels_(shape.at(0)), height_(shape.at(1)), width_(shape.at(2)) {}

void AugmentedImage::change(std::span<std::uint8_t> image, std::int64_t epoch, std::int64_t row) {
  const ImageDraw draw = draw_of(augmentation_, epoch, row);
  const std::int64_t down = draw.top - augmentation_.crop_padding,
                     right = draw.left - augmentation_.crop_padding;
  // Columns of the original that are seen, and where they go.
  const std::int64_t first = std::clamp<std::int64_t>(right, 0, width_);
  const std::int64_t last = std::clamp<std::int64_t>(width_ + right, first, width_);
  original_.assign(image.begin(), image.end());
  std::fill(image.begin(), image.end(), std::uint8_t{0});
  for (std::int64_t line = 0; line < channels_ * height_; ++line) {
    const std::int64_t from = line % height_ + down;
    if (from < 0 || from >= height_) continue;
    const std::uint8_t* in = original_.data() + (line - line % height_ + from) * width_;
    std::uint8_t* out = image.data() + line * width_;
    if (draw.flip) {
      for (std::int64_t x = first; x < last; ++x) out[width_ - 1 - (x - right)] = in[x];
    } else {
      std::copy(in + first, in + last, out + (first - right));
    }
  }
}

}  // namespace rankflow
