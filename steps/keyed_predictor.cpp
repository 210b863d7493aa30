#include "steps/keyed_predictor.h"

#include <torch/torch.h>

#include <map>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "steps/model_input.h"

namespace rankflow {
namespace {

/// Which of the models is for a row's key.
class ModelChoice {
 public:
  ModelChoice(const ModelsFile& models, const DatasetInfo& data) : keys_(data, models.partition_by()) {
    for (const auto& [key, model] : models.numbers()) {
      if (const auto number = keys_.number(key)) model_of_.emplace(*number, model);
    }
  }

  std::optional<std::size_t> of(const std::int64_t* codes) const {
    const auto number = keys_.number(codes);
    if (!number) return std::nullopt;
    const auto found = model_of_.find(*number);
    if (found == model_of_.end()) return std::nullopt;
    return found->second;
  }
  std::string text(const std::int64_t* codes) const {
    const auto number = keys_.number(codes);
    return number ? key_text(keys_.key(*number)) : "(unknown)";
  }

 private:
  PartitionKeys keys_;
  std::unordered_map<std::int64_t, std::size_t> model_of_;
};

at::Tensor rows_of(const at::Tensor& tensor, const at::Tensor& rows) {
  return tensor.defined() ? tensor.index_select(0, rows) : tensor;
}

class KeyedPredictor : public Predictor {
 public:
  KeyedPredictor(const std::string& model_folder, std::shared_ptr<const Dataset> data,
                 const std::string& data_folder, bool with_target, ModelOutputs outputs)
      : models_(std::make_unique<ModelsFile>(model_folder)), data_(std::move(data)), loader_(*data_, false) {
    require_same_input(models_->trained_on(), data_->info(), with_target, data_folder);
    meaning_.task = task_of(models_->trained_on().schema);
    meaning_.from_elsewhere = models_->code_was_brought();
    if (meaning_.from_elsewhere) meaning_.outputs = outputs;
    if (meaning_.task == Task::classification)
      classes_ = models_->trained_on().schema.at("classes").get<std::vector<std::string>>();
    meaning_.classes = std::ssize(classes_);
    choice_.emplace(*models_, data_->info());
  }

  Task task() const override { return meaning_.task; }
  const Dataset& data() const override { return *data_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  std::vector<std::string> key_columns() const override { return models_->partition_by(); }
  Batch load(Range rows) const override { return loader_.load(rows); }

  at::Tensor predict(const Batch& batch, Range rows) const override {
    torch::InferenceMode inference;
    at::Tensor all;
    for (const auto& [number, places] : places_by_model(batch, rows)) {
      const at::Tensor index = torch::tensor(places, at::kLong);
      const Batch some{std::ssize(places),
                       rows_of(batch.features, index),
                       rows_of(batch.categories, index),
                       rows_of(batch.images, index),
                       {}};
      OutputMeaning meaning = meaning_;
      meaning.target = models_->target(number);
      const at::Tensor predicted =
          in_units_of_target(models_->model(number).forward(some), meaning, some.rows, rows);
      if (!all.defined()) all = torch::empty({batch.rows, predicted.size(1)}, at::kDouble);
      all.index_copy_(0, index, predicted);
    }
    return all;
  }

 private:
  std::map<std::size_t, std::vector<std::int64_t>> places_by_model(const Batch& batch, Range rows) const {
    const at::Tensor codes = batch.categories.contiguous();
    std::map<std::size_t, std::vector<std::int64_t>> places;
    for (std::int64_t i = 0; i < batch.rows; ++i) {
      const auto* row = codes.data_ptr<std::int64_t>() + i * codes.size(1);
      const auto model = choice_->of(row);
      if (!model) {
        throw Error(ExitStatus::bad_data,
                    str("no model was trained for ", join(models_->partition_by(), ", "), " = ",
                        choice_->text(row), " (row ", rows.begin + i, " of the dataset)"),
                    "error_threshold, to go without such rows");
      }
      places[*model].push_back(i);
    }
    return places;
  }

  std::unique_ptr<ModelsFile> models_;
  std::shared_ptr<const Dataset> data_;
  BatchLoader loader_;
  OutputMeaning meaning_;  // but for the target's scale, which each model has for itself
  std::vector<std::string> classes_;
  std::optional<ModelChoice> choice_;
};

}  // namespace

std::unique_ptr<Predictor> make_keyed_predictor(const std::string& model_folder,
                                                std::shared_ptr<const Dataset> data,
                                                const std::string& data_folder, bool with_target,
                                                ModelOutputs outputs) {
  return std::make_unique<KeyedPredictor>(model_folder, std::move(data), data_folder, with_target, outputs);
}

RowsWithModel rows_with_model(const std::string& model_folder, const Dataset& data) {
  const ModelsFile models(model_folder);
  const ModelChoice choice(models, data.info());
  RowsWithModel found;
  std::int64_t row = 0;
  data.for_each_row("categories", Range{0, data.rows()}, [&](const std::byte* bytes) {
    const auto* codes = reinterpret_cast<const std::int64_t*>(bytes);
    if (choice.of(codes))
      found.rows.push_back(row);
    else if (found.missing.empty())
      found.missing = choice.text(codes);
    ++row;
  });
  return found;
}

}  // namespace rankflow
