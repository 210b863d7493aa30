// Which of PyTorch's several kinds of file one is: they share their endings.
#pragma once

#include <exception>
#include <string>

namespace rankflow {

enum class PytorchFile {
  torchscript,  // torch.jit.save
  pickle,       // torch.save: of a module, a state dict, anything
  compiled,     // aoti_compile_and_package
  program,      // torch.export.save
  other
};

/// By what the file holds; `other` for what can't be read.
PytorchFile pytorch_file(const std::string& path);

/// A message of PyTorch without the C++ stack that it goes on with.
std::string without_frames(const std::exception& error);

}  // namespace rankflow
