#include "base/text.h"
#include "collectives/agreement.h"
#include "runtime/step.h"
#include "steps/dataset_writer.h"
#include "steps/prepare_images.h"
#include "steps/prepare_table.h"

namespace rankflow {
namespace {

/// True for a table, false for images. Throws Error (configuration) for any other set of inputs.
bool is_table(const std::map<std::string, std::string>& inputs) {
  const bool table = inputs.count("data") > 0, images = inputs.count("images") > 0;
  if (table == images) {
    throw Error(ExitStatus::configuration,
                "prepare needs either the input `data` (a table) or the input `images`");
  }
  if (table && inputs.count("labels")) {
    throw Error(ExitStatus::configuration, "the input `labels` goes with `images`; a table has its `target`");
  }
  return table;
}

/// Turns raw tables and images into datasets.
class Prepare : public Step {
 public:
  void run(StepContext& context) override {
    bool table = false;
    run_together(context.comm, [&] {
      table = is_table(context.inputs);
      if (table && context.parameters.contains("image"))
        throw Error(ExitStatus::configuration, "`image` goes with the input `images`", "leave it out");
    });
    if (table) return prepare_table(context);
    const PreparedData data = prepare_images(context);
    write_datasets(context, data, context.parameters.at("rows_per_part"));
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
