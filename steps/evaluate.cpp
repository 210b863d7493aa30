// evaluate: a model and data with the target become metrics.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/optional_key.h"
#include "steps/class_curves.h"
#include "steps/device.h"
#include "steps/evaluation.h"
#include "steps/keyed_predictor.h"
#include "steps/paired_tests.h"
#include "steps/permutation_importance.h"
#include "steps/predictor.h"
#include "steps/slices.h"

namespace rankflow {
namespace {

/// What differs between classes and numbers: outcomes of predictions, and their measures.
struct Classes {
  using Outcome = ClassOutcome;
  ClassificationOptions options;
  ClassCurves curves;

  void append(const at::Tensor& log_probabilities, const at::Tensor& target,
              std::vector<Outcome>& outcomes) const {
    const at::Tensor rows = log_probabilities.contiguous();
    const auto log_p = rows.accessor<double, 2>();
    const auto actual = target.accessor<std::int64_t, 1>();
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      Outcome o;
      o.actual = static_cast<std::int32_t>(actual[i]);
      o.log_probability = log_p[i][actual[i]];
      for (std::int64_t c = 0; c < rows.size(1); ++c) {
        if (log_p[i][c] > log_p[i][o.predicted]) o.predicted = static_cast<std::int32_t>(c);
        const double miss = std::exp(log_p[i][c]) - (c == actual[i] ? 1 : 0);
        o.brier += miss * miss;
      }
      o.probability = std::exp(log_p[i][o.predicted]);
      if (options.binary()) {
        const double second = std::exp(log_p[i][1]);
        o.probability = options.positive == 1 ? second : 1 - second;
        o.predicted = o.probability >= options.threshold ? options.positive : 1 - options.positive;
      }
      outcomes.push_back(o);
    }
  }
  /// Every class against the others, where there are more than two.
  void count(const at::Tensor& log_probabilities, const at::Tensor& target) {
    if (options.binary()) return;
    const at::Tensor rows = log_probabilities.contiguous();
    const auto log_p = rows.accessor<double, 2>();
    const auto actual = target.accessor<std::int64_t, 1>();
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      for (std::int64_t c = 0; c < rows.size(1); ++c) curves.add(c, log_p[i][c], c == actual[i]);
    }
  }
  /// Collective.
  void add_up(Communicator& comm) {
    if (options.binary()) return;
    auto coarseness = curves.coarseness();
    comm.all_reduce(std::span(coarseness), ReduceOp::max);
    curves.coarsen_to(coarseness);
    for (std::int64_t c = 0; c < std::ssize(options.classes); ++c)
      curves.set_counts(c, gather_on_first(comm, curves.counts(c)));
  }
  Measure measure(std::span<const Outcome> outcomes, std::vector<std::int64_t> rows) const {
    return class_measure(outcomes, std::move(rows), options);
  }
  Evaluation evaluate(std::span<const Outcome> outcomes) {
    return evaluate_classes(outcomes, curves, options);
  }
  std::vector<std::string> metrics() const { return class_metrics(options.binary()); }
  std::string importance_metric() const { return "log_loss"; }
};

struct Numbers {
  using Outcome = NumberOutcome;

  void append(const at::Tensor& predicted, const at::Tensor& target, std::vector<Outcome>& outcomes) const {
    const auto p = predicted.accessor<double, 2>();
    const auto actual = target.accessor<float, 1>();
    for (std::int64_t i = 0; i < predicted.size(0); ++i) outcomes.push_back({actual[i], p[i][0]});
  }
  void count(const at::Tensor&, const at::Tensor&) {}
  void add_up(Communicator&) {}
  Measure measure(std::span<const Outcome> outcomes, std::vector<std::int64_t> rows) const {
    return number_measure(outcomes, std::move(rows));
  }
  Evaluation evaluate(std::span<const Outcome> outcomes) const { return evaluate_numbers(outcomes); }
  std::vector<std::string> metrics() const { return number_metrics(); }
  std::string importance_metric() const { return "rmse"; }
};

/// One evaluation, from predictions to what is found out about them. `Kind`: Classes or Numbers.
template <typename Kind>
class Measurement {
 public:
  using Outcomes = std::vector<typename Kind::Outcome>;

  Measurement(StepContext& context, Kind kind, const Predictor& model, const Predictor* baseline)
      : context_(context),
        kind_(std::move(kind)),
        model_(model),
        baseline_(baseline),
        targets_(model.data(), true) {
    const Json& keys = context.parameters;
    mini_batch_size_ = keys.at("mini_batch_size");
    if (const auto found = keys.find("bootstrap"); found != keys.end())
      bootstrap_ = {found->at("samples"), found->at("confidence"), found->at("seed")};
    run_together(context.comm, [&] {
      slices_ = slices_of(model.data(), keys.at("slices").get<std::vector<std::string>>(),
                          keys.at("slice_buckets"));
      if (const auto found = keys.find("permutation_importance"); found != keys.end())
        read_importance(*found);
    });
  }

  /// On the first rank; what the others return has no meaning. Collective.
  Evaluation run() {
    outcomes_ = collect(
        model_, [&](const auto& predictions, const auto& target) { kind_.count(predictions, target); });
    kind_.add_up(context_.comm);
    if (baseline_) baseline_outcomes_ = collect(*baseline_, [](const auto&, const auto&) {});
    // Without samples to draw, only the first rank has outcomes.
    if (bootstrap_ || context_.first()) make_measures();
    if (bootstrap_)
      replicates_.emplace(
          bootstrap(context_, *bootstrap_, model_.data().rows(), measures_, kind_.metrics().size()));
    std::vector<Importance> importance;
    if (importance_) importance = measure_importance();
    Evaluation evaluation;
    if (context_.first()) {
      evaluation = kind_.evaluate(outcomes_);
      add_estimates(evaluation);
      if (baseline_) compare(evaluation);
      if (importance_) rank_importance(evaluation, std::move(importance));
    }
    return evaluation;
  }

 private:
  void read_importance(const Json& keys) {
    importance_.emplace(ImportanceOptions{keys.at("repeats"), keys.at("seed"), mini_batch_size_});
    importance_metric_ = keys.value("metric", kind_.importance_metric());
    const auto names = kind_.metrics();
    const auto found = std::find(names.begin(), names.end(), importance_metric_);
    if (found == names.end()) {
      throw Error(
          ExitStatus::configuration,
          str("permutation_importance: metric ", importance_metric_, " is not for this model and data"),
          str("one of ", join(names, ", ")));
    }
    importance_index_ = static_cast<std::size_t>(found - names.begin());
  }

  /// Every row's outcome in row order: on the first rank, or on all where they divide the samples. `count`: is shown what this
  /// rank predicted. Collective.
  template <typename Count>
  Outcomes collect(const Predictor& predictor, const Count& count) {
    Outcomes mine, all;
    for_each_mini_batch(
        context_, predictor.data().rows(), mini_batch_size_,
        [&](Range rows) {
          const at::Tensor predictions = predictor.predict(rows), target = targets_.load_target(rows);
          kind_.append(predictions, target, mine);
          count(predictions, target);
        },
        [&] {
          const auto round =
              bootstrap_ ? context_.comm.all_gather_vector(std::span<const typename Kind::Outcome>(mine))
                         : gather_on_first(context_.comm, mine);
          all.insert(all.end(), round.begin(), round.end());
          mine.clear();
        });
    return all;
  }

  static std::vector<std::int64_t> all_rows(const Outcomes& outcomes) {
    std::vector<std::int64_t> rows(outcomes.size());
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }

  /// All rows first, then each slice, then the baseline's rows.
  void make_measures() {
    measures_.push_back(kind_.measure(outcomes_, all_rows(outcomes_)));
    for (const Slice& slice : slices_) measures_.push_back(kind_.measure(outcomes_, slice.rows));
    if (baseline_) measures_.push_back(kind_.measure(baseline_outcomes_, all_rows(baseline_outcomes_)));
  }

  std::optional<Interval> interval(const std::vector<double>& samples) const {
    return percentile_interval(samples, bootstrap_->confidence);
  }

  std::vector<Estimate> estimates(std::size_t measure) const {
    std::vector<Estimate> all;
    for (const double value : measures_[measure]({})) {
      all.push_back({value, {}});
      if (replicates_ && !std::isnan(value))
        all.back().interval = interval(replicates_->of(measure, all.size() - 1));
    }
    return all;
  }

  void add_estimates(Evaluation& evaluation) const {
    evaluation.estimates = estimates(0);
    const std::int64_t small = context_.parameters.at("small_slice");
    for (std::size_t s = 0; s < slices_.size(); ++s) {
      const Slice& slice = slices_[s];
      const std::int64_t rows = std::ssize(slice.rows);
      evaluation.slices.push_back({slice.column, slice.value, rows, rows < small, estimates(s + 1)});
    }
    if (!bootstrap_) return;
    evaluation.metrics["bootstrap"] = {
        {"samples", bootstrap_->samples}, {"confidence", bootstrap_->confidence}, {"seed", bootstrap_->seed}};
    for (std::size_t k = 0; k < evaluation.names.size(); ++k) {
      if (const auto& found = evaluation.estimates[k].interval)
        evaluation.metrics["intervals"][evaluation.names[k]] = {found->low, found->high};
    }
  }

  void compare(Evaluation& evaluation) const {
    const std::size_t baseline = measures_.size() - 1;
    const auto values = measures_[0]({}), others = measures_[baseline]({});
    for (std::size_t k = 0; k < values.size(); ++k) {
      ComparedMetric compared{evaluation.names[k], values[k], others[k], {values[k] - others[k], {}}};
      if (replicates_ && !std::isnan(compared.difference.value))
        compared.difference.interval = interval(replicates_->difference(0, baseline, k));
      evaluation.comparison.push_back(compared);
    }
    evaluation.paired_test = paired_test(outcomes_, baseline_outcomes_);
  }

  std::vector<Importance> measure_importance() {
    Outcomes permuted;
    return permutation_importance(
        context_, model_, *importance_,
        [&](const at::Tensor& predictions, Range rows) {
          kind_.append(predictions, targets_.load_target(rows), permuted);
        },
        [&] {
          const double value = kind_.measure(permuted, all_rows(permuted))({})[importance_index_];
          permuted.clear();
          return value;
        });
  }

  void rank_importance(Evaluation& evaluation, std::vector<Importance> importance) const {
    evaluation.importance_metric = importance_metric_;
    evaluation.importance_base = evaluation.estimates[importance_index_].value;
    std::stable_sort(importance.begin(), importance.end(), [&](const Importance& a, const Importance& b) {
      return importance_of(evaluation, a) > importance_of(evaluation, b);
    });
    evaluation.importance = std::move(importance);
  }

  StepContext& context_;
  Kind kind_;
  const Predictor& model_;
  const Predictor* baseline_;
  BatchLoader targets_;
  std::int64_t mini_batch_size_;
  std::optional<BootstrapOptions> bootstrap_;
  std::optional<ImportanceOptions> importance_;
  std::string importance_metric_;
  std::size_t importance_index_ = 0;
  std::vector<Slice> slices_;
  Outcomes outcomes_, baseline_outcomes_;
  std::vector<Measure> measures_;
  std::optional<Replicates> replicates_;
};

ClassificationOptions read_options(const Json& parameters, const std::vector<std::string>& classes) {
  ClassificationOptions options{classes};
  const Json& threshold = value_or_null(parameters, "threshold");
  if (!threshold.is_null() && classes.size() != 2) {
    throw Error(ExitStatus::configuration,
                classes.empty()
                    ? "threshold is about classes, but the model predicts a number"
                    : str("threshold is about two classes; the dataset has ", join(classes, ", ")),
                "leave it out");
  }
  if (!threshold.is_null()) options.threshold = threshold;
  options.calibration_bins = parameters.at("calibration_bins");
  const Json positive = parameters.value("positive_class", Json());
  if (positive.is_null()) return options;
  const auto found = std::find(classes.begin(), classes.end(), positive.get<std::string>());
  if (classes.size() != 2 || found == classes.end()) {
    throw Error(ExitStatus::configuration,
                str("positive_class: ", positive.dump(), " is not one of two classes; the dataset has ",
                    join(classes, ", ")));
  }
  options.positive = static_cast<std::int32_t>(found - classes.begin());
  return options;
}

class EvaluateStep : public Step {
 public:
  void run(StepContext& context) override {
    const CpuUse cpu(context, 1);  // products differ in the last bits with the number of threads
    std::unique_ptr<Predictor> model, baseline;
    run_together(context.comm, [&] {
      const std::string& folder = context.inputs.at("data");
      auto data = std::make_shared<const Dataset>(folder);
      if (data->rows() == 0) throw Error(ExitStatus::bad_data, str("the dataset ", folder, " has no rows"));
      std::vector<std::string> models;
      for (const char* input : {"model", "baseline"}) {
        const auto found = context.inputs.find(input);
        if (found != context.inputs.end()) models.push_back(found->second);
      }
      const auto outputs = wanted_outputs(context.parameters);
      require_use_of(outputs, models, data->info());
      for (const auto& path : models) data = with_models(context, path, data);
      const auto predictor = [&](const std::string& path) {
        return make_predictor(path, data, folder, true, outputs.value_or(ModelOutputs::logits));
      };
      model = predictor(models[0]);
      if (models.size() > 1) baseline = predictor(models[1]);
    });
    check_targets(model->data(), context.comm);
    const Evaluation evaluation = measure(context, *model, baseline.get());
    run_together(context.comm, [&] {
      if (!context.first()) return;
      write_evaluation(context.outputs.at("metrics"), evaluation);
      const Json shown = shown_results(evaluation);
      for (const auto& [name, value] : shown.items()) context.report.result(name, value);
    });
  }

 private:
  /// The rows that the artifact in `folder` has a model for: all, but where it has one for each key.
  static std::shared_ptr<const Dataset> with_models(StepContext& context, const std::string& folder,
                                                    std::shared_ptr<const Dataset> data) {
    if (!ModelsFile::is_in(folder)) return data;
    RowsWithModel found = rows_with_model(folder, *data);
    const std::int64_t without = data->rows() - std::ssize(found.rows),
                       limit = context.parameters.at("error_threshold");
    if (without == 0) return data;
    if (found.rows.empty() || (limit >= 0 && without > limit)) {
      throw Error(ExitStatus::bad_data,
                  str(without, " of ", data->rows(), " rows have no model, the first for the key ",
                      found.missing, "; error_threshold is ", limit),
                  str("error_threshold: ", without, ", to measure the other rows alone"));
    }
    if (context.first()) {
      context.report.note(
          str(without, " rows have no model and are left out, the first for the key ", found.missing));
      context.report.result("rows_without_model", without);
    }
    return std::make_shared<const Dataset>(data->select(std::move(found.rows)));
  }

  static Evaluation measure(StepContext& context, const Predictor& model, const Predictor* baseline) {
    Classes kind;
    run_together(context.comm, [&] { kind.options = read_options(context.parameters, model.classes()); });
    if (model.task() == Task::regression) return Measurement(context, Numbers{}, model, baseline).run();
    if (!kind.options.binary()) kind.curves = ClassCurves(std::ssize(model.classes()));
    return Measurement(context, kind, model, baseline).run();
  }
};

}  // namespace

std::unique_ptr<Step> make_evaluate() {
  return std::make_unique<EvaluateStep>();
}

}  // namespace rankflow
