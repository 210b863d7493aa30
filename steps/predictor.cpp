#include "steps/predictor.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/applied_model.h"
#include "steps/keyed_predictor.h"
#include "steps/models_file.h"
#include "steps/tensors.h"

namespace rankflow {
namespace {

class ModelPredictor : public Predictor {
 public:
  ModelPredictor(AppliedModel applied, std::shared_ptr<const Dataset> data)
      : applied_(std::move(applied)), data_(std::move(data)), loader_(*data_, false) {}

  Task task() const override { return applied_.task; }
  const Dataset& data() const override { return *data_; }
  const std::vector<std::string>& classes() const override { return applied_.classes; }
  Batch load(Range rows) const override { return loader_.load(rows); }
  at::Tensor predict(const Batch& batch, Range rows) const override {
    torch::InferenceMode inference;
    const at::Tensor outputs = applied_.model->forward(batch);
    const std::int64_t width = applied_.task == Task::classification ? std::ssize(applied_.classes) : 1;
    if (outputs.dim() == 2 && outputs.size(1) != width) {
      throw Error(ExitStatus::bad_data,
                  str("the model gives ", outputs.size(1), " outputs for each row, not ", width));
    }
    return in_units_of_target(outputs, applied_.task, applied_.target, batch.rows, rows);
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

at::Tensor in_units_of_target(const at::Tensor& outputs, Task task, TargetScale target, std::int64_t rows,
                              Range batch) {
  if (outputs.dim() != 2 || outputs.size(0) != rows) {
    throw Error(ExitStatus::bad_data,
                str("the model gave outputs of shape ", shape_text(outputs.sizes()), " for ", rows,
                    " of the ", batch.size(), " rows from ", batch.begin, " on"));
  }
  if (!outputs.isfinite().all().item<bool>()) {
    throw Error(ExitStatus::bad_data,
                str("the model's outputs for the ", batch.size(), " rows from ", batch.begin,
                    " on are not all finite"),
                "look for missing or infinite values in these rows");
  }
  const at::Tensor wide = outputs.to(at::kDouble);
  if (task == Task::classification) return wide.log_softmax(1);
  return wide * target.scale + target.mean;
}

std::unique_ptr<Predictor> make_predictor(const std::string& model, std::shared_ptr<const Dataset> data,
                                          const std::string& data_folder, bool with_target) {
  if (ModelsFile::is_in(model)) return make_keyed_predictor(model, std::move(data), data_folder, with_target);
  auto applied = open_model(model, data->info(), with_target, data_folder);
  return std::make_unique<ModelPredictor>(std::move(applied), std::move(data));
}

std::unique_ptr<Predictor> make_predictor(const std::string& model, const std::string& data_folder,
                                          bool with_target) {
  return make_predictor(model, std::make_shared<const Dataset>(data_folder), data_folder, with_target);
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
