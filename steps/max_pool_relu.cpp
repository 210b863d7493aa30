#include "steps/max_pool_relu.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <vector>

// The loops over channels below are worth the processor's widest vectors, whatever this program is compiled for.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RANKFLOW_WIDEST_VECTORS [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define RANKFLOW_WIDEST_VECTORS
#endif

namespace rankflow {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr std::uint8_t nowhere = 4;  // instead of the number of a pixel, 0 … 3: ReLU gave zero

struct Sizes {
  explicit Sizes(at::IntArrayRef images)
      : rows(images[0]), channels(images[1]), height(images[2]), width(images[3]) {}
  std::int64_t rows, channels, height, width;
  std::int64_t pooled_height() const { return height / 2; }
  std::int64_t pooled_width() const { return width / 2; }
  std::vector<std::int64_t> pooled() const { return {rows, channels, pooled_height(), pooled_width()}; }
};

template <typename Real, typename Wide>
[[gnu::always_inline]] inline void pool_pixel(const Real* above, const Real* below, std::int64_t channels,
                                              Real* out, std::uint8_t* from) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const Wide values[4] = {above[c], above[channels + c], below[c], below[channels + c]};
    Wide best = values[0];
    std::int32_t which = 0;
    for (std::int32_t k = 1; k < 4; ++k) {
      const bool better = (values[k] > best) | (values[k] != values[k]);
      which = better ? k : which;
      best = better ? values[k] : best;
    }
    const bool nothing = best <= 0;
    out[c] = static_cast<Real>(nothing ? Wide(0) : best);
    from[c] = static_cast<std::uint8_t>(nothing ? nowhere : which);
  }
}

template <typename Bits>
[[gnu::always_inline]] inline void unpool_pixel(const Bits* gradient, const std::uint8_t* from,
                                                std::int64_t channels, Bits* above, Bits* below) {
  Bits* places[4] = {above, above + channels, below, below + channels};
  for (std::uint8_t k = 0; k < 4; ++k) {
    for (std::int64_t c = 0; c < channels; ++c) places[k][c] = from[c] == k ? gradient[c] : Bits(0);
  }
}

template <typename Real, typename Wide>
[[gnu::always_inline]] inline void pool_pixels(const Real* above, const Real* below, std::int64_t pixels,
                                               std::int64_t channels, Real* out, std::uint8_t* from) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    const std::int64_t in = 2 * p * channels, at = p * channels;
    pool_pixel<Real, Wide>(above + in, below + in, channels, out + at, from + at);
  }
}

template <typename Bits>
[[gnu::always_inline]] inline void unpool_pixels(const Bits* gradient, const std::uint8_t* from,
                                                 std::int64_t pixels, std::int64_t channels, Bits* above,
                                                 Bits* below) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    const std::int64_t in = 2 * p * channels, at = p * channels;
    unpool_pixel<Bits>(gradient + at, from + at, channels, above + in, below + in);
  }
}

// A row of pooled pixels. One function per type, since templates can't be cloned.
RANKFLOW_WIDEST_VECTORS
void pool_row(const float* above, const float* below, std::int64_t pixels, std::int64_t channels, float* out,
              std::uint8_t* from) {
  pool_pixels<float, float>(above, below, pixels, channels, out, from);
}

RANKFLOW_WIDEST_VECTORS
void pool_row(const double* above, const double* below, std::int64_t pixels, std::int64_t channels,
              double* out, std::uint8_t* from) {
  pool_pixels<double, double>(above, below, pixels, channels, out, from);
}

RANKFLOW_WIDEST_VECTORS
void pool_row(const at::BFloat16* above, const at::BFloat16* below, std::int64_t pixels,
              std::int64_t channels, at::BFloat16* out, std::uint8_t* from) {
  pool_pixels<at::BFloat16, float>(above, below, pixels, channels, out, from);
}

RANKFLOW_WIDEST_VECTORS
void unpool_row(const std::uint16_t* gradient, const std::uint8_t* from, std::int64_t pixels,
                std::int64_t channels, std::uint16_t* above, std::uint16_t* below) {
  unpool_pixels(gradient, from, pixels, channels, above, below);
}

RANKFLOW_WIDEST_VECTORS
void unpool_row(const std::uint32_t* gradient, const std::uint8_t* from, std::int64_t pixels,
                std::int64_t channels, std::uint32_t* above, std::uint32_t* below) {
  unpool_pixels(gradient, from, pixels, channels, above, below);
}

RANKFLOW_WIDEST_VECTORS
void unpool_row(const std::uint64_t* gradient, const std::uint8_t* from, std::int64_t pixels,
                std::int64_t channels, std::uint64_t* above, std::uint64_t* below) {
  unpool_pixels(gradient, from, pixels, channels, above, below);
}

/// Calls `use(image row above, image row below, pooled row)` with offsets of elements for each row of pooled pixels.
template <typename Use>
void for_each_pooled_row(const Sizes& sizes, const Use& use) {
  const std::int64_t image_row = sizes.width * sizes.channels;
  const std::int64_t pooled_row = sizes.pooled_width() * sizes.channels;
  const std::int64_t grain = std::max<std::int64_t>(1, at::internal::GRAIN_SIZE / (4 * pooled_row));
  at::parallel_for(0, sizes.rows * sizes.pooled_height(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = i / sizes.pooled_height(), y = i % sizes.pooled_height();
      const std::int64_t above = (row * sizes.height + 2 * y) * image_row;
      use(above, above + image_row, i * pooled_row);
    }
  });
}

template <typename Real>
void pool(const at::Tensor& images, const Sizes& sizes, at::Tensor& out, at::Tensor& from) {
  const Real* in = images.const_data_ptr<Real>();
  Real* pooled = out.data_ptr<Real>();
  auto* places = from.data_ptr<std::uint8_t>();
  for_each_pooled_row(sizes, [&](std::int64_t above, std::int64_t below, std::int64_t at) {
    pool_row(in + above, in + below, sizes.pooled_width(), sizes.channels, pooled + at, places + at);
  });
}

/// Gradients are moved, not computed with: only their size counts.
template <typename Bits>
void unpool(const at::Tensor& gradient, const at::Tensor& from, const Sizes& sizes, at::Tensor& out) {
  const auto* in = static_cast<const Bits*>(gradient.const_data_ptr());
  const auto* places = from.const_data_ptr<std::uint8_t>();
  auto* images = static_cast<Bits*>(out.data_ptr());
  for_each_pooled_row(sizes, [&](std::int64_t above, std::int64_t below, std::int64_t at) {
    unpool_row(in + at, places + at, sizes.pooled_width(), sizes.channels, images + above, images + below);
  });
}

struct MaxPoolReluOnePass : torch::autograd::Function<MaxPoolReluOnePass> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& images) {
    const Sizes sizes(images.sizes());
    const auto options = images.options().memory_format(at::MemoryFormat::ChannelsLast);
    at::Tensor out = at::empty(sizes.pooled(), options),
               from = at::empty(sizes.pooled(), options.dtype(at::kByte));
    if (images.scalar_type() == at::kFloat)
      pool<float>(images, sizes, out, from);
    else if (images.scalar_type() == at::kDouble)
      pool<double>(images, sizes, out, from);
    else
      pool<at::BFloat16>(images, sizes, out, from);
    context->save_for_backward({from});
    context->saved_data["images"] = images.sizes();
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const at::Tensor from = context->get_saved_variables()[0];
    const auto shape = context->saved_data["images"].toIntVector();
    const Sizes sizes(shape);
    const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const auto options = gradient.options().memory_format(at::MemoryFormat::ChannelsLast);
    at::Tensor out = at::empty(shape, options);
    if (sizes.height % 2) out.select(2, sizes.height - 1).zero_();
    if (sizes.width % 2) out.select(3, sizes.width - 1).zero_();
    if (gradient.element_size() == 2)
      unpool<std::uint16_t>(gradient, from, sizes, out);
    else if (gradient.element_size() == 4)
      unpool<std::uint32_t>(gradient, from, sizes, out);
    else
      unpool<std::uint64_t>(gradient, from, sizes, out);
    return {out};
  }
};

bool takes_one_pass(const at::Tensor& images) {
  const auto type = images.scalar_type();
  return images.is_cpu() && images.dim() == 4 && images.numel() > 0 && images.size(2) > 1 &&
         images.size(3) > 1 && (type == at::kFloat || type == at::kDouble || type == at::kBFloat16) &&
         images.is_contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

at::Tensor max_pool_relu(const at::Tensor& images) {
  return takes_one_pass(images) ? MaxPoolReluOnePass::apply(images) : at::relu(at::max_pool2d(images, 2));
}

}  // namespace rankflow
