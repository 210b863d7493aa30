#include "steps/table_learner.h"

#include <cmath>

#include "io/json.h"

namespace rankflow {

TableLearner::TableLearner(WantedStatistics wanted, std::uint8_t training, std::int64_t points)
    : wanted_(std::move(wanted)), training_(training), points_(points) {
  for (const std::string& name : wanted_.quantiles) quantiles_[name];
  for (const std::string& name : wanted_.values) values_[name];
}

void TableLearner::look(const TablePart& part) {
  const std::vector<std::int64_t> rows = part.rows_in(training_);
  std::vector<double> numbers(rows.size());
  auto read = [&](const std::string& name) {
    gather_numbers(*as_numbers(part.table, name), rows, numbers.data());
  };
  if (part.unit != unit_) by_unit_.resize(by_unit_.size() + wanted_.moments.size());
  unit_ = part.unit;
  std::size_t at = by_unit_.size() - wanted_.moments.size();
  for (const std::string& name : wanted_.moments) {
    read(name);
    Moments moments;
    for (const double v : numbers) {
      if (!std::isnan(v)) moments.add(v);
    }
    by_unit_[at] = merge(by_unit_[at], moments);
    ++at;
  }
  for (const std::string& name : wanted_.quantiles) {
    read(name);
    quantiles_[name].add(numbers, points_);
  }
  for (const std::string& name : wanted_.values) {
    const Categories categories = categories_of(*part.table.at(name));
    std::vector<std::int64_t> counts(categories.names.size());
    for (const std::int64_t row : rows) {
      const std::int32_t code = categories.codes[static_cast<std::size_t>(row)];
      if (code >= 0) ++counts[static_cast<std::size_t>(code)];
    }
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] > 0) values_[name][categories.names[c]] += counts[c];
    }
    types_[name] = part.table.type(name);
  }
}

void TableLearner::finish_moments(Communicator& comm) {
  if (wanted_.moments.empty()) return;
  const auto merged = merge_over_ranks(comm, by_unit_, wanted_.moments.size());
  std::size_t at = 0;
  for (const std::string& name : wanted_.moments) moments_[name] = merged[at++];
}

void TableLearner::finish(Communicator& comm) {
  finish_moments(comm);
  for (auto& [name, quantiles] : quantiles_) quantiles.finish(comm);
  for (auto& [name, counts] : values_) {
    const auto type = types_.count(name) ? static_cast<int>(types_[name]) : -1;
    const auto all = comm.all_gather_text(Json{{"type", type}, {"counts", counts}}.dump());
    counts.clear();
    for (const std::string& text : all) {
      const Json json = Json::parse(text);
      for (const auto& [value, n] : json.at("counts").items()) counts[value] += n.get<std::int64_t>();
      if (json.at("type") >= 0) types_[name] = static_cast<ColumnType>(json.at("type").get<int>());
    }
  }
}

}  // namespace rankflow
