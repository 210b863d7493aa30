#include "steps/train_checks_spec.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "io/optional_key.h"
#include "steps/partition_spec.h"

namespace rankflow {
namespace {

void check_optimizer(const Json& parameters) {
  const Json& optimizer = parameters.at("optimizer");
  if (optimizer.at("type") == "sgd" && optimizer.at("nesterov") == true && optimizer.at("momentum") == 0.0) {
    throw Error(ExitStatus::configuration, "optimizer: nesterov needs momentum above 0",
                "momentum: 0.9, or nesterov: false");
  }
}

void check_window(const Json& parameters) {
  if (parameters.contains("shuffle_window") && parameters.at("shuffle") != true) {
    throw Error(ExitStatus::configuration, "shuffle_window has no effect with shuffle: false",
                "leave out one of them");
  }
  if (parameters.value("shuffle_window", parameters.at("batch_size").get<std::int64_t>()) <
      parameters.at("batch_size")) {
    throw Error(ExitStatus::configuration, "shuffle_window is smaller than batch_size",
                "as many rows as a quarter of a host's memory holds");
  }
}

/// What a compiled training step can't follow.
void check_exported(const Json& parameters) {
  if (parameters.at("model").at("type") != "exported") return;
  if (parameters.at("precision") != "float32") {
    throw Error(ExitStatus::configuration,
                "an exported model is trained in the precision that it was compiled for",
                "precision: float32, and torch.autocast in the model's own forward()");
  }
  if (parameters.at("label_smoothing") != 0.0) {
    throw Error(ExitStatus::configuration,
                "label_smoothing has no effect on an exported model: its loss is compiled",
                "export the model with a loss of your own");
  }
}

void check_class_weights(const Json& parameters) {
  const auto found = parameters.find("class_weights");
  if (found == parameters.end() || found->is_null() || *found == "balanced") return;
  const auto positive = [](const Json& v) { return v.is_number() && v > 0.0 && v <= 1e9; };
  bool good = (found->is_array() || found->is_object()) && !found->empty();
  if (good) good = std::all_of(found->begin(), found->end(), positive);
  if (!good) {
    throw Error(ExitStatus::configuration,
                "class_weights is neither `balanced` nor a list or mapping of numbers above 0");
  }
}

[[noreturn]] void refuse_together(const char* setting, const char* key, const char* why) {
  throw Error(ExitStatus::configuration, str(setting, " does not go with ", key, ": ", why),
              str("leave out ", key));
}

void check_deterministic(const Json& parameters) {
  const std::int64_t shards = parameters.at("deterministic_shards");
  if ((shards & (shards - 1)) != 0) {
    throw Error(ExitStatus::configuration,
                str("deterministic_shards is ", shards, ", which is no power of two"), "2, 4, 8, 16 …");
  }
  if (parameters.at("deterministic") != true) return;
  const auto refuse = [](const char* key, const char* why) {
    refuse_together("deterministic: true", key, why);
  };
  if (parameters.at("accumulate") != 1) refuse("accumulate", "its shards are the micro-batches");
  if (parameters.at("gradient_compression") != "none")
    refuse("gradient_compression", "what is rounded depends on the number of ranks");
  if (parameters.at("overlap") == "always")
    refuse("overlap: always", "gradients are summed after the last shard");
  if (parameters.at("shard_optimizer") == true)
    refuse("shard_optimizer", "its sums over ranks follow the network's order");
}

void check_sharded(const Json& parameters) {
  if (parameters.at("shard_optimizer") != true) return;
  const char* const sharded = "shard_optimizer: true";
  if (parameters.at("gradient_compression") != "none")
    refuse_together(sharded, "gradient_compression", "each rank sums its part in full precision");
  if (parameters.at("overlap") == "always")
    refuse_together(sharded, "overlap: always", "gradients are summed after backward");
}

void check_shared(const Json& parameters) {
  if (parameters.at("overlap") != "shared") return;
  const auto refuse = [](const char* key, const char* why) { refuse_together("overlap: shared", key, why); };
  const char* const one_copy = "the ranks have one copy of the weights";
  if (parameters.at("deterministic") == true) refuse("deterministic", "its sums have an order of their own");
  if (parameters.at("gradient_compression") != "none") refuse("gradient_compression", "nothing travels");
  if (given(parameters, "local_steps")) refuse("local_steps", one_copy);
  if (given(parameters, "ema")) refuse("ema", one_copy);
}

void check_local(const Json& parameters) {
  if (!given(parameters, "local_steps")) return;
  const auto refuse = [](const char* key, const char* why) { refuse_together("local_steps", key, why); };
  if (parameters.at("deterministic") == true)
    refuse("deterministic", "each rank's own steps depend on the number of ranks");
  if (parameters.at("shard_optimizer") == true)
    refuse("shard_optimizer", "each rank updates all parameters between two exchanges");
  if (parameters.at("overlap") == "always") refuse("overlap: always", "nothing travels while backward runs");
  if (given(parameters, "ema")) refuse("ema", "between two exchanges the ranks' weights differ");
  if (parameters.at("precision") == "float16")
    refuse("precision: float16", "the ranks agree on the scale of the loss at every batch");
}

}  // namespace

void check_train(const Json& parameters) {
  check_optimizer(parameters);
  check_window(parameters);
  check_class_weights(parameters);
  check_deterministic(parameters);
  check_sharded(parameters);
  check_local(parameters);
  check_shared(parameters);
  check_exported(parameters);
  check_partition_keys(parameters);
}

void check_train_inputs(const Json& parameters, const std::set<std::string>& inputs) {
  const std::string type = parameters.at("model").at("type");
  const bool brought = type == "exported" || type == "plugin";
  if (brought && !inputs.contains("model"))
    throw Error(ExitStatus::configuration, str("model type ", type, " needs the input model"),
                type == "exported" ? "inputs: {model: the folder that export_model.py wrote}"
                                   : "inputs: {model: the plug-in's library}");
  if (inputs.contains("validation")) return;
  const bool best = parameters.at("select") == "best";
  if (best || given(parameters, "early_stopping"))
    throw Error(ExitStatus::configuration,
                str(best ? "select: best" : "early_stopping", " needs the input validation"),
                "inputs: {validation: …}");
}

}  // namespace rankflow
