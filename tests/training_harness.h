// Trainings at the level of the trainer: losses of every batch, and weights in the precision they were
// trained in.
#pragma once

#include <torch/torch.h>

#include "steps/trainer.h"
#include "tests/step_fixture.h"

namespace rankflow {

struct Trained {
  std::vector<double> losses;  // of each global batch; on the first rank
  TrainingResult result;
  std::shared_ptr<Model> model;

  std::vector<double> weights() const { return numbers(model->parameters()); }
  std::vector<double> buffers() const { return numbers(model->buffers()); }

 private:
  static std::vector<double> numbers(const std::vector<at::Tensor>& tensors) {
    std::vector<double> all;
    for (const auto& p : tensors) {
      const at::Tensor flat = p.detach().contiguous().to(at::kDouble).flatten();
      all.insert(all.end(), flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
    }
    return all;
  }
};

/// Trains on the dataset in `data`, as a train step with these keys would, from the weights that `initialise`
/// makes. Collective; `folder` is for checkpoints.
inline Trained train_directly(
    Communicator& comm, const Json& keys, const std::string& data, const std::string& folder,
    const std::function<void(Model&)>& initialise = [](Model&) {}) {
  StepRun run(comm, "train", keys, folder, {{"train", data}});
  Trained trained;
  run.report.on_progress = [&] { trained.losses.push_back(run.report.shown.at("loss")); };
  const TrainingPlan plan(run.context.parameters);
  const Dataset dataset(data);
  const Task task = task_of(dataset.info().schema);
  torch::manual_seed(plan.seed);
  trained.model = make_model(run.context.parameters.at("model"), model_input(dataset.info()));
  convert_floating(*trained.model, weights_type(plan.precision));
  initialise(*trained.model);
  const TargetScale scale = check_targets(dataset, comm);
  const BatchLoader loader(dataset, true, scale, {weights_type(plan.precision), true});
  const Json& parameters = run.context.parameters;
  EagerStep step(*trained.model,
                 Loss(task, parameters.at("label_smoothing"),
                      class_weights(parameters.value("class_weights", Json()), dataset, task, comm)),
                 plan.precision, run.timeline);
  Checkpoints checkpoints(run.context.checkpoints, Json::object());
  StepDevice device(run.context, {.exchanges = true});
  Trainer trainer(run.context, plan,
                  {device, *trained.model, step, task, scale, loader, nullptr,
                   parameters.at("prefetch") == "always", checkpoints, Settings{}});
  trained.result = trainer.run();
  device.close();
  return trained;
}

inline void expect_near(const std::vector<double>& expected, const std::vector<double>& weights,
                        double tolerance, const std::string& what = "") {
  ASSERT_EQ(expected.size(), weights.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(expected[i], weights[i], tolerance) << what << " weight " << i;
}

}  // namespace rankflow
