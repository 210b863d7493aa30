// Which files of a table a run takes over from an earlier one instead of reading them: those whose content that run has seen,
// where nothing that is done to their rows depends on other rows. The datasets are to have the bytes that reading all would give.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/table_input.h"
#include "runtime/step.h"
#include "steps/earlier_rows.h"
#include "steps/table_recipe.h"
#include "steps/table_rows.h"

namespace rankflow {

/// Why no file can be taken over from an earlier run, for people; "" where they can be. `known`: the schema of the input
/// `statistics`, null where there is none.
std::string obstacle_to_takeover(const StepContext& context, const Json& known, const TableRecipe& recipe);

/// Consecutive rows that one rank prepares: a piece that is read, or rows of a known file.
struct Share {
  std::int64_t piece = -1;  // -1: of a known file
  std::size_t file = 0;
  Range rows;  // of a known file, by their numbers in the whole table
};

class Takeover {
 public:
  Takeover(StepContext& context, std::string obstacle);

  /// For TableInput. Collective.
  std::vector<Json> recognise(const std::vector<InputFile>& files);
  /// After TableInput::settle. False where other columns or types than in the earlier run were found: then all files must be
  /// read, and recognise() knows none from now on.
  bool fits(const TableInput& input);

  /// Opens the earlier datasets where a file is known; `splits` are the names of the outputs. Throws Error (bad_data, io).
  void open(const TableInput& input, const std::vector<std::string>& splits);
  /// What this rank prepares, in order: where no file is known the pieces that the input gives it; otherwise ranks divide the rows
  /// among themselves, since those of known files cost less than others, but not nothing.
  std::vector<Share> shares(const TableInput& input) const;
  /// Of a share of a known file: how many rows each split gets, these rows as columns() takes them, and the columns.
  std::vector<std::int64_t> counts(const Share& share, const TableSplit& split) const {
    return rows_->counts(earlier(share), share.rows.begin, split);
  }
  std::vector<std::vector<std::int64_t>> rows(const Share& share, const TableSplit& split) const {
    return rows_->rows(earlier(share), share.rows.begin, split);
  }
  /// `info`: of this run's datasets.
  std::vector<OutputColumn> columns(const Share& share, const DatasetInfo& info) const {
    return rows_->columns(-shifts_[share.file], info);
  }
  /// Bytes of the longest text of each carried column of texts.
  std::map<std::string, std::int64_t> text_lengths(const Share& share) const {
    return rows_->text_lengths(earlier(share));
  }
  /// That the earlier datasets have these columns, but for the lengths of texts, and this schema. Throws Error (internal).
  void check(const DatasetInfo& info) const;

  /// Joins what each rank dropped of each file. Collective; `all` is the sum over all files.
  void count_dropped(Communicator& comm, const std::vector<DroppedRows>& of_file, DroppedRows& all);
  /// Leaves notes for later runs, and says how many files were taken over; on the first rank.
  void report(const TableInput& input);

 private:
  struct File {
    std::string digest, suffix;
  };
  /// The numbers that a share's rows had in the earlier table.
  Range earlier(const Share& share) const {
    return {share.rows.begin + shifts_[share.file], share.rows.end + shifts_[share.file]};
  }
  const Json& entry(std::size_t file) const { return earlier_.at("files").at(entries_[file]); }

  StepContext& context_;
  std::string obstacle_;
  bool unfit_ = false;                // what was known turned out not to fit
  Json earlier_ = nullptr;            // notes of the earlier run
  std::vector<File> files_;           // of this run
  std::vector<std::size_t> entries_;  // of each file, its place in the notes; none: as many as there are
  std::vector<std::int64_t>
      shifts_;  // of each known file's row numbers, from this table's to the earlier one's
  std::vector<std::int64_t> dropped_;  // three numbers a file
  std::unique_ptr<EarlierRows> rows_;
};

}  // namespace rankflow
