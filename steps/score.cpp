// score: a model and data become predictions, one per row, in the input's order.
#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/entry_script.h"
#include "steps/model_scorer.h"
#include "steps/score_run.h"
#include "steps/score_summary.h"

namespace rankflow {
namespace {

void check_inputs(const StepContext& context, const std::vector<std::string>& models) {
  for (const auto& model : models) {
    if (context.inputs.contains(model)) continue;
    throw Error(ExitStatus::configuration,
                models.size() == 1
                    ? "score needs a model or an entry_script"
                    : str("models names ", in_quotes(model), ", which is no input of the step"),
                str("inputs: {", model, ": the output of a train step}, or entry_script: FILE.py"));
  }
  for (const auto& [input, _] : context.inputs) {
    if (input == "data" || std::find(models.begin(), models.end(), input) != models.end()) continue;
    throw Error(ExitStatus::configuration,
                str("the input ", in_quotes(input), " is neither data nor one of the models"),
                str("models: [", join(models, ", "), ", ", input, "]"));
  }
}

std::unique_ptr<RowScorer> make_scorer(StepContext& context, const ScoreOptions& options) {
  check_inputs(context, options.models);
  const std::string& folder = context.inputs.at("data");
  const auto data = std::make_shared<const Dataset>(folder);
  std::vector<NamedPredictor> predictors;
  for (const auto& name : options.models)
    predictors.push_back({name, make_predictor(context.inputs.at(name), data, folder, false)});
  if (options.side_by_side) return make_model_scorer(std::move(predictors), options);
  std::vector<std::unique_ptr<Predictor>> members;
  for (auto& [_, predictor] : predictors) members.push_back(std::move(predictor));
  std::vector<NamedPredictor> one(1);
  one[0].predictor = make_ensemble(std::move(members));
  return make_model_scorer(std::move(one), options);
}

class ScoreStep : public Step {
 public:
  void run(StepContext& context) override {
    const CpuUse cpu(context, 1);  // products differ in the last bits with the number of threads
    const ScoreOptions options(context.parameters);
    std::unique_ptr<RowScorer> scorer;
    if (context.parameters.contains("entry_script"))
      scorer = make_script_scorer(context, options);
    else
      run_together(context.comm, [&] { scorer = make_scorer(context, options); });
    ScoreRun run(context, options, *scorer);
    const ScoredRows scored = run.run();
    const std::string& folder = context.outputs.at("scores");
    run.write_files(scored, folder);
    run_together(context.comm, [&] {
      if (!context.first()) return;
      const Json summary = write_score_summary(folder, scored, *scorer, options);
      for (const char* key : {"rows", "mini_batches"}) context.report.result(key, summary.at(key));
      if (scored.failures.empty()) return;
      for (const char* key : {"failed_mini_batches", "failed_rows"})
        context.report.result(key, summary.at(key));
    });
  }
};

}  // namespace

std::unique_ptr<Step> make_score() {
  return std::make_unique<ScoreStep>();
}

}  // namespace rankflow
