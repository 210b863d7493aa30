#include "steps/flat_parameters.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

// 64 bytes: matrix products give the same bits at the same alignment.
constexpr std::int64_t alignment_bytes = 64;

std::vector<std::int64_t> strides_of(const at::Tensor& parameter) {
  // Convolutions on the CPU are half as fast again with channels last.
  return parameter.dim() == 4 ? c10::get_channels_last_strides_2d(parameter.sizes())
                              : c10::TensorType::contiguousStridesOf(parameter.sizes());
}

struct Named {
  std::string name;
  at::Tensor parameter;
};

std::vector<Named> trained_parameters(const torch::nn::Module& model) {
  std::vector<Named> trained;
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const auto type = item.value().scalar_type();
    if ((type != at::kFloat && type != at::kDouble) ||
        (!trained.empty() && type != trained[0].parameter.scalar_type())) {
      throw Error(ExitStatus::internal,
                  str("parameter ", item.key(), " is ", at::toString(type), ", not as the others"));
    }
    trained.push_back({item.key(), item.value()});
  }
  if (trained.empty()) throw Error(ExitStatus::configuration, "the model has no parameters to train");
  return trained;
}

}  // namespace

FlatParameters::FlatParameters(torch::nn::Module& model, std::int64_t extra,
                               const std::function<bool(const std::string& name, const at::Tensor&)>& apart) {
  const auto trained = trained_parameters(model);
  const auto alignment = alignment_bytes / static_cast<std::int64_t>(trained[0].parameter.element_size());
  std::int64_t n = 0;
  for (const bool pass : {false, true}) {
    if (pass) apart_begin_ = n;
    for (const auto& [name, parameter] : trained) {
      if (apart(name, parameter) != pass) continue;
      slots_.push_back({name, parameter, n, parameter.sizes().vec(), strides_of(parameter)});
      n += ceil_div(parameter.numel(), alignment) * alignment;
    }
  }
  const auto options = trained[0].parameter.options().requires_grad(false);
  values_ = torch::zeros({n}, options);
  const std::int64_t ahead = ceil_div(extra, alignment) * alignment;
  reduced_ = torch::zeros({ahead + n}, options);
  gradients_ = reduced_.narrow(0, ahead, n);
  if (reduced_.is_cuda()) fetched_ = torch::zeros({ahead}, options.device(at::kCPU).pinned_memory(true));

  torch::NoGradGuard no_grad;
  for (const auto& slot : slots_) view(values_, slot).copy_(slot.parameter);
  give_views();
}

void FlatParameters::move_to(const at::Tensor& values, bool written_by_others, const at::Tensor& reduced) {
  torch::NoGradGuard no_grad;
  const std::int64_t ahead = extra_in_reduced().size();
  if (!written_by_others) at::Tensor(values).copy_(values_);
  values_ = values;
  reduced_ = at::Tensor(reduced).copy_(reduced_);
  gradients_ = reduced_.narrow(0, ahead, values_.numel());
  give_views();
}

void FlatParameters::give_views() {
  for (auto& slot : slots_) {
    slot.parameter.set_data(view(values_, slot));
    slot.parameter.mutable_grad() = view(gradients_, slot);
  }
}

Range FlatParameters::in_reduced(std::size_t slot) const {
  const std::int64_t ahead = gradients_.storage_offset();
  const std::int64_t end = slot + 1 < slots_.size() ? slots_[slot + 1].offset : gradients_.numel();
  return {ahead + slots_[slot].offset, ahead + end};
}

double FlatParameters::extra(std::int64_t i) const {
  if (reduced_.is_cuda() && !is_fetched_) {
    fetched_.copy_(reduced_.narrow(0, 0, fetched_.numel()));
    is_fetched_ = true;
  }
  const at::Tensor& host = reduced_.is_cuda() ? fetched_ : reduced_;
  return host.scalar_type() == at::kDouble ? host.const_data_ptr<double>()[i]
                                           : host.const_data_ptr<float>()[i];
}

void FlatParameters::set_extra(std::int64_t i, double value) {
  if (reduced_.is_cuda()) {
    reduced_.narrow(0, i, 1).fill_(value);
    is_fetched_ = false;
  } else if (reduced_.scalar_type() == at::kDouble) {
    reduced_.mutable_data_ptr<double>()[i] = value;
  } else {
    reduced_.mutable_data_ptr<float>()[i] = static_cast<float>(value);
  }
}

void FlatParameters::add_extra(std::int64_t i, const at::Tensor& value) {
  if (reduced_.is_cuda()) {
    reduced_.narrow(0, i, 1).add_(value);
    is_fetched_ = false;
  } else {
    set_extra(i, extra(i) + value.item<double>());
  }
}

void FlatParameters::fetch_extras() {
  if (!reduced_.is_cuda()) return;
  fetched_.copy_(reduced_.narrow(0, 0, fetched_.numel()), /*non_blocking=*/true);
  is_fetched_ = true;
}

void FlatParameters::zero() {
  reduced_.zero_();
  is_fetched_ = false;
}

at::Tensor FlatParameters::view(const at::Tensor& flat, const ParameterSlot& slot) {
  return flat.as_strided(slot.shape, slot.strides, flat.storage_offset() + slot.offset);
}

std::vector<NamedTensor> FlatParameters::named(const at::Tensor& flat, const std::string& prefix) const {
  std::vector<NamedTensor> pieces;
  for (const auto& slot : slots_) pieces.push_back({prefix + slot.name, view(flat, slot)});
  return pieces;
}

}  // namespace rankflow
