#include "steps/validation.h"

#include <torch/torch.h>

#include <cmath>

#include "collectives/agreement.h"
#include "steps/loss.h"
#include "steps/mini_batches.h"

namespace rankflow {
namespace {

constexpr std::int64_t mini_batch_rows = 1024;

struct Sums {
  double loss = 0, correct = 0, absolute = 0;
};

Sums sums_of(Model& model, const Batch& batch, Task task) {
  const at::Tensor outputs = model.forward(batch);
  Sums sums;
  sums.loss = Loss(task).rows(outputs, batch.target).sum(at::kDouble).item<double>();
  if (task == Task::classification) {
    sums.correct = static_cast<double>(outputs.argmax(1).eq(batch.target).sum().item<std::int64_t>());
  } else {
    sums.absolute = (outputs.squeeze(1) - batch.target).abs().sum(at::kDouble).item<double>();
  }
  return sums;
}

}  // namespace

Json validation_metrics(Model& model, const BatchLoader& data, Task task, const TargetScale& scale,
                        Communicator& comm) {
  const std::int64_t rows = data.data().rows();
  const MiniBatches mini_batches(rows, mini_batch_rows, comm.size());
  const Range mine = partition(mini_batches.count(), comm.size(), comm.rank());
  std::vector<Sums> parts;
  run_together(comm, [&] {
    torch::InferenceMode inference;
    model.eval();
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      parts.push_back(sums_of(model, data.load(mini_batches.rows_of(i)), task));
    }
  });
  Sums all;
  for (const Sums& part : comm.all_gather_vector<Sums>(parts)) {
    all.loss += part.loss, all.correct += part.correct, all.absolute += part.absolute;
  }
  const double n = static_cast<double>(rows);
  if (task == Task::classification) {
    return {{"validation_loss", all.loss / n}, {"validation_accuracy", all.correct / n}};
  }
  return {{"validation_loss", all.loss / n},
          {"validation_rmse", std::sqrt(all.loss / n) * scale.scale},
          {"validation_mae", all.absolute / n * scale.scale}};
}

}  // namespace rankflow
