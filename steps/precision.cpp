#include "steps/precision.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

Precision precision_of(const std::string& name) {
  if (name == "float32") return Precision::float32;
  if (name == "float64") return Precision::float64;
  if (name == "bfloat16") return Precision::bfloat16;
  if (name == "float16") return Precision::float16;
  throw Error(ExitStatus::configuration, str("precision ", name, " has no code in this program"));
}

const char* name(Precision precision) {
  switch (precision) {
    case Precision::float32:
      return "float32";
    case Precision::float64:
      return "float64";
    case Precision::bfloat16:
      return "bfloat16";
    case Precision::float16:
      return "float16";
  }
  return "?";
}

std::optional<at::ScalarType> autocast_type(Precision precision) {
  if (precision == Precision::bfloat16) return at::kBFloat16;
  if (precision == Precision::float16) return at::kHalf;
  return std::nullopt;
}

at::ScalarType weights_type(Precision precision) {
  return precision == Precision::float64 ? at::kDouble : at::kFloat;
}

void convert_floating(torch::nn::Module& model, at::ScalarType type) {
  torch::NoGradGuard no_grad;
  const auto convert = [&](at::Tensor& t) {
    if (t.is_floating_point() && t.scalar_type() != type) t.set_data(t.to(type));
  };
  for (auto& t : model.parameters()) convert(t);
  for (auto& t : model.buffers()) convert(t);
}

Autocast::Autocast(at::DeviceType device, at::ScalarType type)
    : device_(device),
      enabled_before_(at::autocast::is_autocast_enabled(device)),
      type_before_(at::autocast::get_autocast_dtype(device)) {
  at::autocast::set_autocast_enabled(device, true);
  at::autocast::set_autocast_dtype(device, type);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  // Weights that were converted are remembered until here: the optimizer changes them.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, enabled_before_);
  at::autocast::set_autocast_dtype(device_, type_before_);
}

}  // namespace rankflow
