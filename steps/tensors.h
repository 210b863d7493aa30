// Torch's tensors to and from files of named tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "base/partition.h"
#include "io/tensor_file.h"

namespace rankflow {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;  // of a type that DType has; any strides
};

/// Throws Error (internal) for a type that DType does not have.
DType element_type(const NamedTensor& t);
at::ScalarType scalar_type(DType type);

/// A view of some elements of a flat [n] tensor.
inline at::Tensor part(const at::Tensor& flat, Range elements) {
  return flat.narrow(0, elements.begin, elements.size());
}

/// "[2, 3]", for messages.
std::string shape_text(at::IntArrayRef shape);

/// write_tensor_file of CPU copies in row-major order.
void write_tensors(const std::string& path, const std::vector<NamedTensor>& tensors, const Json& attributes);

/// Copies stored tensors into the tensors of the same names, in place. Throws Error (bad_data) where one is
/// missing or has another type or shape; nothing is copied then. `path` is for messages.
void copy_tensors(const TensorFile& file, const std::vector<NamedTensor>& tensors, const std::string& path);

}  // namespace rankflow
