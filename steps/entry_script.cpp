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
    if (schema_.empty()) {
      check_result_names(schema, formats_, "rename it in what run() gives");
      schema_ = schema;
    }
    if (to_json(schema) != to_json(schema_)) {
      throw Error(ExitStatus::bad_data,
                  str("run() of ", program_->path(), " gave other columns than before: ", describe(schema),
                      " and ", describe(schema_)),
                  "give every result the same columns, of the same types: frame.astype({...})");
    }
    ResultTable table{rows.size(), std::move(leading_)};
    std::move(given.table.columns.begin(), given.table.columns.end(), std::back_inserter(table.columns));
    return table;
  }

  static std::string describe(const ResultSchema& schema) {
    std::vector<std::string> columns;
    for (const auto& c : schema) columns.push_back(str(c.name, " (", name(c.type), ")"));
    return join(columns, ", ");
  }

  std::unique_ptr<ScriptInput> input_;
  const std::vector<std::string> formats_;
  std::vector<ResultValues> leading_;  // of the mini-batch
  ResultSchema schema_;                // empty before the first results
  std::unique_ptr<EntryProgram> program_;
};

}  // namespace

std::unique_ptr<RowScorer> make_script_scorer(StepContext& context, const ScoreOptions& options) {
  return std::make_unique<ScriptScorer>(context, options);
}

}  // namespace rankflow
