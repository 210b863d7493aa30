#include "io/image_resize.h"

#include <algorithm>
#include <cmath>

namespace rankflow {
namespace {

constexpr int fraction_bits = 32 - 8 - 2;  // a sum of weights times 8-bit values stays within 32 bits

/// What one output position is made of: weights of consecutive input positions.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> taps_for(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    Taps& taps = all[static_cast<std::size_t>(i)];
    const double center = (static_cast<double>(i) + 0.5) * scale;
    taps.first = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    const auto end = std::min(from, static_cast<std::int64_t>(center + support + 0.5));
    std::vector<double> exact;
    double sum = 0;
    for (std::int64_t x = taps.first; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * (1.0 / support));
      exact.push_back(distance < 1.0 ? 1.0 - distance : 0.0);
      sum += exact.back();
    }
    for (double w : exact)
      taps.weights.push_back(
          static_cast<std::int32_t>(0.5 + (sum != 0 ? w / sum : w) * (1 << fraction_bits)));
  }
  return all;
}

std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> fraction_bits, 0, 255));
}

/// Along one axis: values at `in`, `step` apart, become those at `out`.
void apply(const std::vector<Taps>& taps, const std::uint8_t* in, std::size_t in_step, std::uint8_t* out,
           std::size_t out_step) {
  for (const Taps& t : taps) {
    std::int32_t sum = 1 << (fraction_bits - 1);
    const std::uint8_t* at = in + static_cast<std::size_t>(t.first) * in_step;
    for (const std::int32_t w : t.weights) {
      sum += *at * w;
      at += in_step;
    }
    *out = rounded(sum);
    out += out_step;
  }
}

Image with_width(const Image& image, std::int64_t width) {
  const auto channels = static_cast<std::size_t>(image.size.channels);
  const std::size_t in_row = static_cast<std::size_t>(image.size.width) * channels;
  const std::size_t out_row = static_cast<std::size_t>(width) * channels;
  Image out{{image.size.height, width, image.size.channels}, {}};
  out.values.resize(out_row * static_cast<std::size_t>(image.size.height));
  const auto taps = taps_for(image.size.width, width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.size.height); ++y) {
    for (std::size_t c = 0; c < channels; ++c)
      apply(taps, image.values.data() + y * in_row + c, channels, out.values.data() + y * out_row + c,
            channels);
  }
  return out;
}

/// Row by row: neighbouring values are added up together.
Image with_height(const Image& image, std::int64_t height) {
  const std::size_t row = static_cast<std::size_t>(image.size.width) * image.size.channels;
  Image out{{height, image.size.width, image.size.channels}, {}};
  out.values.resize(row * static_cast<std::size_t>(height));
  std::vector<std::int32_t> sums(row);
  std::uint8_t* to = out.values.data();
  for (const Taps& t : taps_for(image.size.height, height)) {
    std::fill(sums.begin(), sums.end(), 1 << (fraction_bits - 1));
    const std::uint8_t* in = image.values.data() + static_cast<std::size_t>(t.first) * row;
    for (const std::int32_t w : t.weights) {
      for (std::size_t i = 0; i < row; ++i) sums[i] += in[i] * w;
      in += row;
    }
    for (const std::int32_t sum : sums) *to++ = rounded(sum);
  }
  return out;
}

}  // namespace

Image resized(const Image& image, std::int64_t height, std::int64_t width) {
  Image out = image.size.width == width ? image : with_width(image, width);
  return out.size.height == height ? out : with_height(out, height);
}

}  // namespace rankflow
