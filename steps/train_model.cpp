#include "steps/train_model.h"

#include <torch/torch.h>

#include <optional>

#include "base/error.h"
#include "base/memory_limit.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "runtime/step_spec.h"
#include "steps/augmentation.h"
#include "steps/device.h"
#include "steps/graph_step.h"
#include "steps/loss.h"
#include "steps/model_code.h"
#include "steps/model_file.h"
#include "steps/training_model.h"

namespace rankflow {

StepSpec train_spec();

namespace {

/// Convolutions on the CPU are half as fast again with channels last.
bool has_convolutions(const torch::nn::Module& model) {
  for (const auto& p : model.parameters()) {
    if (p.dim() == 4) return true;
  }
  return false;
}

/// Rows in a random order from a disk, each fetched on its own, take a hundred times as long as in pieces.
void advise_window(StepContext& context, const TrainingPlan& plan, const DatasetInfo& data) {
  const double bytes = static_cast<double>(data.row_bytes()) * static_cast<double>(data.rows);
  if (!context.first() || !plan.shuffle || plan.shuffle_window > 0 || bytes < available_memory()) return;
  context.report.note(str("the dataset has ", human_bytes(bytes), ", this host's memory ",
                          human_bytes(available_memory()),
                          ": with shuffle_window it would be read in pieces, not row by row"));
}

/// Where nothing travels while backward runs, and the model is one of ours, whose kernels can be recorded.
bool records_step(const Json& parameters, const StepDevice& device) {
  const Json& wanted = parameters.at("cuda_graph");
  if (!device.is_gpu() || wanted == "never") return false;
  return wanted == "always" || (!device.gpus() && !is_brought(parameters.at("model")));
}

void require_metric(const TrainingPlan& plan, Task task) {
  if (!plan.compares_epochs() || plan.primary_metric == "validation_loss") return;
  if ((plan.primary_metric == "validation_accuracy") == (task == Task::classification)) return;
  throw Error(ExitStatus::configuration,
              str("primary_metric: a ", name(task), " has no ", plan.primary_metric),
              task == Task::classification ? "validation_loss or validation_accuracy"
                                           : "validation_loss, validation_rmse or validation_mae");
}

}  // namespace

std::unique_ptr<Dataset> open_rows(const std::string& folder) {
  auto data = std::make_unique<Dataset>(folder);
  if (data->rows() == 0) throw Error(ExitStatus::bad_data, str("the dataset ", folder, " has no rows"));
  return data;
}

void require_fit(const TrainingPlan& plan, const Dataset& train, const Dataset* validation,
                 const std::string& validation_folder) {
  if (validation) {
    require_same_input(train.info(), validation->info(), true, validation_folder);
  } else if (plan.compares_epochs()) {
    throw Error(ExitStatus::configuration,
                str(plan.keep_best ? "select: best" : "early_stopping", " needs the input validation"),
                "inputs: {validation: …}");
  }
  require_metric(plan, task_of(train.info().schema));
}

Json training_configuration(const Json& parameters, const DatasetInfo& data) {
  Json all = parameters;
  for (const Field& field : train_spec().fields) {
    if (field.cosmetic || field.judging) all.erase(field.name);
  }
  all["rows"] = data.rows;
  all["input"] = describe_input(data);
  return all;
}

TrainedModel train_model(StepContext& context, const TrainingPlan& plan, const Dataset& train,
                         const Dataset* validation) {
  const Json& parameters = context.parameters;
  const Task task = task_of(train.info().schema);
  StepDevice device(context, {.deterministic = plan.deterministic(), .exchanges = true});
  std::shared_ptr<Model> model;
  run_together(context.comm, [&] {
    torch::manual_seed(plan.seed);
    model = make_training_model(parameters, context.inputs, train.info());
    convert_floating(*model, weights_type(plan.precision));
    model->to(device.device());
  });
  const TargetScale scale = check_targets(train, context.comm);
  if (validation) check_targets(*validation, context.comm);

  at::Tensor weights = class_weights(parameters.value("class_weights", Json()), train, task, context.comm);
  if (weights.defined()) weights = weights.to(device.device());
  const Loss loss(task, parameters.at("label_smoothing"), weights);
  const BatchFormat format{weights_type(plan.precision), has_convolutions(*model), device.device()};
  BatchFormat augmented = format;
  augmented.augmentation = augmentation_of(parameters, train.info());
  const BatchLoader train_loader(train, true, scale, augmented);
  std::optional<BatchLoader> validation_loader;
  if (validation) validation_loader.emplace(*validation, true, scale, format);
  std::unique_ptr<TrainingStep> step;
  const bool recorded = records_step(parameters, device);
  run_together(context.comm, [&] {
    step = make_training_step(*model, loss, weights, plan.precision, context.timeline);
    if (recorded) step = std::make_unique<GraphStep>(std::move(step), plan.batch_size);
  });
  Checkpoints checkpoints(context.checkpoints, training_configuration(parameters, train.info()),
                          parameters.at("checkpoint").at("keep"));
  advise_window(context, plan, train.info());
  const Json& prefetch = parameters.at("prefetch");
  const bool ahead =
      (prefetch == "auto" && device.is_gpu()) || assembles_ahead(prefetch, context, train.info());
  Trainer trainer(
      context, plan,
      {device, *model, *step, task, scale, train_loader, validation_loader ? &*validation_loader : nullptr,
       ahead, checkpoints,
       Settings{{"device", device.description()},
                {"kernels started", recorded ? "together, as a CUDA graph, in whole batches" : "one by one"},
                {"model", parameters.at("model").dump()},
                {"memory format of images", format.channels_last ? "channels last" : "channels first"},
                {"images", augmented.augmentation ? parameters.at("augment").dump() : "as they are"},
                {"batches assembled", ahead ? "ahead, by a thread" : "when they are wanted"}}});
  TrainingResult result = trainer.run();
  device.close();

  convert_floating(*model, at::kFloat);  // what reads models knows float32
  model->to(at::kCPU);
  return {std::move(model), scale, std::move(result)};
}

}  // namespace rankflow
