#include "steps/table_split.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/sha256.h"
#include "base/text.h"
#include "io/optional_key.h"
#include "io/time_text.h"
#include "steps/row_split.h"

namespace rankflow {
namespace {

// Rows of one value whose places along [0, 1) are a shuffle of as many evenly spaced ones.
constexpr std::int64_t stratum = 1000;

/// A number in [0, 1) for a text.
double position_of(const std::string& text, std::uint64_t seed) {
  const std::string digest = sha256(str(seed, ":", text));
  return static_cast<double>(std::stoull(digest.substr(0, 16), nullptr, 16) >> 11) * 0x1p-53;
}

/// The order in which the splits lie along time: as listed, or the usual one.
std::vector<std::string> order_of(const Json& rule, const std::vector<std::string>& names) {
  if (!value_or_null(rule, "order").is_null()) return rule.at("order");
  std::vector<std::string> order;
  for (const char* usual : {"train", "validation", "test"}) {
    if (std::count(names.begin(), names.end(), usual)) order.push_back(usual);
  }
  return order;
}

/// The values of `split_by.at` as texts that are compared with those of a column.
std::vector<std::string> comparable_cuts(const Json& cuts) {
  std::vector<std::string> texts;
  for (const Json& cut : cuts) texts.push_back(cut.is_string() ? cut.get<std::string>() : cut.dump());
  return comparable_times(texts);
}

/// Numbers were looked at before anything ran.
void check_ascending(const Json& cuts) {
  if (cuts.empty() || !cuts[0].is_string()) return;
  const auto texts = comparable_cuts(cuts);
  for (std::size_t i = 1; i < texts.size(); ++i) {
    if (texts[i] <= texts[i - 1])
      throw Error(ExitStatus::configuration, str("`split_by.at` has to ascend, and ", cuts[i].dump(),
                                                 " comes after ", cuts[i - 1].dump()));
  }
}

std::vector<double> numbers_of(const TablePart& part, const std::string& column) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(part.table.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<double> values(rows.size());
  gather_numbers(*as_numbers(part.table, column), rows, values.data());
  return values;
}

Error no_value(const TablePart& part, std::size_t row, const std::string& column) {
  return Error(ExitStatus::bad_data,
               str(part.table.place(static_cast<std::int64_t>(row)), ": column \"", column,
                   "\", by which rows are split, has no value"),
               "leave such rows out with `filter`");
}

}  // namespace

TableSplit::TableSplit(const Json& parameters) : seed_(parameters.at("seed").get<std::uint64_t>()) {
  const Json& split = value_or_null(parameters, "split");
  if (split.is_null()) return;
  const auto fractions = split.get<std::map<std::string, double>>();
  names_.clear();
  for (const auto& [name, fraction] : fractions) names_.push_back(name);
  const Json& rule = value_or_null(parameters, "split_by");
  const std::string type = rule.is_null() ? "random" : rule.at("type").get<std::string>();
  kind_ = type == "hash"         ? Kind::hash
          : type == "time"       ? Kind::time
          : type == "stratified" ? Kind::stratified
                                 : Kind::random;
  if (names_.size() == 1) kind_ = Kind::all;
  if (kind_ != Kind::random && kind_ != Kind::all) column_ = rule.at("column");
  if (kind_ == Kind::time) {
    names_ = order_of(rule, names_);
    cuts_ = value_or_null(rule, "at");
    check_ascending(cuts_);
  }
  double end = 0;
  for (const std::string& name : names_) ends_.push_back(end += fractions.at(name));
  ends_.pop_back();  // the last one takes what rounding leaves above the sum
  const auto train = std::find(names_.begin(), names_.end(), "train");
  training_ = train == names_.end() ? 0 : static_cast<std::uint8_t>(train - names_.begin());
}

bool TableSplit::learns() const {
  return kind_ == Kind::stratified || (kind_ == Kind::time && cuts_.is_null());
}

void TableSplit::look(const TablePart& part, std::int64_t points) {
  if (kind_ == Kind::time) {
    if (part.table.type(column_) == ColumnType::text)
      throw Error(ExitStatus::configuration,
                  str("rows can be split by fractions of time only where it is a number; \"", column_,
                      "\" is a text"),
                  str("derive a column `timestamp(", column_, ")`, or give the first values under `at`"));
    quantiles_.add(numbers_of(part, column_), points);
    return;
  }
  before_[part.piece] = seen_;
  const Categories values = categories_of(*part.table.at(column_));
  for (const std::int32_t code : values.codes)
    ++seen_[code < 0 ? "" : values.names[static_cast<std::size_t>(code)]];
}

void TableSplit::finish(Communicator& comm) {
  if (kind_ == Kind::time) {
    quantiles_.finish(comm);
    cuts_ = Json::array();
    // The first value of the next split is the first above the quantile.
    for (const double end : ends_)
      cuts_.push_back(quantiles_.empty()
                          ? 0.0
                          : std::nextafter(quantiles_.at(end), std::numeric_limits<double>::infinity()));
    return;
  }
  std::map<std::string, std::int64_t> earlier;
  const auto all = comm.all_gather_text(Json(seen_).dump());
  seen_.clear();
  for (int rank = 0; rank < comm.size(); ++rank) {
    if (rank == comm.rank()) earlier = seen_;
    for (const auto& [value, rows] :
         Json::parse(all[static_cast<std::size_t>(rank)]).get<std::map<std::string, std::int64_t>>())
      seen_[value] += rows;
  }
  for (auto& [piece, counts] : before_) {
    for (const auto& [value, rows] : earlier) counts[value] += rows;
  }
}

std::uint8_t TableSplit::at(double position) const {
  return static_cast<std::uint8_t>(std::upper_bound(ends_.begin(), ends_.end(), position) - ends_.begin());
}

void TableSplit::assign(TablePart& part) const {
  part.split.assign(static_cast<std::size_t>(part.table.rows()), 0);
  if (kind_ == Kind::hash) assign_by_hash(part);
  if (kind_ == Kind::time) assign_by_time(part);
  if (kind_ == Kind::stratified) assign_stratified(part);
  if (kind_ != Kind::random) return;
  for (std::size_t row = 0; row < part.split.size(); ++row)
    part.split[row] = at(split_position(seed_, part.source_row(static_cast<std::int64_t>(row))));
}

void TableSplit::assign_by_hash(TablePart& part) const {
  const Categories values = categories_of(*part.table.at(column_));
  std::vector<std::uint8_t> split_of;
  for (const std::string& value : values.names) split_of.push_back(at(position_of(value, seed_)));
  for (std::size_t row = 0; row < part.split.size(); ++row) {
    const std::int32_t code = values.codes[row];
    if (code < 0) throw no_value(part, row, column_);
    part.split[row] = split_of[static_cast<std::size_t>(code)];
  }
}

void TableSplit::assign_by_time(TablePart& part) const {
  if (part.table.type(column_) == ColumnType::text) {
    const std::vector<std::string> cuts = comparable_cuts(cuts_);
    const Categories values = categories_of(*part.table.at(column_));
    const std::vector<std::string> names = comparable_times(values.names);
    for (std::size_t row = 0; row < part.split.size(); ++row) {
      const std::int32_t code = values.codes[row];
      if (code < 0) throw no_value(part, row, column_);
      const std::string& name = names[static_cast<std::size_t>(code)];
      part.split[row] =
          static_cast<std::uint8_t>(std::upper_bound(cuts.begin(), cuts.end(), name) - cuts.begin());
    }
    return;
  }
  std::vector<double> cuts;
  for (const Json& cut : cuts_) {
    if (!cut.is_number())
      throw Error(ExitStatus::configuration, str("`split_by.at` has \"", cut.get<std::string>(), "\", but \"",
                                                 column_, "\" is a number"));
    cuts.push_back(cut);
  }
  const auto values = numbers_of(part, column_);
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (std::isnan(values[row])) throw no_value(part, row, column_);
    part.split[row] =
        static_cast<std::uint8_t>(std::upper_bound(cuts.begin(), cuts.end(), values[row]) - cuts.begin());
  }
}

void TableSplit::assign_stratified(TablePart& part) const {
  const Categories values = categories_of(*part.table.at(column_));
  auto seen = before_.count(part.piece) ? before_.at(part.piece) : std::map<std::string, std::int64_t>{};
  std::map<std::pair<std::string, std::int64_t>, std::vector<std::int64_t>> shuffles;
  for (std::size_t row = 0; row < part.split.size(); ++row) {
    const std::int32_t code = values.codes[row];
    const std::string value = code < 0 ? "" : values.names[static_cast<std::size_t>(code)];
    const std::int64_t index = seen[value]++;
    auto& shuffle = shuffles[{value, index / stratum}];
    if (shuffle.empty()) {
      // The last rows of a value are fewer, and as evenly spaced: ten of them are divided 8 to 2, not by luck.
      const std::int64_t rest = seen_.at(value) - index / stratum * stratum;
      shuffle.resize(static_cast<std::size_t>(std::min(stratum, rest)));
      std::iota(shuffle.begin(), shuffle.end(), 0);
      // By the positions that rows with these numbers would have, so that no library's shuffle decides.
      const auto stream =
          static_cast<std::uint64_t>(position_of(str(value, ":", index / stratum), seed_) * 0x1p53);
      std::sort(shuffle.begin(), shuffle.end(), [&](std::int64_t a, std::int64_t b) {
        return split_position(stream, a) < split_position(stream, b);
      });
    }
    part.split[row] = at((static_cast<double>(shuffle[static_cast<std::size_t>(index % stratum)]) + 0.5) /
                         static_cast<double>(shuffle.size()));
  }
}

}  // namespace rankflow
