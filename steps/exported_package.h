// A .pt2 package of AOTInductor: machine code of a PyTorch program, run on tensors that stay ours.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace torch::inductor {
class AOTIModelPackageLoader;
}

namespace rankflow {

class ExportedPackage {
 public:
  /// `find` gives the tensor that stands for a constant of the program (a parameter, buffer or other constant,
  /// by its name in PyTorch); undefined where there is none. Throws Error (bad_data) where the package can't be
  /// loaded or wants a constant that there isn't.
  ExportedPackage(std::string path, const std::function<at::Tensor(const std::string& name)>& find);
  /// A package with the constants that it was compiled with.
  explicit ExportedPackage(std::string path);
  ~ExportedPackage();
  ExportedPackage(ExportedPackage&&) noexcept;

  /// Runs the program; it reads the constants where they lie now, and writes to those that it changes. Inputs
  /// are in row-major order. Throws Error (bad_data) with the program's own message.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs);

 private:
  void bind();

  struct Constant {
    std::string name;
    at::Tensor tensor;
    const void* bound_to = nullptr;
  };
  std::string path_;
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loader_;
  std::vector<Constant> constants_;
};

}  // namespace rankflow
