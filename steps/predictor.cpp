#include "steps/predictor.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"

namespace rankflow {

Predictor::Predictor(const std::string& model_folder, const std::string& data_folder, bool with_target)
    : file_(read_model(model_folder)), data_(data_folder), loader_(data_, false) {
  require_same_input(file_.trained_on, data_.info(), with_target, data_folder);
  if (file_.task == Task::classification) {
    classes_ = file_.trained_on.schema.at("classes").get<std::vector<std::string>>();
  }
}

at::Tensor Predictor::predict(const Batch& batch, Range rows) const {
  torch::InferenceMode inference;
  const at::Tensor outputs = file_.model->forward(batch);
  if (outputs.dim() != 2 || outputs.size(0) != rows.size()) {
    throw Error(ExitStatus::bad_data, str("the model gave outputs of shape ", shape_text(outputs.sizes()),
                                          " for the ", rows.size(), " rows from ", rows.begin, " on"));
  }
  if (!outputs.isfinite().all().item<bool>()) {
    throw Error(
        ExitStatus::bad_data,
        str("the model's outputs for the ", rows.size(), " rows from ", rows.begin, " on are not all finite"),
        "look for missing or infinite values in these rows");
  }
  const at::Tensor wide = outputs.to(at::kDouble);
  if (file_.task == Task::classification) return wide.log_softmax(1);
  return wide * file_.target.scale + file_.target.mean;
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
