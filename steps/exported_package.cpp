#include "steps/exported_package.h"

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/torch.h>

#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "steps/pytorch_file.h"

namespace rankflow {
namespace {

/// The first line: PyTorch's own messages go on with stack traces.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

ExportedPackage::ExportedPackage(std::string path) : path_(std::move(path)) {
  try {
    loader_ = std::make_unique<torch::inductor::AOTIModelPackageLoader>(path_);
  } catch (const std::exception& e) {
    if (pytorch_file(path_) == PytorchFile::program)
      throw Error(ExitStatus::bad_data,
                  str(path_, " is a program that torch.export.save wrote, which is not compiled"),
                  "torch._inductor.aoti_compile_and_package(program, package_path=…), or a folder that "
                  "export_model.py makes");
    throw Error(ExitStatus::bad_data, str("cannot load ", path_, ": ", first_line(e.what())),
                "export the model again, with the PyTorch that rankflow was built with");
  }
}

ExportedPackage::ExportedPackage(std::string path,
                                 const std::function<at::Tensor(const std::string& name)>& find)
    : ExportedPackage(std::move(path)) {
  for (const auto& name : loader_->get_constant_fqns()) constants_.push_back({name, find(name)});
  for (const auto& c : constants_) {
    if (!c.tensor.defined())
      throw Error(ExitStatus::bad_data,
                  str(path_, " needs a constant ", c.name, ", which the model does not have"));
  }
}

ExportedPackage::~ExportedPackage() = default;
ExportedPackage::ExportedPackage(ExportedPackage&&) noexcept = default;

/// Gives the program the addresses of the constants where they have changed since it got them.
void ExportedPackage::bind() {
  bool moved = false;
  for (auto& c : constants_) moved |= c.bound_to != c.tensor.const_data_ptr();
  if (!moved) return;
  std::unordered_map<std::string, at::Tensor> views;
  for (auto& c : constants_) {
    // The loader never lets go of a tensor that it was given: a view that owns nothing costs no memory.
    c.bound_to = c.tensor.const_data_ptr();
    views[c.name] = torch::from_blob(const_cast<void*>(c.bound_to), c.tensor.sizes(), c.tensor.strides(),
                                     c.tensor.options().requires_grad(false));
  }
  loader_->load_constants(views, /*use_inactive=*/false, /*check_full_update=*/true, /*user_managed=*/true);
}

std::vector<at::Tensor> ExportedPackage::run(const std::vector<at::Tensor>& inputs) {
  torch::NoGradGuard no_grad;
  try {
    bind();
    return loader_->run(inputs);
  } catch (const std::exception& e) {
    throw Error(ExitStatus::bad_data, str("the compiled model ", path_, " failed: ", first_line(e.what())));
  }
}

}  // namespace rankflow
