#include "steps/stored_tensor.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

at::Tensor stored_tensor(const StoredTensor& stored) {
  return torch::from_blob(const_cast<std::byte*>(stored.data.data()), stored.shape,
                          scalar_type(stored.dtype));
}

const StoredTensor& require_tensor(const TensorFile& file, const NamedTensor& like, at::IntArrayRef shape,
                                   const std::string& path) {
  const StoredTensor* stored = file.find(like.name);
  if (!stored) throw Error(ExitStatus::bad_data, str(path, " has no tensor ", like.name));
  if (stored->dtype != element_type(like) || stored->shape != shape.vec()) {
    throw Error(ExitStatus::bad_data,
                str(path, ": tensor ", like.name, " is ", name(stored->dtype), " ", shape_text(stored->shape),
                    ", not ", name(element_type(like)), " ", shape_text(shape)));
  }
  return *stored;
}

}  // namespace rankflow
