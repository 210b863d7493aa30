#include "steps/tensors.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

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
    default:
      break;
  }
  throw Error(
      ExitStatus::internal,
      str("tensor ", t.name, " has a type that files don't hold: ", at::toString(t.tensor.scalar_type())));
}

}  // namespace

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
  for (const auto& t : tensors) {
    const StoredTensor* stored = file.find(t.name);
    if (!stored) throw Error(ExitStatus::bad_data, str(path, " has no tensor ", t.name));
    if (stored->dtype != element_type(t) || stored->shape != t.tensor.sizes().vec()) {
      throw Error(ExitStatus::bad_data,
                  str(path, ": tensor ", t.name, " is ", name(stored->dtype), " ", shape_text(stored->shape),
                      ", not ", name(element_type(t)), " ", shape_text(t.tensor.sizes())));
    }
    sources.push_back(
        torch::from_blob(const_cast<std::byte*>(stored->data.data()), stored->shape, t.tensor.scalar_type()));
  }
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].tensor.detach().copy_(sources[i]);
}

}  // namespace rankflow
