// train: a prepared dataset becomes a model.
#include <torch/torch.h>

#include <memory>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/model_file.h"
#include "steps/trainer.h"
#include "steps/training_step.h"

namespace rankflow {
namespace {

std::unique_ptr<Dataset> open_rows(const std::string& folder) {
  auto data = std::make_unique<Dataset>(folder);
  if (data->rows() == 0) throw Error(ExitStatus::bad_data, str("the dataset ", folder, " has no rows"));
  return data;
}

/// What a checkpoint must share with this training to be of use.
Json configuration(const Json& parameters, const DatasetInfo& data) {
  Json all = {{"rows", data.rows}, {"input", describe_input(data)}};
  for (const char* key : {"model", "optimizer", "epochs", "batch_size", "seed", "shuffle", "select"}) {
    all[key] = parameters.at(key);
  }
  return all;
}

class TrainStep : public Step {
 public:
  void run(StepContext& context) override {
    use_cpu(context, context.threads);
    const Json& parameters = context.parameters;
    const TrainingPlan plan(parameters);

    std::unique_ptr<Dataset> train, validation;
    std::shared_ptr<Model> model;
    run_together(context.comm, [&] {
      train = open_rows(context.inputs.at("train"));
      if (const auto found = context.inputs.find("validation"); found != context.inputs.end()) {
        validation = open_rows(found->second);
        require_same_input(train->info(), validation->info(), true, found->second);
      } else if (plan.keep_best) {
        throw Error(ExitStatus::configuration, "select: best needs the input validation",
                    "inputs: {validation: …}");
      }
      torch::manual_seed(plan.seed);
      model = make_model(parameters.at("model"), model_input(train->info()));
    });
    const TargetScale scale = check_targets(*train, context.comm);
    if (validation) check_targets(*validation, context.comm);

    const BatchLoader train_loader(*train, true, scale);
    std::optional<BatchLoader> validation_loader;
    if (validation) validation_loader.emplace(*validation, true, scale);
    Checkpoints checkpoints(context.checkpoints, configuration(parameters, train->info()));
    const Task task = task_of(train->info().schema);
    EagerStep step(*model, task, context.timeline);
    Trainer trainer(
        context, plan,
        {*model, step, task, scale, train_loader, validation_loader ? &*validation_loader : nullptr,
         parameters.at("optimizer"), checkpoints});
    const TrainingResult result = trainer.run();

    run_together(context.comm, [&] {
      if (!context.first()) return;
      write_model(context.outputs.at("model"), *model, parameters.at("model"), train->info(), scale,
                  {{"metrics", result.metrics},
                   {"history", result.history},
                   {"parameters", parameter_count(*model)}});
      report(context, result, train->rows());
    });
  }

 private:
  static std::int64_t parameter_count(const Model& model) {
    std::int64_t count = 0;
    for (const auto& p : model.parameters()) count += p.numel();
    return count;
  }

  static void report(StepContext& context, const TrainingResult& result, std::int64_t rows) {
    for (const auto& [name, value] : result.metrics.items()) {
      if (name != "epoch") context.report.result(name, value);
    }
    context.report.result("rows", rows);
    if (result.samples_per_second > 0) {
      context.report.result("samples_per_second", result.samples_per_second);
    }
  }
};

}  // namespace

std::unique_ptr<Step> make_train() {
  return std::make_unique<TrainStep>();
}

}  // namespace rankflow
