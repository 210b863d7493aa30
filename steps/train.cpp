// train: a prepared dataset becomes a model, or with `partition_by` one for every partition of it.
#include <torch/torch.h>

#include <memory>

#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/model_file.h"
#include "steps/partitioned_training.h"
#include "steps/train_model.h"
#include "steps/training_model.h"

namespace rankflow {
namespace {

class TrainStep : public Step {
 public:
  void run(StepContext& context) override {
    with_device_errors(context, [&] { train_step(context); });
  }

 private:
  static void train_step(StepContext& context) {
    const TrainingPlan plan(context.parameters);
    // Products differ in the last bits with the number of threads.
    const bool partitioned = context.parameters.contains("partition_by");
    const CpuUse cpu(context, plan.deterministic() || partitioned ? 1 : context.threads);
    std::unique_ptr<Dataset> train, validation;
    run_together(context.comm, [&] {
      train = open_rows(context.inputs.at("train"));
      const auto found = context.inputs.find("validation");
      const std::string folder = found == context.inputs.end() ? "" : found->second;
      if (!folder.empty()) validation = open_rows(folder);
      require_fit(plan, *train, validation.get(), folder);
    });
    if (partitioned) {
      train_partitions(context, plan, *train, validation.get());
      return;
    }
    const TrainedModel trained = train_model(context, plan, *train, validation.get());
    run_together(context.comm, [&] {
      if (!context.first()) return;
      write_model(context.outputs.at("model"), *trained.model, context.parameters.at("model"),
                  brought_model(context.inputs), train->info(), trained.target,
                  {{"metrics", trained.result.metrics},
                   {"history", trained.result.history},
                   {"parameters", parameter_count(*trained.model)}});
      report(context, trained.result, train->rows());
    });
  }

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
