// score: a model and data become predictions, one per row, in the input's order.
#include <memory>

#include "collectives/agreement.h"
#include "steps/device.h"
#include "steps/scores.h"

namespace rankflow {
namespace {

class ScoreStep : public Step {
 public:
  void run(StepContext& context) override {
    const CpuUse cpu(context, 1);  // products differ in the last bits with the number of threads
    const ScoreOptions options(context.parameters);
    std::unique_ptr<Predictor> predictor;
    run_together(context.comm, [&] {
      predictor = make_predictor(context.inputs.at("model"), context.inputs.at("data"), false);
      predictor->data().info().at("row");
    });

    ScoreFiles files(context.outputs.at("scores"), *predictor, options, context.comm);
    Scores mine;
    for_each_mini_batch(
        context, predictor->data().rows(), options.mini_batch_size,
        [&](Range rows) { append_scores(*predictor, rows, options, mine); },
        [&] {
          files.append(mine);
          mine.clear();
        });
    const Json summary = files.finish();
    if (!context.first()) return;
    context.report.result("rows", summary.at("rows"));
    context.report.result("mini_batches", summary.at("mini_batches"));
  }
};

}  // namespace

std::unique_ptr<Step> make_score() {
  return std::make_unique<ScoreStep>();
}

}  // namespace rankflow
