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
  }
  return "?";
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

Autocast::Autocast()
    : enabled_before_(at::autocast::is_autocast_enabled(at::kCPU)),
      type_before_(at::autocast::get_autocast_dtype(at::kCPU)) {
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  // Weights that were converted are remembered until here: the optimizer changes them.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, enabled_before_);
  at::autocast::set_autocast_dtype(at::kCPU, type_before_);
}

}  // namespace rankflow
