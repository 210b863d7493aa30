#include "steps/predictor.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/keyed_predictor.h"
#include "steps/model_file.h"
#include "steps/tensors.h"

namespace rankflow {
namespace {

class ModelPredictor : public Predictor {
 public:
  ModelPredictor(const std::string& model_folder, std::shared_ptr<const Dataset> data,
                 const std::string& data_folder, bool with_target)
      : file_(read_model(model_folder)), data_(std::move(data)), loader_(*data_, false) {
    require_same_input(file_.trained_on, data_->info(), with_target, data_folder);
    if (file_.task == Task::classification)
      classes_ = file_.trained_on.schema.at("classes").get<std::vector<std::string>>();
  }

  Task task() const override { return file_.task; }
  const Dataset& data() const override { return *data_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Batch load(Range rows) const override { return loader_.load(rows); }
  at::Tensor predict(const Batch& batch, Range rows) const override {
    torch::InferenceMode inference;
    return in_units_of_target(file_.model->forward(batch), file_.task, file_.target, batch.rows, rows);
  }

 private:
  ModelFile file_;
  std::shared_ptr<const Dataset> data_;
  BatchLoader loader_;
  std::vector<std::string> classes_;
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
  return std::make_unique<ModelPredictor>(model, std::move(data), data_folder, with_target);
}

std::unique_ptr<Predictor> make_predictor(const std::string& model, const std::string& data_folder,
                                          bool with_target) {
  return make_predictor(model, std::make_shared<const Dataset>(data_folder), data_folder, with_target);
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
