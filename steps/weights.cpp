#include "steps/weights.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::size_t names_shown = 8;

std::string file_in(const std::string& path) {
  FileStamp stamp;
  if (!stamp_of(path, stamp)) throw Error(ExitStatus::bad_data, str(path, " is missing"));
  if (!std::filesystem::is_directory(path)) return path;
  for (const char* name : {"model.safetensors", "weights.safetensors"}) {
    if (const std::string file = path + "/" + name; exists(file)) return file;
  }
  throw Error(ExitStatus::bad_data,
              str("the folder ", path, " has neither model.safetensors nor weights.safetensors"),
              "give a .safetensors or .h5 file, the output of a train step, or an exported model");
}

bool is_hdf5(const std::string& path) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  std::array<char, signature.size()> start{};
  File file(path, O_RDONLY);
  const std::size_t got = file.read_some(start.data(), start.size());
  return std::string_view(start.data(), got) == signature;
}

std::string shown(const std::vector<std::string>& names) {
  const std::size_t n = std::min(names.size(), names_shown);
  std::string text = join({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(n)}, ", ");
  return names.size() > n ? str(text, " and ", names.size() - n, " more") : text;
}

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

/// For each name whether a pattern matches it; every pattern has to match one.
std::vector<bool> matched(const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  std::vector<bool> found(names.size());
  for (const auto& pattern : patterns) {
    bool any = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!matches(pattern, names[i])) continue;
      found[i] = any = true;
    }
    if (!any) {
      throw Error(ExitStatus::configuration, str("no weights have a name like ", in_quotes(pattern)),
                  str("the model has ", shown(names)));
    }
  }
  return found;
}

std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& t : tensors) names.push_back(t.name);
  return names;
}

void require_fit(const TensorBytes& stored, const NamedTensor& wanted, const std::string& path) {
  const DType type = element_type(wanted);
  const bool convertible =
      at::isFloatingType(scalar_type(stored.dtype)) && at::isFloatingType(scalar_type(type));
  if ((stored.dtype == type || convertible) && stored.shape == wanted.tensor.sizes().vec()) return;
  throw Error(ExitStatus::bad_data,
              str(path, ": ", wanted.name, " is ", name(stored.dtype), " ", shape_text(stored.shape),
                  ", but the model's is ", name(type), " ", shape_text(wanted.tensor.sizes())),
              "give weights of the same model, or leave it out with new_weights");
}

}  // namespace

std::vector<NamedTensor> model_tensors(const torch::nn::Module& model) {
  std::vector<NamedTensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.push_back({item.key(), item.value()});
  for (const auto& item : model.named_buffers()) tensors.push_back({item.key(), item.value()});
  return tensors;
}

StoredWeights::StoredWeights(const std::string& path) : path_(file_in(path)) {
  if (!is_hdf5(path_)) {
    mapped_ = std::make_unique<SafetensorsFile>(path_);
    tensors_ = mapped_->tensors();
    return;
  }
  read_ = read_arrays(path_);
  for (const auto& t : read_.tensors) tensors_.push_back({t.name, t.dtype, t.shape, t.data.data()});
}

namespace {

/// Which stored tensor stands for which of the model's, after checking that all fit.
using Pairs = std::vector<std::pair<const TensorBytes*, at::Tensor>>;
Pairs matched_tensors(const StoredWeights& weights, const std::vector<NamedTensor>& tensors,
                      const std::vector<std::string>& left_alone) {
  const auto names = names_of(tensors);
  const auto left = matched(left_alone, names);
  std::map<std::string, const TensorBytes*> stored;
  for (const auto& t : weights.tensors()) stored[t.name] = &t;

  std::vector<std::string> missing, unexpected;
  Pairs copies;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto found = stored.find(names[i]);
    if (!left[i] && found == stored.end()) missing.push_back(names[i]);
    if (!left[i] && found != stored.end()) copies.emplace_back(found->second, tensors[i].tensor);
    if (found != stored.end()) stored.erase(found);
  }
  for (const auto& [name, _] : stored) {
    if (std::none_of(left_alone.begin(), left_alone.end(), [&](const auto& p) { return matches(p, name); }))
      unexpected.push_back(name);
  }
  if (!missing.empty() || !unexpected.empty()) {
    throw Error(ExitStatus::bad_data,
                str(weights.path(),
                    " does not fit the model:", missing.empty() ? "" : str(" it lacks ", shown(missing)),
                    missing.empty() || unexpected.empty() ? "" : ";",
                    unexpected.empty() ? "" : str(" the model has no ", shown(unexpected))),
                "give weights of the same model, or name those that start new in new_weights");
  }
  for (const auto& [source, target] : copies) require_fit(*source, {source->name, target}, weights.path());
  return copies;
}

}  // namespace

void load_weights(const StoredWeights& weights, const std::vector<NamedTensor>& tensors,
                  const std::vector<std::string>& left_alone) {
  const auto pairs = matched_tensors(weights, tensors, left_alone);
  torch::NoGradGuard no_grad;
  for (const auto& [source, target] : pairs) {
    target.detach().copy_(
        torch::from_blob(const_cast<std::byte*>(source->data), source->shape, scalar_type(source->dtype)));
  }
}

void share_weights(const std::shared_ptr<const StoredWeights>& weights,
                   const std::vector<NamedTensor>& tensors) {
  torch::NoGradGuard no_grad;
  for (const auto& [source, target] : matched_tensors(*weights, tensors, {})) {
    const auto type = scalar_type(source->dtype);
    const auto address = reinterpret_cast<std::uintptr_t>(source->data);
    const at::Tensor stored = torch::from_blob(
        const_cast<std::byte*>(source->data), source->shape, [weights](void*) {}, at::TensorOptions(type));
    if (type == target.scalar_type() && address % size_of(source->dtype) == 0)
      share_or_copy(stored, target);
    else
      target.detach().copy_(stored);
  }
}

void share_or_copy(const at::Tensor& stored, const at::Tensor& target) {
  // Along dimensions of one entry, too, strides stay those of the target: compiled code, and the choice between layouts of
  // images, go by them.
  if (target.is_contiguous())
    target.set_data(stored.as_strided(target.sizes(), target.strides()));
  else
    target.detach().copy_(stored);
}

void save_weights(const std::string& path, const std::vector<NamedTensor>& tensors) {
  std::vector<at::Tensor> contiguous;  // keeps copies alive while they are written
  std::vector<TensorBytes> bytes;
  for (const auto& t : tensors) {
    contiguous.push_back(t.tensor.detach().to(at::kCPU).contiguous());
    bytes.push_back({t.name, element_type(t), t.tensor.sizes().vec(),
                     static_cast<const std::byte*>(contiguous.back().const_data_ptr())});
  }
  write_safetensors(path, std::move(bytes), {{"format", "pt"}});
}

void freeze(torch::nn::Module& model, const std::vector<std::string>& patterns) {
  std::vector<std::string> names;
  const auto parameters = model.named_parameters();
  for (const auto& item : parameters) names.push_back(item.key());
  const auto frozen = matched(patterns, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (frozen[i]) parameters[names[i]].set_requires_grad(false);
  }
}

}  // namespace rankflow
