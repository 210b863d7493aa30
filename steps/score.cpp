// score: a model and data become predictions, one per row, in the input's order.
#include <memory>

#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/entry_script.h"
#include "steps/model_scorer.h"
#include "steps/model_service.h"
#include "steps/score_run.h"
#include "steps/score_summary.h"

namespace rankflow {
namespace {

/// Collective.
std::unique_ptr<RowScorer> make_scorer(StepContext& context, const ScoreOptions& options) {
  if (context.parameters.contains("entry_script")) return make_script_scorer(context, options);
  std::unique_ptr<RowScorer> scorer;
  run_together(context.comm, [&] {
    scorer = options.timeout ? make_timed_model_scorer(context, options)
                             : make_model_scorer(context.inputs, options);
  });
  return scorer;
}

class ScoreStep : public Step {
 public:
  void run(StepContext& context) override {
    const CpuUse cpu(context, 1);  // products differ in the last bits with the number of threads
    const ScoreOptions options(context.parameters);
    const auto scorer = make_scorer(context, options);
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
