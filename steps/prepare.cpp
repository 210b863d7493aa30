#include "base/text.h"
#include "runtime/step.h"
#include "steps/dataset_writer.h"
#include "steps/prepare_images.h"
#include "steps/prepare_table.h"

namespace rankflow {
namespace {

/// Turns raw tables and images into datasets.
class Prepare : public Step {
 public:
  void run(StepContext& context) override {
    if (context.inputs.contains("data")) return prepare_table(context);
    const PreparedData data = prepare_images(context);
    write_datasets(context, data, context.parameters.at("rows_per_part"));
    if (data.finish) data.finish(context);
    if (context.first()) report(context, data);
  }

 private:
  static void report(StepContext& context, const PreparedData& data) {
    Json rows = Json::object();
    for (const auto& [name, split] : data.splits) rows[name] = split.size();
    context.report.result("rows", rows);
    for (const auto& [name, value] : data.summary.items()) context.report.result(name, value);
  }
};

}  // namespace

std::unique_ptr<Step> make_prepare() {
  return std::make_unique<Prepare>();
}

}  // namespace rankflow
