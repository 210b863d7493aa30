#include "steps/earlier_rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "io/carried.h"

namespace rankflow {
namespace {

/// A row of a dataset as one number: those that lie one after the other are numbered so.
constexpr std::int64_t one_dataset = std::int64_t{1} << 48;

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

EarlierRows::EarlierRows(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) datasets_.emplace_back(folder);
}

Range EarlierRows::range_in(std::size_t dataset, Range numbers) const {
  return {first_from(datasets_[dataset], numbers.begin), first_from(datasets_[dataset], numbers.end)};
}

std::vector<std::int64_t> EarlierRows::numbers_of(std::size_t dataset, Range rows) const {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows.size()));
  datasets_[dataset].copy("row", rows, numbers.data());
  return numbers;
}

std::vector<std::int64_t> EarlierRows::counts(Range numbers, std::int64_t first,
                                              const TableSplit& split) const {
  std::vector<std::int64_t> counts(datasets_.size(), 0);
  const std::int64_t shift = first - numbers.begin;
  for (std::size_t d = 0; d < datasets_.size(); ++d) {
    const Range rows = range_in(d, numbers);
    if (split.stays(shift)) {
      counts[d] += rows.size();
      continue;
    }
    for (const std::int64_t number : numbers_of(d, rows)) ++counts[split.of_number(number + shift)];
  }
  return counts;
}

std::vector<std::vector<std::int64_t>> EarlierRows::rows(Range numbers, std::int64_t first,
                                                         const TableSplit& split) const {
  const std::int64_t shift = first - numbers.begin;
  std::vector<std::vector<std::int64_t>> rows(datasets_.size());
  std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> sorted(datasets_.size());  // number, row
  for (std::size_t d = 0; d < datasets_.size(); ++d) {
    const Range range = range_in(d, numbers);
    const std::int64_t begin = static_cast<std::int64_t>(d) * one_dataset + range.begin;
    if (split.stays(shift)) {
      rows[d].resize(static_cast<std::size_t>(range.size()));
      std::iota(rows[d].begin(), rows[d].end(), begin);
      continue;
    }
    std::vector<std::ptrdiff_t> before;
    for (const auto& list : sorted) before.push_back(std::ssize(list));
    const auto found = numbers_of(d, range);
    for (std::size_t i = 0; i < found.size(); ++i)
      sorted[split.of_number(found[i] + shift)].push_back({found[i], begin + static_cast<std::int64_t>(i)});
    for (std::size_t s = 0; s < sorted.size(); ++s)
      std::inplace_merge(sorted[s].begin(), sorted[s].begin() + before[s], sorted[s].end());
  }
  for (std::size_t s = 0; s < sorted.size(); ++s) {
    for (const auto& [number, row] : sorted[s]) rows[s].push_back(row);
  }
  return rows;
}

std::vector<std::int64_t> EarlierRows::places(std::int64_t count) const {
  std::vector<std::int64_t> places(static_cast<std::size_t>(count), -1);
  for (std::size_t d = 0; d < datasets_.size(); ++d) {
    std::int64_t place = static_cast<std::int64_t>(d) * one_dataset;
    for (const std::int64_t number : numbers_of(d, {0, datasets_[d].rows()})) {
      if (number < 0 || number >= count)
        throw Error(ExitStatus::bad_data, str("an earlier dataset has a row ", number, " of ", count),
                    "--force prepares all files again");
      places[static_cast<std::size_t>(number)] = place++;
    }
  }
  return places;
}

std::map<std::string, std::int64_t> EarlierRows::text_lengths(Range numbers) const {
  std::map<std::string, std::int64_t> lengths;
  for (const ColumnInfo& column : info().columns) {
    if (!is_carried_text(info(), column.name)) continue;
    std::int64_t& longest = lengths[column.name];
    for (std::size_t d = 0; d < datasets_.size(); ++d) {
      datasets_[d].for_each_row(column.name, range_in(d, numbers), [&](const std::byte* row) {
        longest = std::max(longest, std::ssize(text_at(row, datasets_[d].info().at(column.name))));
      });
    }
  }
  return lengths;
}

void EarlierRows::copy(const ColumnInfo& column, std::size_t dataset, Range rows, std::byte* out) const {
  const Dataset& data = datasets_[dataset];
  const std::size_t bytes = column.row_bytes(), theirs = data.info().at(column.name).row_bytes();
  if (bytes == theirs) return data.copy(column.name, rows, out);
  std::memset(out, 0, static_cast<std::size_t>(rows.size()) * bytes);
  data.for_each_row(column.name, rows, [&](const std::byte* row) {
    std::memcpy(out, row, std::min(bytes, theirs));
    out += bytes;
  });
}

std::vector<OutputColumn> EarlierRows::columns(std::int64_t shift, const DatasetInfo& info) const {
  std::vector<OutputColumn> columns;
  for (const ColumnInfo& column : info.columns) {
    columns.push_back(
        {column, [this, column, shift](std::span<const std::int64_t> rows, std::byte* out) {
           std::byte* const begin = out;
           for (std::size_t i = 0; i < rows.size();) {
             std::size_t end = i + 1;
             while (end < rows.size() && rows[end] == rows[end - 1] + 1) ++end;
             const std::int64_t row = rows[i] % one_dataset;
             const auto count = static_cast<std::int64_t>(end - i);
             copy(column, static_cast<std::size_t>(rows[i] / one_dataset), {row, row + count}, out);
             out += static_cast<std::size_t>(count) * column.row_bytes();
             i = end;
           }
           if (column.name != "row" || shift == 0) return;
           auto* numbers = reinterpret_cast<std::int64_t*>(begin);
           for (std::size_t i = 0; i < rows.size(); ++i) numbers[i] += shift;
         }});
  }
  return columns;
}

}  // namespace rankflow
