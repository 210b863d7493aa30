#include "steps/partitioned_training.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "collectives/ticket_counter.h"
#include "io/file.h"
#include "steps/finished_models.h"
#include "steps/model_input.h"
#include "steps/models_file.h"
#include "steps/partition_keys.h"
#include "steps/predictor.h"
#include "steps/training_model.h"

namespace rankflow {
namespace {

constexpr std::size_t failures_named = 5;

/// What one of many trainings has to tell is told by the step as a whole.
class SilentReporter : public Reporter {
 public:
  void progress(double, double, const std::string&, const std::string&, const Json&) override {}
  void metric(const std::string&, double, std::int64_t) override {}
  void result(const std::string&, const Json&) override {}
  void note(const std::string&) override {}
};

/// The one class of all rows, where there is only one.
std::optional<std::int64_t> only_class(const Dataset& data, const std::vector<std::int64_t>& rows) {
  std::optional<std::int64_t> only;
  bool several = false;
  data.for_each_row("target", rows, [&](const std::byte* row) {
    const std::int64_t c = *reinterpret_cast<const std::int64_t*>(row);
    several = several || (only && *only != c);
    only = c;
  });
  return several ? std::nullopt : only;
}

class PartitionedTraining {
 public:
  PartitionedTraining(StepContext& context, const TrainingPlan& plan, const Dataset& train,
                      const Dataset* validation)
      : context_(context),
        plan_(plan),
        parameters_(context.parameters),
        train_(train),
        validation_(validation),
        threshold_(context.parameters.value("error_threshold", std::int64_t{0})),
        finished_(context.checkpoints, training_configuration(context.parameters, train.info())) {
    // Small trainings leave no checkpoints of their own but when they are stopped, or take long.
    plan_.every_epochs = plan_.every_batches = 0;
    // Every core has a rank that trains.
    if (parameters_.at("prefetch") == "auto") parameters_["prefetch"] = "never";
  }

  void run() {
    run_together(context_.comm, [&] { look_at_data(); });
    restore();
    train_all();
    write();
  }

 private:
  void look_at_data() {
    const auto columns = context_.parameters.at("partition_by").get<std::vector<std::string>>();
    const PartitionKeys keys(train_.info(), columns);
    Partitions found = partitions_of(train_, keys);
    partitions_ = std::move(found.all);
    if (partitions_.empty())
      throw Error(ExitStatus::bad_data, str("no row of the dataset has a value of ", join(columns, " and ")));
    note_rows(found.without_key, "have no value of partition_by, so that no model learns from them");
    if (validation_) {
      std::set<PartitionKey> known;
      for (const auto& partition : partitions_) known.insert(partition.key);
      std::int64_t unused = 0;
      Partitions others = partitions_of(*validation_, keys);
      for (auto& partition : others.all) {
        if (known.contains(partition.key))
          validation_rows_.emplace(std::move(partition.key), std::move(partition.rows));
        else
          unused += std::ssize(partition.rows);
      }
      note_rows(unused + others.without_key, "of the validation data belong to no model");
    }
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      const std::string why = why_not(partitions_[i]);
      if (!why.empty()) failures_.push_back(failed(i, why));
    }
    require_threshold(failures_);
  }

  void note_rows(std::int64_t rows, const char* what) {
    if (rows > 0 && context_.first()) context_.report.note(str(human_count(rows), " rows ", what));
  }

  /// What keeps a partition from being trained, known before anything is.
  std::string why_not(const Partition& partition) const {
    const Json& schema = train_.info().schema;
    if (task_of(schema) == Task::classification) {
      if (const auto only = only_class(train_, partition.rows))
        return str("all rows are of the class ",
                   schema.at("classes").at(static_cast<std::size_t>(*only)).get<std::string>());
    }
    if (plan_.compares_epochs() && !validation_rows_.contains(partition.key))
      return "it has no validation rows to compare epochs by";
    return {};
  }

  ModelRecord record_of(std::size_t number) const {
    const Partition& partition = partitions_[number];
    ModelRecord record;
    record.number = static_cast<std::int64_t>(number);
    record.key = partition.key;
    record.rows = std::ssize(partition.rows);
    if (const auto found = validation_rows_.find(partition.key); found != validation_rows_.end())
      record.validation_rows = std::ssize(found->second);
    return record;
  }

  ModelRecord failed(std::size_t number, const std::string& why) const {
    ModelRecord record = record_of(number);
    record.failure = why;
    return record;
  }

  void require_threshold(const std::vector<ModelRecord>& records) const {
    std::vector<std::string> named;
    std::int64_t count = 0;
    for (const auto& record : records) {
      if (record.failure.empty()) continue;
      if (named.size() < failures_named) named.push_back(str(key_text(record.key), ": ", record.failure));
      ++count;
    }
    if (threshold_ < 0 || count <= threshold_) return;
    if (count > std::ssize(named)) named.push_back("…");
    throw Error(ExitStatus::bad_data,
                str(count, " of ", partitions_.size(), " models failed, and error_threshold is ", threshold_,
                    ": ", join(named, "; ")),
                str("error_threshold: ", count, " to go without these models"));
  }

  /// Takes over what an earlier run finished, and lists what is left to do, the largest first.
  void restore() {
    std::string numbers;
    run_together(context_.comm, [&] {
      if (!context_.first()) return;
      std::vector<std::string> notes;
      restored_ = finished_.restore(notes);
      for (const auto& note : notes) context_.report.note(note);
      Json list = Json::array();
      for (const auto& record : restored_) list.push_back(record.number);
      numbers = list.dump();
      if (!restored_.empty())
        context_.report.note(
            str("goes on: ", restored_.size(), " of ", partitions_.size(), " models are finished"));
    });
    std::vector<char> done(partitions_.size());
    for (const auto& number : Json::parse(context_.comm.broadcast_text(numbers)))
      done.at(number.get<std::size_t>()) = 1;
    for (const auto& record : failures_) done.at(static_cast<std::size_t>(record.number)) = 1;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (!done[i]) order_.push_back(i);
    }
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return partitions_[a].rows.size() > partitions_[b].rows.size();
    });
  }

  void train_all() {
    const auto tickets = make_ticket_counter(context_.comm);
    bool stopped = false;
    run_together(context_.comm, [&] {
      try {
        stopped = !train_share(*tickets);
      } catch (...) {
        tickets->end();
        throw;
      }
    });
    tickets->close();
    if (context_.comm.all_reduce_value<std::int32_t>(stopped ? 1 : 0, ReduceOp::max) == 0) return;
    run_together(context_.comm, [&] { finished_.flush(); });
    throw Stopped();
  }

  /// Trains what this rank gets. False where it was asked to stop, and then no rank gets more.
  bool train_share(TicketCounter& tickets) {
    const std::int64_t count = std::ssize(order_);
    std::int64_t failures = 0;
    for (;;) {
      if (context_.stop.requested()) break;
      if (threshold_ >= 0 && std::ssize(failures_) + failures > threshold_) {  // more have failed than may
        tickets.end();
        return true;
      }
      const std::int64_t ticket = tickets.take();
      if (ticket >= count) return true;
      const std::size_t number = order_[static_cast<std::size_t>(ticket)];
      try {
        finished_.add(train_one(number));
      } catch (const Stopped&) {
        break;
      } catch (const Error& e) {
        if (e.status() != ExitStatus::bad_data) throw;
        finished_.add(failed(number, e.message()));
        ++failures;
      }
      report_progress(number, count - ticket - 1);
    }
    tickets.end();
    return false;
  }

  void report_progress(std::size_t number, std::int64_t left) {
    if (!context_.first()) return;
    const std::int64_t total = std::ssize(partitions_);
    context_.report.progress(static_cast<double>(total - left), static_cast<double>(total), "models",
                             key_text(partitions_[number].key), Json::object());
  }

  ModelRecord train_one(std::size_t number) {
    const Partition& partition = partitions_[number];
    const TimedSpan span(context_.timeline, key_text(partition.key), "train");
    ModelRecord record = record_of(number);
    const Dataset rows = train_.select(partition.rows);
    std::optional<Dataset> validation;
    if (record.validation_rows > 0)
      validation.emplace(validation_->select(validation_rows_.at(partition.key)));

    Timeline timeline(0);
    SilentReporter silence;
    StepContext alone{.comm = *alone_,
                      .step = context_.step,
                      .parameters = parameters_,
                      .inputs = context_.inputs,
                      .outputs = {},
                      .checkpoints = str(context_.checkpoints, "/partition-", number),
                      .log_folder = {},
                      .folder = context_.folder,
                      .local_rank = context_.local_rank,
                      .local_size = context_.local_size,
                      .hosts = {},
                      .threads = 1,
                      .device = context_.device,
                      .timeline = timeline,
                      .stop = context_.stop,
                      .cancel = context_.cancel,
                      .report = silence};
    const TrainedModel trained = train_model(alone, plan_, rows, validation ? &*validation : nullptr);
    record.epochs = std::ssize(trained.result.history);
    record.metrics = trained.result.metrics;
    record.target = trained.target;
    record.weights = packed_weights(*trained.model);
    if (exists(alone.checkpoints)) remove_tree(alone.checkpoints);
    return record;
  }

  /// Brings all models to the first rank, which writes them.
  void write() {
    Json about = Json::array();
    std::vector<std::byte> weights;
    for (const auto& record : finished_.added()) {
      about.push_back(record.to_json());
      weights.insert(weights.end(), record.weights.begin(), record.weights.end());
    }
    const auto texts = context_.comm.all_gather_text(about.dump());
    const auto bytes = gather_on_first(context_.comm, weights);
    run_together(context_.comm, [&] {
      if (context_.first()) write_records(joined(texts, bytes));
    });
  }

  std::vector<ModelRecord> joined(const std::vector<std::string>& texts,
                                  const std::vector<std::byte>& bytes) {
    std::vector<ModelRecord> all = std::move(failures_);
    std::move(restored_.begin(), restored_.end(), std::back_inserter(all));
    const auto like = model_like();
    const auto size = static_cast<std::ptrdiff_t>(packed_weights(*like).size());
    auto next = bytes.begin();
    for (const auto& text : texts) {
      for (const auto& json : Json::parse(text)) {
        all.push_back(ModelRecord::from_json(json));
        if (!all.back().failure.empty()) continue;
        all.back().weights.assign(next, next + size);
        next += size;
      }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return all;
  }

  std::shared_ptr<Model> model_like() const {
    return make_training_model(context_.parameters, context_.inputs, train_.info());
  }

  void write_records(const std::vector<ModelRecord>& records) {
    require_threshold(records);
    const auto trained =
        std::count_if(records.begin(), records.end(), [](const auto& r) { return r.failure.empty(); });
    if (trained == 0)
      throw Error(ExitStatus::bad_data,
                  str("all of ", records.size(), " models failed: ", records[0].failure));
    const auto code = context_.inputs.find("model");
    const std::string brought = code == context_.inputs.end() ? "" : code->second;
    write_models(context_.outputs.at("model"), *model_like(), context_.parameters.at("model"), brought,
                 context_.parameters.at("partition_by").get<std::vector<std::string>>(), train_.info(),
                 records);
    context_.report.result("models", trained);
    context_.report.result("models_failed", std::ssize(records) - trained);
    context_.report.result("rows", train_.rows());
    report_mean(records, "train_loss", &ModelRecord::rows);
    for (const char* metric : {"validation_loss", "validation_accuracy", "validation_mae"})
      report_mean(records, metric, &ModelRecord::validation_rows);
  }

  /// Over all rows, of the models that have the metric.
  void report_mean(const std::vector<ModelRecord>& records, const char* metric,
                   std::int64_t ModelRecord::*rows) {
    double sum = 0, weight = 0;
    for (const auto& record : records) {
      if (!record.metrics.contains(metric)) continue;
      sum += record.metrics.at(metric).get<double>() * static_cast<double>(record.*rows);
      weight += static_cast<double>(record.*rows);
    }
    if (weight > 0) context_.report.result(metric, sum / weight);
  }

  StepContext& context_;
  TrainingPlan plan_;
  Json parameters_;  // of each training
  const Dataset& train_;
  const Dataset* validation_;
  std::int64_t threshold_;
  std::vector<Partition> partitions_;
  std::map<PartitionKey, std::vector<std::int64_t>> validation_rows_;
  std::vector<ModelRecord> failures_;  // known before anything was trained
  std::vector<ModelRecord> restored_;  // on the first rank
  std::vector<std::size_t> order_;     // numbers of the partitions that are left to do
  FinishedModels finished_;
  std::unique_ptr<Communicator> alone_ = make_self_communicator();
};

}  // namespace

void train_partitions(StepContext& context, const TrainingPlan& plan, const Dataset& train,
                      const Dataset* validation) {
  PartitionedTraining(context, plan, train, validation).run();
}

}  // namespace rankflow
