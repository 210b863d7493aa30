#include "steps/predictor.h"

#include <torch/torch.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/applied_model.h"
#include "steps/keyed_predictor.h"
#include "steps/models_file.h"

namespace rankflow {
namespace {

class ModelPredictor : public Predictor {
 public:
  ModelPredictor(AppliedModel applied, std::shared_ptr<const Dataset> data)
      : applied_(std::move(applied)), data_(std::move(data)), loader_(*data_, false) {}

  Task task() const override { return applied_.meaning.task; }
  const Dataset& data() const override { return *data_; }
  const std::vector<std::string>& classes() const override { return applied_.classes; }
  Batch load(Range rows) const override { return loader_.load(rows); }
  at::Tensor predict(const Batch& batch, Range rows) const override {
    torch::InferenceMode inference;
    return in_units_of_target(applied_.model->forward(batch), applied_.meaning, batch.rows, rows);
  }

 private:
  AppliedModel applied_;
  std::shared_ptr<const Dataset> data_;
  BatchLoader loader_;
};

/// The mean of several models' probabilities, or predicted values.
class EnsemblePredictor : public Predictor {
 public:
  explicit EnsemblePredictor(std::vector<std::unique_ptr<Predictor>> members)
      : members_(std::move(members)) {}

  Task task() const override { return members_[0]->task(); }
  const Dataset& data() const override { return members_[0]->data(); }
  const std::vector<std::string>& classes() const override { return members_[0]->classes(); }
  Batch load(Range rows) const override { return members_[0]->load(rows); }
  at::Tensor predict(const Batch& batch, Range rows) const override {
    const bool of_classes = task() == Task::classification;
    at::Tensor sum;
    for (const auto& member : members_) {
      const at::Tensor outputs = member->predict(batch, rows), values = of_classes ? outputs.exp() : outputs;
      sum = sum.defined() ? sum + values : values;
    }
    const at::Tensor mean = sum / static_cast<double>(members_.size());
    return of_classes ? mean.log() : mean;
  }

 private:
  std::vector<std::unique_ptr<Predictor>> members_;
};

}  // namespace

std::unique_ptr<Predictor> make_predictor(const std::string& model, std::shared_ptr<const Dataset> data,
                                          const std::string& data_folder, bool with_target,
                                          ModelOutputs outputs) {
  if (ModelsFile::is_in(model))
    return make_keyed_predictor(model, std::move(data), data_folder, with_target, outputs);
  auto applied = open_model(model, data->info(), with_target, data_folder, outputs);
  return std::make_unique<ModelPredictor>(std::move(applied), std::move(data));
}

void require_use_of(const std::optional<ModelOutputs>& outputs, const std::vector<std::string>& models,
                    const DatasetInfo& data) {
  if (!outputs) return;
  if (task_of(data.schema) == Task::regression)
    throw Error(ExitStatus::configuration,
                "model_outputs is about a model's classes, but the dataset's target is a number",
                "leave it out");
  if (std::any_of(models.begin(), models.end(), [](const auto& m) { return is_from_elsewhere(m); })) return;
  throw Error(ExitStatus::configuration,
              "model_outputs is about models from elsewhere; what a train step's model gives is known",
              "leave it out");
}

std::unique_ptr<Predictor> make_ensemble(std::vector<std::unique_ptr<Predictor>> members) {
  for (const auto& member : members) {
    if (member->task() == members[0]->task() && member->classes() == members[0]->classes()) continue;
    throw Error(ExitStatus::bad_data,
                "the models of an ensemble predict different things: tasks or classes differ",
                "ensemble: side_by_side gives each model columns of its own");
  }
  if (members.size() == 1) return std::move(members[0]);
  return std::make_unique<EnsemblePredictor>(std::move(members));
}

void for_each_mini_batch(StepContext& context, std::int64_t rows, std::int64_t size,
                         const std::function<void(Range rows)>& work, const std::function<void()>& gather) {
  const MiniBatches mini_batches(rows, size, context.comm.size());
  for (std::int64_t round = 0; round < mini_batches.rounds(); ++round) {
    if (context.comm.all_reduce_value<std::int32_t>(context.stop.requested() ? 1 : 0, ReduceOp::max) > 0)
      throw Stopped();
    run_together(context.comm, [&] {
      TimedSpan span(context.timeline, str("mini-batches, round ", round + 1), context.step);
      const Range mine = mini_batches.of(round, context.comm.rank());
      for (std::int64_t i = mine.begin; i < mine.end; ++i) work(mini_batches.rows_of(i));
    });
    gather();
    if (context.first()) {
      context.report.progress(static_cast<double>(mini_batches.rows_after(round)), static_cast<double>(rows),
                              "rows", "", Json::object());
    }
  }
}

}  // namespace rankflow
