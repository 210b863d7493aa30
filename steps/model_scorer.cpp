#include "steps/model_scorer.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "steps/input_columns.h"
#include "steps/predictor.h"
#include "steps/result_names.h"

namespace rankflow {
namespace {

struct NamedPredictor {
  std::string name;  // "": the only one
  std::unique_ptr<Predictor> predictor;
};

template <typename T>
std::vector<T> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<T>(), flat.data_ptr<T>() + flat.numel()};
}

class ModelScorer : public RowScorer {
 public:
  ModelScorer(std::vector<NamedPredictor> predictors, const ScoreOptions& options)
      : predictors_(std::move(predictors)),
        all_probabilities_(options.all_probabilities),
        top_k_(options.top_k) {
    add_inputs(options);
    for (const auto& [name, predictor] : predictors_) {
      const std::string suffix = name.empty() ? "" : "_" + name;
      summarised_.push_back(schema_.size());
      if (predictor->task() == Task::classification)
        add_classes(predictor->classes(), suffix);
      else
        schema_.push_back(plain_column("prediction" + suffix, ResultType::real32));
      if (top_k_ > 0 && predictor->task() == Task::regression)
        throw Error(ExitStatus::configuration, "top_k is about classes, but the model predicts a number");
    }
    check_result_names(schema_, options.formats,
                       "leave it out of `input_columns`, or rename it where the data is prepared");
  }

  std::int64_t rows() const override { return data().rows(); }
  const ResultSchema& schema() const override { return schema_; }
  std::vector<std::size_t> summarised() const override { return summarised_; }
  Json about() const override {
    const Predictor& first = *predictors_[0].predictor;
    Json about = {{"task", name(first.task())}};
    if (first.task() == Task::classification) about["classes"] = first.classes();
    return about;
  }

  ResultTable score(Range rows) override {
    ResultTable table{rows.size(), {}};
    for (const InputColumn& input : inputs_) table.columns.push_back(input.read(data(), rows));
    for (const auto& [_, predictor] : predictors_) {
      const at::Tensor outputs = predictor->predict(rows);
      if (predictor->task() == Task::regression)
        table.columns.emplace_back(values_of<float>(outputs.to(at::kFloat)));
      else
        append_classes(outputs, table);
    }
    return table;
  }

 private:
  const Dataset& data() const { return predictors_[0].predictor->data(); }

  void add_inputs(const ScoreOptions& options) {
    std::vector<std::string> names = {"row"};
    names.insert(names.end(), options.input_columns.begin(), options.input_columns.end());
    for (const auto& name : names) {
      inputs_.push_back(input_column(data().info(), name));
      schema_.push_back(inputs_.back().column);
    }
  }

  void add_classes(const std::vector<std::string>& classes, const std::string& suffix) {
    schema_.push_back(plain_column("prediction" + suffix, ResultType::integer, classes));
    if (all_probabilities_) {
      ResultColumn all{"probabilities" + suffix, ResultType::real32, true, {}, {}};
      for (const auto& c : classes) all.labels.push_back(str("p", suffix, "_", c));
      schema_.push_back(std::move(all));
    } else {
      schema_.push_back(plain_column("probability" + suffix, ResultType::real32));
    }
    if (top_k_ == 0) return;
    if (top_k_ > std::ssize(classes)) {
      throw Error(ExitStatus::configuration,
                  str("top_k is ", top_k_, ", but the model has ", classes.size(), " classes"));
    }
    ResultColumn best{"top_classes" + suffix, ResultType::integer, true, {}, classes};
    ResultColumn theirs{"top_probabilities" + suffix, ResultType::real32, true, {}, {}};
    for (std::int64_t k = 1; k <= top_k_; ++k) {
      best.labels.push_back(str("top_", k, suffix));
      theirs.labels.push_back(str("top_", k, "_probability", suffix));
    }
    schema_.push_back(std::move(best));
    schema_.push_back(std::move(theirs));
  }

  void append_classes(const at::Tensor& log_probabilities, ResultTable& table) const {
    const at::Tensor predicted = log_probabilities.argmax(1);
    table.columns.emplace_back(values_of<std::int64_t>(predicted));
    if (all_probabilities_) {
      table.columns.emplace_back(values_of<float>(log_probabilities.exp().to(at::kFloat)));
    } else {
      const at::Tensor own = log_probabilities.gather(1, predicted.unsqueeze(1));
      table.columns.emplace_back(values_of<float>(own.exp().to(at::kFloat)));
    }
    if (top_k_ == 0) return;
    // A stable sort: of equally probable classes the one with the lower number comes first, as in argmax.
    const auto [values, order] = log_probabilities.sort(/*stable=*/true, 1, /*descending=*/true);
    table.columns.emplace_back(values_of<std::int64_t>(order.narrow(1, 0, top_k_)));
    table.columns.emplace_back(values_of<float>(values.narrow(1, 0, top_k_).exp().to(at::kFloat)));
  }

  std::vector<NamedPredictor> predictors_;
  const bool all_probabilities_;
  const std::int64_t top_k_;
  std::vector<InputColumn> inputs_;
  ResultSchema schema_;
  std::vector<std::size_t> summarised_;
};

std::vector<NamedPredictor> open_models(const std::map<std::string, std::string>& inputs,
                                        const ScoreOptions& options) {
  const std::string& folder = inputs.at("data");
  const auto data = std::make_shared<const Dataset>(folder);
  std::vector<std::string> paths;
  for (const auto& name : options.models) paths.push_back(inputs.at(name));
  require_use_of(options.outputs, paths, data->info());
  std::vector<NamedPredictor> predictors;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    predictors.push_back({options.models[i], make_predictor(paths[i], data, folder, false,
                                                            options.outputs.value_or(ModelOutputs::logits))});
  }
  if (options.side_by_side) return predictors;
  std::vector<std::unique_ptr<Predictor>> members;
  for (auto& [_, predictor] : predictors) members.push_back(std::move(predictor));
  std::vector<NamedPredictor> one(1);
  one[0].predictor = make_ensemble(std::move(members));
  return one;
}

}  // namespace

std::unique_ptr<RowScorer> make_model_scorer(const std::map<std::string, std::string>& inputs,
                                             const ScoreOptions& options) {
  return std::make_unique<ModelScorer>(open_models(inputs, options), options);
}

}  // namespace rankflow
