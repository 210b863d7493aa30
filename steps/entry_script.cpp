#include "steps/entry_script.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/result_ipc.h"
#include "steps/child_channel.h"
#include "steps/rankflow_step_source.h"
#include "steps/script_input.h"

namespace rankflow {
namespace {

std::string below(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

class ScriptScorer : public RowScorer {
 public:
  ScriptScorer(StepContext& context, const ScoreOptions& options)
      : context_(context),
        timeout_(options.timeout),
        script_(below(context.folder, context.parameters.at("entry_script"))),
        input_(open_script_input(context.comm, context.inputs.at("data"), options.input_columns,
                                 context.checkpoints + "/unpacked")) {
    run_together(context.comm, [&] {
      if (!exists(script_))
        throw Error(ExitStatus::configuration, str("entry_script: there is no file ", script_));
    });
  }

  std::int64_t rows() const override { return input_->rows(); }
  const ResultSchema& schema() const override { return schema_; }
  bool knows_schema() const override { return false; }
  Json about() const override { return {{"task", "entry_script"}}; }

  ResultTable score(Range rows) override {
    if (!process_) start();
    Json head = input_->head(rows);
    head["first_row"] = rows.begin;
    ChildChannel::Message answer;
    try {
      answer = process_->ask(head, input_->payload(rows), timeout_);
    } catch (...) {
      process_.reset();  // the next attempt gets a new one
      throw;
    }
    if (answer.head.at("kind") == "failed") fail(answer.head);
    for (const Json& m : answer.head.at("metrics")) context_.report.metric(m[0], m[1], m[2]);
    return results(rows, from_ipc(answer.payload));
  }

 private:
  void start() {
    const std::string module = str(context_.checkpoints, "/python-", unique_suffix());
    make_directories(module);
    write_file_atomically(module + "/rankflow_step.py", rankflow_step_source, /*durable=*/false);
    SpawnRequest request;
    request.argv = {interpreter(), "-u", module + "/rankflow_step.py"};
    request.folder = context_.folder;
    request.output = str(context_.log_folder, "/rank-", context_.comm.rank(), ".log");
    auto variables = inherited_environment();
    const std::string one = "1";
    // One process per core; and sums in another number of threads are other sums.
    for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
      variables.insert_or_assign(name, one);
    variables.insert_or_assign("PYTHONDONTWRITEBYTECODE", one);
    request.environment = environment_list(variables);
    process_ = std::make_unique<ChildChannel>(*context_.spawner, std::move(request),
                                              [this] { return context_.stop.requested(); });
    const Json start = {{"script", script_},
                        {"step", context_.step},
                        {"rank", context_.comm.rank()},
                        {"ranks", context_.comm.size()},
                        {"inputs", context_.inputs},
                        {"outputs", context_.outputs},
                        {"parameters", context_.parameters.value("parameters", Json::object())}};
    try {
      const auto answer = process_->ask(start, {}, 0);
      if (answer.head.at("kind") != "ready") fail(answer.head);
    } catch (...) {
      process_.reset();
      throw;
    }
  }

  std::string interpreter() const {
    const std::string python = context_.parameters.at("python");
    return python.find('/') == std::string::npos ? python : below(context_.folder, python);
  }

  [[noreturn]] void fail(const Json& answer) const {
    const std::string trace = trim(answer.at("traceback").get<std::string>());
    log::error(str(script_, ": ", trace));
    throw Error(ExitStatus::step_failed,
                str(context_.parameters.at("entry_script").get<std::string>(), ": ",
                    answer.at("error").get<std::string>(), "\n", trace, "\n"),
                str("rankflow logs ", context_.step));
  }

  ResultTable results(Range rows, IpcTable given) {
    if (given.table.rows != rows.size()) {
      throw Error(
          ExitStatus::bad_data,
          str("run() of ", script_, " gave ", given.table.rows, " results for ", rows.size(), " rows"),
          "one result for each row, in their order");
    }
    ResultSchema schema = input_->leading();
    for (auto& column : given.schema) {
      const bool twice =
          std::any_of(schema.begin(), schema.end(), [&](const auto& c) { return c.name == column.name; });
      if (twice)
        throw Error(ExitStatus::bad_data,
                    str("run() of ", script_, " gave a column ", in_quotes(column.name),
                        ", which the results have already"),
                    "rename it");
      schema.push_back(std::move(column));
    }
    if (schema_.empty()) schema_ = schema;
    if (to_json(schema) != to_json(schema_)) {
      throw Error(ExitStatus::bad_data,
                  str("run() of ", script_, " gave other columns than before: ", describe(schema), " and ",
                      describe(schema_)),
                  "give every result the same columns, of the same types: frame.astype({...})");
    }
    ResultTable table{rows.size(), input_->leading_values(rows)};
    std::move(given.table.columns.begin(), given.table.columns.end(), std::back_inserter(table.columns));
    return table;
  }

  static std::string describe(const ResultSchema& schema) {
    std::vector<std::string> columns;
    for (const auto& c : schema) columns.push_back(str(c.name, " (", name(c.type), ")"));
    return join(columns, ", ");
  }

  StepContext& context_;
  const double timeout_;
  const std::string script_;
  std::unique_ptr<ScriptInput> input_;
  ResultSchema schema_;  // empty before the first results
  std::unique_ptr<ChildChannel> process_;
};

}  // namespace

std::unique_ptr<RowScorer> make_script_scorer(StepContext& context, const ScoreOptions& options) {
  return std::make_unique<ScriptScorer>(context, options);
}

}  // namespace rankflow
