#include "steps/earlier_rows.h"

#include <algorithm>
#include <cstring>

namespace rankflow {
namespace {

/// The first row of a dataset whose number in the table is not below `number`: datasets are in the order of these.
std::int64_t first_from(const Dataset& data, std::int64_t number) {
  std::int64_t begin = 0, end = data.rows();
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    std::int64_t found = 0;
    data.copy("row", {middle, middle + 1}, &found);
    (found < number ? begin : end) = found < number ? middle + 1 : middle;
  }
  return begin;
}

}  // namespace

std::vector<std::int64_t> TakenRows::rows_in(std::uint8_t split) const {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < split_.size(); ++row) {
    if (split_[row] == split) rows.push_back(static_cast<std::int64_t>(row));
  }
  return rows;
}

std::vector<OutputColumn> TakenRows::columns() const {
  std::vector<OutputColumn> columns;
  for (std::size_t c = 0; c < infos_.size(); ++c) {
    const std::byte* values = values_[c].data();
    const std::size_t bytes = infos_[c].row_bytes();
    columns.push_back({infos_[c], [values, bytes](std::span<const std::int64_t> rows, std::byte* out) {
                         for (const std::int64_t row : rows) {
                           std::memcpy(out, values + static_cast<std::size_t>(row) * bytes, bytes);
                           out += bytes;
                         }
                       }});
  }
  return columns;
}

EarlierRows::EarlierRows(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) datasets_.emplace_back(folder);
}

std::vector<EarlierRows::Place> EarlierRows::places(Range numbers) const {
  std::vector<Place> places;
  for (std::size_t d = 0; d < datasets_.size(); ++d) {
    const Range rows{first_from(datasets_[d], numbers.begin), first_from(datasets_[d], numbers.end)};
    std::vector<std::int64_t> found(static_cast<std::size_t>(rows.size()));
    datasets_[d].copy("row", rows, found.data());
    for (std::size_t i = 0; i < found.size(); ++i)
      places.push_back({found[i], static_cast<std::uint8_t>(d), rows.begin + static_cast<std::int64_t>(i)});
  }
  if (datasets_.size() > 1) {
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.number < b.number; });
  }
  return places;
}

std::vector<std::uint8_t> EarlierRows::splits(Range numbers, std::int64_t first,
                                              const TableSplit& split) const {
  std::vector<std::uint8_t> splits;
  for (const Place& place : places(numbers))
    splits.push_back(split.again(place.dataset, place.number - numbers.begin + first));
  return splits;
}

TakenRows EarlierRows::read(Range numbers, std::int64_t first, const TableSplit& split) const {
  TakenRows taken;
  taken.infos_ = info().columns;
  const auto kept = places(numbers);
  for (const ColumnInfo& column : taken.infos_) {
    const std::size_t bytes = column.row_bytes();
    auto& values = taken.values_.emplace_back(kept.size() * bytes);
    // Rows that lie one after the other are copied together.
    for (std::size_t begin = 0; begin < kept.size();) {
      std::size_t end = begin + 1;
      while (end < kept.size() && kept[end].dataset == kept[begin].dataset &&
             kept[end].row == kept[end - 1].row + 1)
        ++end;
      const std::int64_t row = kept[begin].row;
      datasets_[kept[begin].dataset].copy(column.name, {row, row + static_cast<std::int64_t>(end - begin)},
                                          values.data() + begin * bytes);
      begin = end;
    }
    if (column.name != "row") continue;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const std::int64_t now = kept[i].number - numbers.begin + first;
      std::memcpy(values.data() + i * bytes, &now, bytes);
    }
  }
  for (const Place& place : kept)
    taken.split_.push_back(split.again(place.dataset, place.number - numbers.begin + first));
  return taken;
}

}  // namespace rankflow
