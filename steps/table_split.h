// Which split (train, validation, test, …) each row of a table belongs to, whatever the number of ranks: at random, by the hash
// of a column, by time, or at random within each value of a column.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/json.h"
#include "steps/column_quantiles.h"
#include "steps/row_split.h"
#include "steps/table_part.h"

namespace rankflow {

class TableSplit {
 public:
  /// The keys `split`, `split_by` and `seed` of a prepare step; without `split` there is one, `data`.
  explicit TableSplit(const Json& parameters);

  /// In the order of their numbers.
  const std::vector<std::string>& names() const { return names_; }
  /// The number of the split that statistics are learnt from.
  std::uint8_t training() const { return training_; }
  /// The column that decides; "": none.
  const std::string& column() const { return column_; }

  /// Whether rows must be looked at before the first can be assigned. Then look() at every piece of this rank, in order.
  bool learns() const;
  /// `points`: ColumnQuantiles::points_for the table.
  void look(const TablePart& part, std::int64_t points);
  /// Collective.
  void finish(Communicator& comm);

  void assign(TablePart& part) const;
  /// Where learns() is false: whether rows stay in their splits when `shift` is added to their numbers.
  bool stays(std::int64_t shift) const { return kind_ != Kind::random || shift == 0; }
  /// Where they don't: the split of the row with this number.
  std::uint8_t of_number(std::int64_t number) const { return at(split_position(seed_, number)); }

 private:
  enum class Kind { all, random, hash, time, stratified };

  std::uint8_t at(double position) const;
  void assign_by_hash(TablePart& part) const;
  void assign_by_time(TablePart& part) const;
  void assign_stratified(TablePart& part) const;

  Kind kind_ = Kind::all;
  std::vector<std::string> names_{"data"};
  std::vector<double> ends_;  // of each but the last split, along [0, 1)
  std::uint8_t training_ = 0;
  std::uint64_t seed_ = 0;
  std::string column_;
  Json cuts_ = nullptr;  // time: the first value of each split but the first, given or learnt
  ColumnQuantiles quantiles_;
  std::map<std::int64_t, std::map<std::string, std::int64_t>>
      before_;                                // piece → value → rows of it in earlier pieces
  std::map<std::string, std::int64_t> seen_;  // rows of each value: of this rank, after finish() of all
};

}  // namespace rankflow
