// evaluate: a model and data with the target become metrics.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/evaluation.h"
#include "steps/predictor.h"

namespace rankflow {
namespace {

std::vector<ClassOutcome> class_outcomes(const at::Tensor& log_probabilities, const at::Tensor& target) {
  const at::Tensor rows = log_probabilities.contiguous();
  const auto log_p = rows.accessor<double, 2>();
  const auto actual = target.accessor<std::int64_t, 1>();
  std::vector<ClassOutcome> outcomes;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    ClassOutcome o;
    o.actual = static_cast<std::int32_t>(actual[i]);
    o.log_probability = log_p[i][actual[i]];
    for (std::int64_t c = 0; c < rows.size(1); ++c) {
      if (log_p[i][c] > log_p[i][o.predicted]) o.predicted = static_cast<std::int32_t>(c);
      const double miss = std::exp(log_p[i][c]) - (c == actual[i] ? 1 : 0);
      o.brier += miss * miss;
    }
    o.confidence = std::exp(log_p[i][o.predicted]);
    o.second_class = rows.size(1) == 2 ? std::exp(log_p[i][1]) : 0;
    outcomes.push_back(o);
  }
  return outcomes;
}

std::vector<NumberOutcome> number_outcomes(const at::Tensor& predicted, const at::Tensor& target) {
  const auto p = predicted.accessor<double, 2>();
  const auto actual = target.accessor<float, 1>();
  std::vector<NumberOutcome> outcomes;
  for (std::int64_t i = 0; i < predicted.size(0); ++i) outcomes.push_back({actual[i], p[i][0]});
  return outcomes;
}

/// Every row's outcome on the first rank, in row order.
template <typename Outcome, typename Measure>
std::vector<Outcome> collect(StepContext& context, const Predictor& predictor, const Measure& measure) {
  const BatchLoader targets(predictor.data(), true);
  std::vector<Outcome> mine, all;
  for_each_mini_batch(
      context, predictor.data().rows(), context.parameters.at("mini_batch_size"),
      [&](Range rows) {
        const auto outcomes = measure(predictor.predict(rows), targets.load_target(rows));
        mine.insert(mine.end(), outcomes.begin(), outcomes.end());
      },
      [&] {
        const auto round = gather_on_first(context.comm, mine);
        all.insert(all.end(), round.begin(), round.end());
        mine.clear();
      });
  return all;
}

class EvaluateStep : public Step {
 public:
  void run(StepContext& context) override {
    const CpuUse cpu(context, 1);  // products differ in the last bits with the number of threads
    std::unique_ptr<Predictor> predictor;
    run_together(context.comm, [&] {
      const std::string& data = context.inputs.at("data");
      predictor = std::make_unique<Predictor>(context.inputs.at("model"), data, true);
      if (predictor->data().rows() == 0)
        throw Error(ExitStatus::bad_data, str("the dataset ", data, " has no rows"));
    });
    check_targets(predictor->data(), context.comm);
    const std::string& folder = context.outputs.at("metrics");
    if (predictor->task() == Task::regression) {
      const auto outcomes = collect<NumberOutcome>(context, *predictor, number_outcomes);
      finish(context, [&] { return write_regression(folder, outcomes); });
      return;
    }
    ClassificationOptions options{predictor->classes()};
    run_together(context.comm, [&] { read_options(context.parameters, options); });
    const auto outcomes = collect<ClassOutcome>(context, *predictor, class_outcomes);
    finish(context, [&] { return write_classification(folder, outcomes, options); });
  }

 private:
  static void read_options(const Json& parameters, ClassificationOptions& options) {
    options.threshold = parameters.at("threshold");
    options.calibration_bins = parameters.at("calibration_bins");
    const Json positive = parameters.value("positive_class", Json());
    if (positive.is_null()) return;
    const auto& classes = options.classes;
    const auto found = std::find(classes.begin(), classes.end(), positive.get<std::string>());
    if (classes.size() != 2 || found == classes.end()) {
      throw Error(ExitStatus::configuration,
                  str("positive_class: ", positive.dump(), " is not one of two classes; the dataset has ",
                      join(classes, ", ")));
    }
    options.positive = static_cast<std::int32_t>(found - classes.begin());
  }

  /// `write` gives the values for the step's record.
  static void finish(StepContext& context, const std::function<Json()>& write) {
    run_together(context.comm, [&] {
      if (!context.first()) return;
      const Json results = write();
      for (const auto& [name, value] : results.items()) context.report.result(name, value);
    });
  }
};

}  // namespace

std::unique_ptr<Step> make_evaluate() {
  return std::make_unique<EvaluateStep>();
}

}  // namespace rankflow
