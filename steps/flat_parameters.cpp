#include "steps/flat_parameters.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/partition.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::int64_t alignment =
    16;  // elements; 64 bytes: matrix products give the same bits at the same alignment

std::vector<std::int64_t> strides_of(const at::Tensor& parameter) {
  // Convolutions on the CPU are half as fast again with channels last.
  return parameter.dim() == 4 ? c10::get_channels_last_strides_2d(parameter.sizes())
                              : c10::TensorType::contiguousStridesOf(parameter.sizes());
}

}  // namespace

FlatParameters::FlatParameters(torch::nn::Module& model, std::int64_t extra) {
  std::int64_t n = 0;
  for (const auto& item : model.named_parameters()) {
    if (item.value().scalar_type() != at::kFloat) {
      throw Error(ExitStatus::internal, str("parameter ", item.key(), " is not float32"));
    }
    slots_.push_back({item.key(), n, item.value().sizes().vec(), strides_of(item.value())});
    n += ceil_div(item.value().numel(), alignment) * alignment;
  }
  values_ = torch::zeros({n});
  reduced_ = torch::zeros({n + extra});
  gradients_ = reduced_.narrow(0, 0, n);
  extra_ = reduced_.narrow(0, n, extra);

  torch::NoGradGuard no_grad;
  auto parameters = model.parameters();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const at::Tensor place = view(values_, slots_[i]);
    place.copy_(parameters[i]);
    parameters[i].set_data(place);
    parameters[i].mutable_grad() = view(gradients_, slots_[i]);
  }
}

at::Tensor FlatParameters::view(const at::Tensor& flat, const Slot& slot) const {
  return flat.as_strided(slot.shape, slot.strides, flat.storage_offset() + slot.offset);
}

std::vector<NamedTensor> FlatParameters::named(const at::Tensor& flat, const std::string& prefix) const {
  std::vector<NamedTensor> pieces;
  for (const auto& slot : slots_) pieces.push_back({prefix + slot.name, view(flat, slot)});
  return pieces;
}

}  // namespace rankflow
