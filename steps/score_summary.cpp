#include "steps/score_summary.h"

#include <algorithm>

#include "io/csv_text.h"
#include "io/file.h"

namespace rankflow {
namespace {

/// Name of a summarised column's numbers: rows_per_class of "prediction", rows_per_class_A of "prediction_A".
std::string key(const ResultColumn& column) {
  const std::string rest = column.name.starts_with("prediction") ? column.name.substr(10) : "_" + column.name;
  return (column.categories.empty() ? "mean_prediction" : "rows_per_class") + rest;
}

class Summary {
 public:
  Summary(const ScoredRows& scored, const RowScorer& scorer, const ScoreOptions& options)
      : scored_(scored), options_(options), all_rows_(scorer.rows()) {
    for (const std::size_t c : scorer.summarised()) columns_.push_back(scorer.schema()[c]);
    for (const auto& column : columns_)
      totals_.emplace_back(column.categories.empty() ? 1 : column.categories.size());
    lines_ = "mini_batch,first_row,rows";
    for (const auto& column : columns_) {
      if (column.categories.empty()) append_csv(lines_ += ',', key(column));
      for (const auto& category : column.categories) append_csv(lines_ += ',', key(column) + "_" + category);
    }
    lines_ += '\n';
    for (const ResultChunk& chunk : scored.chunks) add(chunk);
  }

  const std::string& lines() const { return lines_; }

  Json summary(const RowScorer& scorer) const {
    Json all = scorer.about();
    all.erase("classes");
    all["rows"] = rows_;
    all["mini_batch_size"] = options_.mini_batch_size;
    all["mini_batches"] = ceil_div(all_rows_, options_.mini_batch_size);
    std::int64_t failed = 0;
    for (const auto& f : scored_.failures) failed += f.rows.size();
    all["failed_mini_batches"] = scored_.failures.size();
    all["failed_rows"] = failed;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto& categories = columns_[c].categories;
      if (categories.empty())
        all[key(columns_[c])] = rows_ > 0 ? Json(totals_[c][0] / static_cast<double>(rows_)) : Json();
      for (std::size_t i = 0; i < categories.size(); ++i)
        all[key(columns_[c])][categories[i]] = static_cast<std::int64_t>(totals_[c][i]);
    }
    return all;
  }

 private:
  void add(const ResultChunk& chunk) {
    const Json& sums = chunk.notes.at("sums");
    for (std::int64_t m = chunk.units.begin; m < chunk.units.end; ++m) {
      const std::int64_t first = m * options_.mini_batch_size;
      const std::int64_t rows = std::min(options_.mini_batch_size, all_rows_ - first);
      rows_ += rows;
      append_number(lines_, m), lines_ += ',';
      append_number(lines_, first), lines_ += ',';
      append_number(lines_, rows);
      const Json& of_mini_batch = sums.at(static_cast<std::size_t>(m - chunk.units.begin));
      for (std::size_t c = 0; c < columns_.size(); ++c) add(c, of_mini_batch.at(c), rows);
      lines_ += '\n';
    }
  }

  /// Sums are added mini-batch by mini-batch, in the input's order: the same on any number of ranks.
  void add(std::size_t c, const Json& sums, std::int64_t rows) {
    if (columns_[c].categories.empty()) {
      totals_[c][0] += sums.get<double>();
      append_number(lines_ += ',', sums.get<double>() / static_cast<double>(rows));
      return;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
      totals_[c][i] += sums[i].get<double>();
      append_number(lines_ += ',', sums[i].get<std::int64_t>());
    }
  }

  const ScoredRows& scored_;
  const ScoreOptions& options_;
  std::int64_t all_rows_, rows_ = 0;
  std::vector<ResultColumn> columns_;
  std::vector<std::vector<double>>
      totals_;  // of each column: rows per category (exact below 2^53), or the sum
  std::string lines_;
};

std::string error_lines(const std::vector<FailedMiniBatch>& failures) {
  std::string lines = "mini_batch,first_row,rows,message\n";
  for (const auto& f : failures) {
    append_number(lines, f.number), lines += ',';
    append_number(lines, f.rows.begin), lines += ',';
    append_number(lines, f.rows.size()), lines += ',';
    append_csv(lines, f.message), lines += '\n';
  }
  return lines;
}

}  // namespace

Json write_score_summary(const std::string& folder, const ScoredRows& scored, const RowScorer& scorer,
                         const ScoreOptions& options) {
  const Summary all(scored, scorer, options);
  const Json summary = all.summary(scorer);
  const auto write = [&](const char* file, const std::string& text) {
    write_file_atomically(folder + "/" + file, text, /*durable=*/false);  // publishing syncs
  };
  write("summary.json", summary.dump(2) + "\n");
  write("mini_batches.csv", all.lines());
  write("errors.csv", error_lines(scored.failures));
  return summary;
}

}  // namespace rankflow
