#include "steps/loss.h"

#include <torch/torch.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"

namespace rankflow {
namespace {

std::vector<std::int64_t> count_classes(const Dataset& data, std::size_t classes, Communicator& comm) {
  std::vector<std::int64_t> counts(classes, 0);
  run_together(comm, [&] {
    const Range parts = partition(data.info().parts(), comm.size(), comm.rank());
    for (std::int64_t part = parts.begin; part < parts.end; ++part) {
      const Range rows = data.info().part_rows(part);
      std::vector<std::int64_t> targets(static_cast<std::size_t>(rows.size()));
      data.copy("target", rows, targets.data());
      for (const std::int64_t c : targets) ++counts.at(static_cast<std::size_t>(c));
    }
  });
  comm.all_reduce(std::span(counts), ReduceOp::sum);
  return counts;
}

/// By name, or in the order of the classes.
std::vector<double> given_weights(const Json& spec, const std::vector<std::string>& classes) {
  if (spec.is_array()) {
    if (spec.size() != classes.size()) {
      throw Error(ExitStatus::configuration, str("class_weights has ", spec.size(),
                                                 " numbers; the dataset has ", classes.size(), " classes"));
    }
    return spec.get<std::vector<double>>();
  }
  std::vector<double> weights(classes.size(), 1);
  for (const auto& [name, weight] : spec.items()) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) {
      throw Error(ExitStatus::configuration, str("class_weights: the dataset has no class ", in_quotes(name),
                                                 did_you_mean(name, classes)));
    }
    weights[static_cast<std::size_t>(found - classes.begin())] = weight;
  }
  return weights;
}

}  // namespace

at::Tensor Loss::rows(const at::Tensor& outputs, const at::Tensor& target) const {
  if (task_ == Task::regression) return (outputs.squeeze(1) - target).square();
  const at::Tensor weights =
      class_weights_.defined() ? class_weights_.to(outputs.scalar_type()) : at::Tensor();
  return at::cross_entropy_loss(outputs, target, weights, at::Reduction::None, /*ignore_index=*/-100,
                                label_smoothing_);
}

at::Tensor class_weights(const Json& spec, const Dataset& data, Task task, Communicator& comm) {
  if (spec.is_null()) return {};
  std::vector<std::string> classes;
  run_together(comm, [&] {
    if (task != Task::classification) {
      throw Error(ExitStatus::configuration, "class_weights: the dataset's target is a number, not a class");
    }
    classes = data.info().schema.at("classes").get<std::vector<std::string>>();
  });
  const auto counts = count_classes(data, classes.size(), comm);
  std::vector<double> weights;
  run_together(comm, [&] {
    if (spec != "balanced") {
      weights = given_weights(spec, classes);
      return;
    }
    for (const std::int64_t n : counts) weights.push_back(n > 0 ? 1 / static_cast<double>(n) : 0);
  });
  double rows = 0, sum = 0;
  for (std::size_t c = 0; c < weights.size(); ++c) {
    rows += static_cast<double>(counts[c]);
    sum += weights[c] * static_cast<double>(counts[c]);
  }
  return torch::tensor(weights, at::kDouble) * (rows / sum);
}

}  // namespace rankflow
