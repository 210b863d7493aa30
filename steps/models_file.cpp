#include "steps/models_file.h"

#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "io/csv_text.h"
#include "io/file.h"
#include "steps/model_code.h"
#include "steps/model_input.h"
#include "steps/tensors.h"
#include "steps/weights.h"

namespace rankflow {
namespace {

std::string description_path(const std::string& folder) {
  return folder + "/models.json";
}
std::string weights_path(const std::string& folder) {
  return folder + "/models.safetensors";
}

void write_weights(const std::string& folder, const Model& like, const std::vector<ModelRecord>& records) {
  std::vector<std::vector<std::byte>> stacks;
  std::vector<TensorBytes> tensors;
  std::size_t offset = 0;
  const auto count =
      std::count_if(records.begin(), records.end(), [](const auto& r) { return r.failure.empty(); });
  for (const auto& t : model_tensors(like)) {
    std::vector<std::byte> stack;
    stack.reserve(static_cast<std::size_t>(count) * t.tensor.nbytes());
    for (const auto& record : records) {
      if (!record.failure.empty()) continue;
      const auto first = record.weights.begin() + static_cast<std::ptrdiff_t>(offset);
      stack.insert(stack.end(), first, first + static_cast<std::ptrdiff_t>(t.tensor.nbytes()));
    }
    offset += t.tensor.nbytes();
    std::vector<std::int64_t> shape = {count};
    shape.insert(shape.end(), t.tensor.sizes().begin(), t.tensor.sizes().end());
    stacks.push_back(std::move(stack));
    tensors.push_back({t.name, element_type(t), shape, stacks.back().data()});
  }
  write_safetensors(weights_path(folder), tensors, {});
}

void write_table(const std::string& folder, const std::vector<std::string>& partition_by,
                 const std::vector<ModelRecord>& records) {
  std::set<std::string> metrics;
  for (const auto& record : records) {
    for (const auto& [name, value] : record.metrics.items()) metrics.insert(name);
  }
  std::string text;
  for (const auto& column : partition_by) append_csv(text, column), text += ',';
  text += "rows,validation_rows,epochs,";
  for (const auto& name : metrics) text += name + ',';
  text += "status,message\n";
  for (const auto& record : records) {
    for (const auto& value : record.key) append_csv(text, value), text += ',';
    for (const std::int64_t n : {record.rows, record.validation_rows, record.epochs})
      append_number(text, n), text += ',';
    for (const auto& name : metrics) {
      const auto found = record.metrics.find(name);
      if (found != record.metrics.end())
        found->is_number_integer() ? append_number(text, found->get<std::int64_t>())
                                   : append_number(text, found->get<double>());
      text += ',';
    }
    text += record.failure.empty() ? "trained," : "failed,";
    append_csv(text, record.failure);
    text += '\n';
  }
  write_file_atomically(folder + "/models.csv", text, /*durable=*/false);
}

}  // namespace

Json ModelRecord::to_json() const {
  return {{"number", number},
          {"key", key},
          {"rows", rows},
          {"validation_rows", validation_rows},
          {"epochs", epochs},
          {"metrics", metrics},
          {"target", {{"mean", target.mean}, {"scale", target.scale}}},
          {"failure", failure}};
}

ModelRecord ModelRecord::from_json(const Json& json) {
  ModelRecord record;
  record.number = json.at("number");
  record.key = json.at("key").get<PartitionKey>();
  record.rows = json.at("rows");
  record.validation_rows = json.at("validation_rows");
  record.epochs = json.at("epochs");
  record.metrics = json.at("metrics");
  record.target = {json.at("target").at("mean"), json.at("target").at("scale")};
  record.failure = json.at("failure");
  return record;
}

std::vector<std::byte> packed_weights(const Model& model) {
  std::vector<std::byte> bytes;
  for (const auto& t : model_tensors(model)) {
    const at::Tensor tensor = t.tensor.detach().cpu().contiguous();
    const auto* data = static_cast<const std::byte*>(tensor.data_ptr());
    bytes.insert(bytes.end(), data, data + tensor.nbytes());
  }
  return bytes;
}

void write_models(const std::string& folder, const Model& like, const Json& spec, const std::string& brought,
                  const std::vector<std::string>& partition_by, const DatasetInfo& trained_on,
                  const std::vector<ModelRecord>& records) {
  if (is_brought(spec)) copy_model_code(spec, brought, folder);
  write_weights(folder, like, records);
  write_table(folder, partition_by, records);
  Json description = {
      {"format", 1}, {"model", spec}, {"input", describe_input(trained_on)}, {"partition_by", partition_by}};
  for (const auto& record : records) {
    if (!record.failure.empty()) continue;
    Json one = record.to_json();
    one.erase("number"), one.erase("failure");
    description["models"].push_back(std::move(one));
  }
  write_file_atomically(description_path(folder), description.dump(1) + "\n", /*durable=*/false);
}

bool ModelsFile::is_in(const std::string& folder) {
  return exists(description_path(folder));
}

ModelsFile::ModelsFile(const std::string& folder) : weights_(weights_path(folder)) {
  const std::string path = description_path(folder);
  const Json description = read_json(path);
  try {
    if (description.at("format") != 1) {
      throw Error(ExitStatus::bad_data, str(path, " has format ", description.at("format").dump(),
                                            "; this program reads format 1"));
    }
    trained_on_ = described_input(description.at("input"));
    partition_by_ = description.at("partition_by").get<std::vector<std::string>>();
    for (const auto& one : description.at("models")) {
      numbers_.emplace(one.at("key").get<PartitionKey>(), targets_.size());
      targets_.push_back({one.at("target").at("mean"), one.at("target").at("scale")});
    }
    const Json& spec = description.at("model");
    brought_ = is_brought(spec);
    model_ = make_model(spec, model_input(trained_on_), brought_ ? model_code_in(folder, spec) : "");
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no description of models: ", e.what()));
  }
  model_->eval();
  for (const auto& t : model_tensors(*model_)) {
    std::vector<std::int64_t> shape = {std::ssize(targets_)};
    shape.insert(shape.end(), t.tensor.sizes().begin(), t.tensor.sizes().end());
    const auto& stored = weights_.tensors();
    const auto found =
        std::find_if(stored.begin(), stored.end(), [&](const auto& s) { return s.name == t.name; });
    if (found == stored.end() || found->shape != shape || found->dtype != element_type(t)) {
      throw Error(ExitStatus::bad_data, str(weights_path(folder), " has no tensor ", t.name, " of shape ",
                                            shape_text(shape), ", which models.json asks for"));
    }
    stacks_.emplace_back(
        t.tensor, torch::from_blob(const_cast<std::byte*>(found->data), shape, t.tensor.scalar_type()));
  }
}

Model& ModelsFile::model(std::size_t number) {
  const c10::InferenceMode off(false);  // the views are to be of the same kind as the model's own tensors
  for (auto& [tensor, stack] : stacks_) share_or_copy(stack[static_cast<std::int64_t>(number)], tensor);
  return *model_;
}

}  // namespace rankflow
