#include "steps/training_plan.h"

namespace rankflow {

TrainingPlan::TrainingPlan(const Json& parameters)
    : epochs(parameters.at("epochs")),
      batch_size(parameters.at("batch_size")),
      accumulate(parameters.at("accumulate")),
      seed(parameters.at("seed")),
      shuffle(parameters.at("shuffle")),
      precision(precision_of(parameters.at("precision"))),
      optimizer(parameters.at("optimizer")),
      schedule(parameters.at("schedule")),
      shard_optimizer(parameters.at("shard_optimizer")),
      local_steps(parameters.value("local_steps", Json())),
      gradient_compression(parameters.at("gradient_compression")),
      overlap(parameters.at("overlap")),
      cuda_graph(parameters.at("cuda_graph")),
      keep_best(parameters.at("select") == "best"),
      primary_metric(parameters.at("primary_metric")),
      every_epochs(parameters.at("checkpoint").at("every_epochs")),
      every_batches(parameters.at("checkpoint").at("every_batches")),
      every_seconds(parameters.at("checkpoint").at("every_seconds")) {
  if (parameters.at("deterministic") == true) virtual_shards = parameters.at("deterministic_shards");
  shuffle_window = parameters.value("shuffle_window", std::int64_t{0});
  if (const auto clip = parameters.find("clip_norm"); clip != parameters.end()) clip_norm = *clip;
  if (const auto ema = parameters.find("ema"); ema != parameters.end()) ema_decay = ema->at("decay");
  if (const auto early = parameters.find("early_stopping"); early != parameters.end()) {
    patience = early->at("patience"), min_delta = early->at("min_delta");
  }
}

}  // namespace rankflow
