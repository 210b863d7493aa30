#include "steps/pytorch_file.h"

#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <fstream>

#include "base/text.h"

namespace rankflow {
namespace {

/// torch.save before 1.6, and pickle.dump.
bool is_bare_pickle(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char start[2] = {};
  file.read(start, 2);
  return file && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5;
}

}  // namespace

PytorchFile pytorch_file(const std::string& path) {
  try {
    caffe2::serialize::PyTorchStreamReader archive(path);
    const auto records = archive.getAllRecords();
    const auto has = [&](const char* part) {
      return std::any_of(records.begin(), records.end(), [&](const auto& r) { return r.starts_with(part); });
    };
    if (has("data/aotinductor/")) return PytorchFile::compiled;
    if (has("models/")) return PytorchFile::program;
    if (has("constants.pkl")) return PytorchFile::torchscript;
    return has("data.pkl") ? PytorchFile::pickle : PytorchFile::other;
  } catch (const c10::Error&) {
    return is_bare_pickle(path) ? PytorchFile::pickle : PytorchFile::other;
  }
}

std::string without_frames(const std::exception& error) {
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = of_torch ? of_torch->what_without_backtrace() : error.what();
  return trim(text.substr(0, text.find("\nException raised from")));
}

}  // namespace rankflow
