#include "steps/entry_script.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/result_ipc.h"
#include "steps/entry_program.h"
#include "steps/result_names.h"
#include "steps/table_keys.h"

namespace rankflow {
namespace {

class ScriptScorer : public RowScorer {
 public:
  ScriptScorer(StepContext& context, const ScoreOptions& options)
      : input_(open_script_input(context.comm, context.inputs.at("data"), table_options(context.parameters),
                                 options.input_columns, context.checkpoints + "/unpacked")),
        formats_(options.formats) {
    run_together(context.comm, [&] {
      check_result_names(input_->leading(), formats_, "leave one of them out of `input_columns`");
      program_ = make_entry_program(context, ProgramRows::results);
    });
  }

  std::int64_t rows() const override { return input_->rows(); }
  const ResultSchema& schema() const override { return schema_.empty() ? input_->leading() : schema_; }
  bool knows_schema() const override { return false; }
  Json about() const override { return {{"task", "entry_script"}}; }

  void begin(Range rows) override { leading_ = input_->leading_values(rows); }
  void check_unchanged(Range rows) const override { input_->check_unchanged(rows); }
  ResultTable score(Range rows) override { return results(rows, from_ipc(program_->run(*input_, rows))); }

 private:
  ResultTable results(Range rows, IpcTable given) {
    if (given.table.rows != rows.size()) {
      throw Error(ExitStatus::bad_data,
                  str("run() of ", program_->path(), " gave ", given.table.rows, " results for ", rows.size(),
                      " rows"),
                  "one result for each row, in their order");
    }
    ResultSchema schema = input_->leading();
    for (std::size_t c = 0; c < schema.size(); ++c)
      schema[c].gaps = c < leading_.missing.size() && !leading_.missing[c].empty();
    for (auto& column : given.schema) {
      const bool twice =
          std::any_of(schema.begin(), schema.end(), [&](const auto& c) { return c.name == column.name; });
      if (twice)
        throw Error(ExitStatus::bad_data,
                    str("run() of ", program_->path(), " gave a column ", in_quotes(column.name),
                        ", which the results have already"),
                    "rename it");
      schema.push_back(std::move(column));
    }
    if (!same_names(schema, schema_)) check_result_names(schema, formats_, "rename it in what run() gives");
    schema_ = std::move(schema);
    ResultTable table = std::move(leading_);
    table.missing.resize(table.columns.size());
    std::move(given.table.columns.begin(), given.table.columns.end(), std::back_inserter(table.columns));
    std::move(given.table.missing.begin(), given.table.missing.end(), std::back_inserter(table.missing));
    return table;
  }

  static bool same_names(const ResultSchema& a, const ResultSchema& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.name == y.name; });
  }

  std::unique_ptr<ScriptInput> input_;
  const std::vector<std::string> formats_;
  ResultTable leading_;  // of the mini-batch
  ResultSchema schema_;  // of its results; empty before the first
  std::unique_ptr<EntryProgram> program_;
};

}  // namespace

std::unique_ptr<RowScorer> make_script_scorer(StepContext& context, const ScoreOptions& options) {
  return std::make_unique<ScriptScorer>(context, options);
}

}  // namespace rankflow
