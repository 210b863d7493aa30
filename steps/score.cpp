// score: a model and data become predictions, one per row, in the input's order.
#include <memory>

#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/entry_script.h"
#include "steps/model_scorer.h"
#include "steps/score_run.h"
#include "steps/score_summary.h"

namespace rankflow {
namespace {

std::unique_ptr<RowScorer> make_scorer(StepContext& context, const ScoreOptions& options) {
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
