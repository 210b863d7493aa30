// Tensors of files that have been read (tensor_file.h), as torch sees them.
#pragma once

#include "steps/tensors.h"

namespace rankflow {

/// A view of the stored values, which have to be there as long.
at::Tensor stored_tensor(const StoredTensor& stored);

/// Of `like`'s name and type, and of `shape`. Throws Error (bad_data) where it is missing or another; `path` is for messages.
const StoredTensor& require_tensor(const TensorFile& file, const NamedTensor& like, at::IntArrayRef shape,
                                   const std::string& path);

}  // namespace rankflow
