// What is learnt of columns from the training rows of all ranks: moments, quantiles, how often each value occurs. The same bits
// whatever the number of ranks.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "steps/column_quantiles.h"
#include "steps/column_statistics.h"
#include "steps/table_part.h"

namespace rankflow {

struct WantedStatistics {
  std::set<std::string> moments, quantiles, values;  // of these columns

  bool empty() const { return moments.empty() && quantiles.empty() && values.empty(); }
};

class TableLearner {
 public:
  /// `points`: ColumnQuantiles::points_for the table. `training`: number of the split to learn from.
  TableLearner(WantedStatistics wanted, std::uint8_t training, std::int64_t points);

  /// The parts of this rank, in their order.
  void look(const TablePart& part);
  /// Joins what all ranks saw. Collective.
  void finish(Communicator& comm);

  // After finish().
  const Moments& moments(const std::string& column) const { return moments_.at(column); }
  const ColumnQuantiles& quantiles(const std::string& column) const { return quantiles_.at(column); }
  /// How often each value occurs, by the text that it is as a category.
  const std::map<std::string, std::int64_t>& values(const std::string& column) const {
    return values_.at(column);
  }
  ColumnType type(const std::string& column) const { return types_.at(column); }

 private:
  void finish_moments(Communicator& comm);

  WantedStatistics wanted_;
  std::uint8_t training_;
  std::int64_t points_;
  std::int64_t unit_ = -1;        // of the moments at the end of each list below
  std::vector<Moments> by_unit_;  // one for each column of wanted_.moments, unit by unit
  std::map<std::string, Moments> moments_;
  std::map<std::string, ColumnQuantiles> quantiles_;
  std::map<std::string, std::map<std::string, std::int64_t>> values_;
  std::map<std::string, ColumnType> types_;
};

}  // namespace rankflow
