// Weights from outside a training: to start from, or to go on with. Safetensors and HDF5 files, model artifacts
// and exported models.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "io/tensor_file.h"
#include "steps/tensors.h"

namespace rankflow {

/// Parameters and buffers under their PyTorch names.
std::vector<NamedTensor> model_tensors(const torch::nn::Module& model);

/// Named tensors of a file; mapped or in memory for as long as the object lives.
class StoredWeights {
 public:
  /// `path`: a safetensors file, an HDF5 file whose root holds the tensors (told apart by its first bytes), or
  /// a folder with model.safetensors (a model artifact) or weights.safetensors (an exported model). Throws
  /// Error (bad_data, io).
  explicit StoredWeights(const std::string& path);

  /// The file that holds the tensors.
  const std::string& path() const { return path_; }
  const std::vector<TensorBytes>& tensors() const { return tensors_; }

 private:
  std::string path_;
  std::unique_ptr<SafetensorsFile> mapped_;  // either this
  TensorFile read_;                          // or this
  std::vector<TensorBytes> tensors_;
};

/// Copies stored tensors into those of the same names, in place. Every name must be there on both sides, but
/// for tensors whose names match a pattern of `left_alone` (globs; `*` stands for dots too), which keep their
/// values. Shapes must be equal; floating-point types are converted, others must be equal. Throws Error
/// (bad_data) naming what is missing, unexpected or of another shape before anything is copied, and Error
/// (configuration) for a pattern that matches nothing.
void load_weights(const StoredWeights& weights, const std::vector<NamedTensor>& tensors,
                  const std::vector<std::string>& left_alone = {});

/// Has the tensors be the stored ones, without a copy, where type and layout are the same: ranks of a host then share the page
/// cache's. They must not be written to. Throws like load_weights.
void share_weights(const std::shared_ptr<const StoredWeights>& weights,
                   const std::vector<NamedTensor>& tensors);

/// Has `target` be `stored` (row-major, on the CPU, of the same shape and type) without a copy, where it lies in memory as the
/// target does; otherwise copies it. Strides stay those of the target.
void share_or_copy(const at::Tensor& stored, const at::Tensor& target);

/// Writes the tensors (CPU copies in row-major order) as safetensors.
void save_weights(const std::string& path, const std::vector<NamedTensor>& tensors);

/// Switches gradients off for the parameters whose names match a pattern: they are not trained. Throws Error
/// (configuration) for a pattern that matches no parameter.
void freeze(torch::nn::Module& model, const std::vector<std::string>& patterns);

}  // namespace rankflow
