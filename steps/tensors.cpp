#include "steps/tensors.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "steps/stored_tensor.h"

namespace rankflow {

DType element_type(const NamedTensor& t) {
  switch (t.tensor.scalar_type()) {
    case at::kByte:
      return DType::u8;
    case at::kInt:
      return DType::i32;
    case at::kLong:
      return DType::i64;
    case at::kFloat:
      return DType::f32;
    case at::kDouble:
      return DType::f64;
    case at::kBool:
      return DType::boolean;
    case at::kHalf:
      return DType::f16;
    case at::kBFloat16:
      return DType::bf16;
    default:
      break;
  }
  throw Error(
      ExitStatus::internal,
      str("tensor ", t.name, " has a type that files don't hold: ", at::toString(t.tensor.scalar_type())));
}

at::ScalarType scalar_type(DType type) {
  switch (type) {
    case DType::u8:
      return at::kByte;
    case DType::i32:
      return at::kInt;
    case DType::i64:
      return at::kLong;
    case DType::f32:
      return at::kFloat;
    case DType::f64:
      return at::kDouble;
    case DType::boolean:
      return at::kBool;
    case DType::f16:
      return at::kHalf;
    case DType::bf16:
      return at::kBFloat16;
  }
  throw Error(ExitStatus::internal, "unknown element type");
}

std::string shape_text(at::IntArrayRef shape) {
  return Json(shape.vec()).dump();
}

void write_tensors(const std::string& path, const std::vector<NamedTensor>& tensors, const Json& attributes) {
  std::vector<at::Tensor> contiguous;  // keeps copies alive while they are written
  std::vector<TensorView> views;
  for (const auto& t : tensors) {
    contiguous.push_back(t.tensor.detach().to(at::kCPU).contiguous());
    views.push_back({t.name, element_type(t), contiguous.back().sizes().vec(), contiguous.back().data_ptr()});
  }
  write_tensor_file(path, views, attributes);
}

void copy_tensors(const TensorFile& file, const std::vector<NamedTensor>& tensors, const std::string& path) {
  std::vector<at::Tensor> sources;
  for (const auto& t : tensors)
    sources.push_back(stored_tensor(require_tensor(file, t, t.tensor.sizes(), path)));
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].tensor.detach().copy_(sources[i]);
}

}  // namespace rankflow
