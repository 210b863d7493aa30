#include "steps/exported_model.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "steps/weights.h"

namespace rankflow {
namespace {

constexpr std::string_view root = "model.";  // what the program calls the user's module
constexpr const char* forward_package = "forward";
constexpr const char* training_package = "training_step";
constexpr const char* constants_file = "constants.safetensors";

constexpr std::array<std::pair<const char*, at::ScalarType>, 8> types = {{{"float32", at::kFloat},
                                                                          {"float64", at::kDouble},
                                                                          {"float16", at::kHalf},
                                                                          {"bfloat16", at::kBFloat16},
                                                                          {"int64", at::kLong},
                                                                          {"int32", at::kInt},
                                                                          {"uint8", at::kByte},
                                                                          {"bool", at::kBool}}};

at::ScalarType type_named(const std::string& name) {
  for (const auto& [known, type] : types) {
    if (name == known) return type;
  }
  throw Error(ExitStatus::bad_data,
              str("the exported model has a tensor of type ", name, ", which is not supported"));
}

/// Where a dimension has one entry, its stride says nothing.
bool same_layout(const at::Tensor& tensor, const ExportedTensor& expected) {
  if (tensor.sizes() != at::IntArrayRef(expected.shape)) return false;
  for (std::size_t d = 0; d < expected.shape.size(); ++d) {
    if (expected.shape[d] > 1 && tensor.stride(static_cast<std::int64_t>(d)) != expected.strides[d])
      return false;
  }
  return true;
}

/// `tensor` with its last row repeated up to `rows`.
at::Tensor padded(const at::Tensor& tensor, std::int64_t rows) {
  const std::int64_t lacking = rows - tensor.size(0);
  if (lacking <= 0) return tensor.contiguous();
  std::vector<std::int64_t> shape = tensor.sizes().vec();
  shape[0] = lacking;
  return torch::cat({tensor, tensor.narrow(0, tensor.size(0) - 1, 1).expand(shape)});
}

}  // namespace

ExportedModel::ExportedModel(std::string folder, const ModelInput& input)
    : folder_(std::move(folder)), description_(folder_) {
  description_.require_fit(input);
  for (const auto& t : description_.parameters) register_tensor(t, true);
  for (const auto& t : description_.buffers) register_tensor(t, false);
  constants_ = std::make_unique<SafetensorsFile>(folder_ + "/" + constants_file);
  if (const std::string weights = folder_ + "/weights.safetensors"; exists(weights))
    load_weights(StoredWeights(weights), model_tensors(*this));
  forward_.emplace(load(forward_package));
}

/// PyTorch's names have dots, which stand for modules within modules here too.
void ExportedModel::register_tensor(const ExportedTensor& described, bool parameter) {
  auto path = split(described.name, '.');
  torch::nn::Module* owner = this;
  std::string name = path.back();
  path.pop_back();
  for (const auto& part : path) {
    const auto children = owner->named_children();
    const auto* found = children.find(part);
    owner = found ? found->get() : owner->register_module(part, std::make_shared<torch::nn::Module>()).get();
  }
  const at::Tensor tensor =
      torch::empty_strided(described.shape, described.strides, type_named(described.dtype)).zero_();
  tensors_[described.name] =
      parameter ? owner->register_parameter(name, tensor) : owner->register_buffer(name, tensor);
}

at::Tensor ExportedModel::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? at::Tensor() : found->second;
}

ExportedPackage ExportedModel::load(const std::string& package) const {
  return {
      str(folder_, "/", package, ".pt2"), [&](const std::string& name) {
        if (name.starts_with(root)) {
          if (const at::Tensor mine = find(name.substr(root.size())); mine.defined()) return mine;
        }
        const std::string stored = str(package, ":", name);
        for (const auto& t : constants_->tensors()) {
          if (t.name == stored)
            return torch::from_blob(const_cast<std::byte*>(t.data), t.shape, scalar_type(t.dtype)).clone();
        }
        return at::Tensor();
      }};
}

ExportedPackage ExportedModel::training_step() {
  return load(training_package);
}

std::vector<at::Tensor> ExportedModel::columns(const Batch& batch, std::int64_t rows) const {
  std::vector<at::Tensor> all;
  for (const auto& input : description_.inputs) {
    const at::Tensor& column = input.column == "images"     ? batch.images
                               : input.column == "features" ? batch.features
                                                            : batch.categories;
    all.push_back(padded(column, rows));
  }
  return all;
}

at::Tensor ExportedModel::forward(const Batch& batch) {
  const auto outputs = forward_->run(columns(batch, std::max(batch.rows, description_.smallest_batch)));
  return outputs.at(0).narrow(0, 0, batch.rows);
}

ExportedStep::ExportedStep(ExportedModel& model, const at::Tensor& class_weights, Timeline& timeline)
    : model_(model),
      class_weights_(class_weights.defined() ? class_weights.to(at::kFloat) : at::Tensor()),
      timeline_(timeline),
      package_(model.training_step()) {
  for (const auto& name : model.description().gradients) {
    const at::Tensor parameter = model.find(name);
    if (!parameter.defined())
      throw Error(ExitStatus::bad_data,
                  str("the exported model gives a gradient of ", name, ", which it does not have"));
    parameters_.push_back(parameter);
  }
  for (const auto& buffer : model.description().buffers) {
    if (buffer.name.ends_with("num_batches_tracked")) counters_.push_back(model.find(buffer.name));
  }
}

void ExportedStep::bind() {
  for (const auto& described : model_.description().parameters) {
    if (!same_layout(model_.find(described.name), described)) {
      throw Error(ExitStatus::internal,
                  str("parameter ", described.name, " does not lie as the exported model's code expects it"));
    }
  }
}

PartialLoss ExportedStep::forward_backward(const Batch& batch, std::int64_t global_rows) {
  TimedSpan span(timeline_, "forward and backward", "train");
  torch::NoGradGuard no_grad;
  const std::int64_t rows = std::max(batch.rows, model_.description().smallest_batch);
  auto inputs = model_.columns(batch, rows);
  inputs.push_back(padded(batch.target, rows));
  inputs.push_back(torch::zeros({rows}));  // the weight of each row's loss: rows that were added have none
  inputs.back().narrow(0, 0, batch.rows).fill_(1 / static_cast<double>(global_rows));

  if (class_weights_.defined()) inputs.back().mul_(class_weights_.index_select(0, inputs[inputs.size() - 2]));

  std::vector<at::Tensor> counts;
  for (const auto& c : counters_) counts.push_back(c + 1);
  const auto outputs = package_.run(inputs);
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i].copy_(counts[i]);
  if (outputs.size() != parameters_.size() + 2) {
    throw Error(ExitStatus::bad_data, str("the exported training step gave ", outputs.size(),
                                          " tensors, not ", parameters_.size() + 2));
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].requires_grad()) parameters_[i].mutable_grad().add_(outputs[i + 2]);
  }
  return {outputs[0], outputs[1].narrow(0, 0, batch.rows)};
}

std::shared_ptr<Model> make_exported_model(const Json&, const std::string& brought, const ModelInput& input) {
  return std::make_shared<ExportedModel>(brought, input);
}

}  // namespace rankflow
