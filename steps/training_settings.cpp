#include "steps/training_settings.h"

#include <algorithm>

#include "base/text.h"

namespace rankflow {
namespace {

std::string counted_parameters(const FlatParameters& parameters) {
  std::int64_t trained = 0, apart = 0;
  for (const auto& slot : parameters.slots()) {
    trained += slot.parameter.numel();
    if (slot.offset >= parameters.apart().begin) apart += slot.parameter.numel();
  }
  return str(human_count(trained), " trained, ", human_count(apart), " of them without weight decay");
}

/// {"type": "sgd", "momentum": 0.9} as "sgd, momentum 0.9".
std::string described(const Json& variant) {
  std::vector<std::string> parts = {variant.at("type").get<std::string>()};
  for (const auto& [key, value] : variant.items()) {
    if (key != "type") parts.push_back(str(key, " ", value.dump()));
  }
  return join(parts, ", ");
}

std::string rows_order(const TrainingPlan& plan) {
  if (!plan.shuffle) return "as in the dataset";
  const std::string windows =
      plan.shuffle_window > 0 ? str(" in windows of ", human_count(plan.shuffle_window), " rows") : "";
  return str("shuffled each epoch", windows, ", seed ", plan.seed);
}

std::string early_stopping(const TrainingPlan& plan) {
  if (plan.patience == 0) return "no";
  return str("after ", plan.patience, " epochs without a ", plan.primary_metric, " better by more than ",
             plan.min_delta);
}

std::string local_steps(const Json& spec) {
  if (spec.is_null()) return "no: every step is taken together";
  return str("rounds of ", spec.at("batches"), " batches, outer learning rate ",
             spec.at("outer_learning_rate"), ", outer momentum ", spec.at("outer_momentum"));
}

}  // namespace

Settings resolved_settings(const StepContext& context, const TrainingPlan& plan, std::int64_t rows,
                           const FlatParameters& parameters, const LearningRate& learning_rate) {
  const std::int64_t batches = ceil_div(rows, plan.batch_size);
  const std::int64_t share = ceil_div(std::min(rows, plan.batch_size), context.comm.size());
  return {
      {"ranks", str(context.comm.size(), ", each with ", context.threads, " thread(s)")},
      {"rows", human_count(rows)},
      {"epochs", str(plan.epochs, ", each of ", human_count(batches), " global batches")},
      {"global batch",
       str(plan.batch_size, " rows, at most ", share, " a rank in ", plan.accumulate, " micro-batch(es)")},
      {"deterministic",
       plan.deterministic() ? str("yes, ", plan.virtual_shards, " shards a batch, one thread a rank") : "no"},
      {"rows' order", rows_order(plan)},
      {"parameters", counted_parameters(parameters)},
      {"precision", name(plan.precision)},
      {"optimizer", described(plan.optimizer)},
      {"local steps", local_steps(plan.local_steps)},
      {"schedule", str(described(plan.schedule), "; warm-up of ", learning_rate.warm_up_steps(), " batches")},
      {"gradient clipped", plan.clip_norm > 0 ? str("to a norm of ", plan.clip_norm) : "no"},
      {"average of weights", plan.ema_decay > 0 ? str("decay ", plan.ema_decay) : "no"},
      {"weights kept", plan.keep_best ? "best epoch's by " + plan.primary_metric : "last epoch's"},
      {"early stopping", early_stopping(plan)},
      {"checkpoint every", str(plan.every_epochs, " epochs, ", plan.every_batches, " batches, ",
                               plan.every_seconds, " s (0: not)")},
  };
}

std::string settings_table(const Settings& settings) {
  std::size_t width = 0;
  for (const auto& [key, value] : settings) width = std::max(width, key.size());
  std::string table;
  for (const auto& [key, value] : settings)
    table += str(key, std::string(width - key.size() + 2, ' '), value, "\n");
  return table;
}

}  // namespace rankflow
