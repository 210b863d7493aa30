#include "steps/model_service.h"

#include <ATen/Parallel.h>

#include "steps/child_service.h"
#include "steps/model_scorer.h"
#include "steps/tensor_memory.h"

namespace rankflow {
namespace {

class ModelService : public ChildService {
 public:
  explicit ModelService(const Json& start)
      : scorer_(make_model_scorer(start.at("inputs"), ScoreOptions(start.at("parameters")))) {}

  Json about() const override {
    return {{"rows", scorer_->rows()},
            {"schema", to_json(scorer_->schema())},
            {"summarised", scorer_->summarised()},
            {"about", scorer_->about()}};
  }

  ChildMessage answer(const ChildMessage& question) override {
    const Range rows{question.head.at("begin"), question.head.at("end")};
    const ResultTable table = scorer_->score(rows);
    return {{{"kind", "result"}, {"rows", table.rows}}, encoded(scorer_->schema(), table)};
  }

 private:
  std::unique_ptr<RowScorer> scorer_;
};

class TimedModelScorer : public RowScorer {
 public:
  TimedModelScorer(StepContext& context, const ScoreOptions& options)
      : process_(context, "the model's process",
                 {{"kind", "model"}, {"inputs", context.inputs}, {"parameters", context.parameters}}),
        seconds_(options.timeout.value()),
        about_(process_.about()),
        schema_(result_schema(about_.at("schema"))) {}

  std::int64_t rows() const override { return about_.at("rows"); }
  const ResultSchema& schema() const override { return schema_; }
  std::vector<std::size_t> summarised() const override { return about_.at("summarised"); }
  Json about() const override { return about_.at("about"); }

  ResultTable score(Range rows) override {
    const auto answer = process_.ask({{"begin", rows.begin}, {"end", rows.end}}, {}, seconds_);
    return decoded(schema_, answer.head.at("rows"), answer.payload);
  }

 private:
  ServiceProcess process_;
  const double seconds_;
  const Json about_;
  const ResultSchema schema_;
};

}  // namespace

std::unique_ptr<ChildService> make_model_service(const Json& start) {
  at::set_num_threads(1);  // as in the rank: products differ in the last bits with the number of threads
  tensor_memory();
  return std::make_unique<ModelService>(start);
}

std::unique_ptr<RowScorer> make_timed_model_scorer(StepContext& context, const ScoreOptions& options) {
  return std::make_unique<TimedModelScorer>(context, options);
}

}  // namespace rankflow
