#include "io/csv_numbers.h"

#include <arrow/api.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "io/arrow_result.h"

namespace rankflow {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view without_blanks(std::string_view cell) {
  while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) cell.remove_prefix(1);
  while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.remove_suffix(1);
  return cell;
}

std::string_view without_plus(std::string_view cell) {
  cell = without_blanks(cell);
  if (cell.size() > 1 && cell[0] == '+' && (is_digit(cell[1]) || cell[1] == '.')) cell.remove_prefix(1);
  return cell;
}

enum class Cell { integer, long_integer, real, hexadecimal };

Cell kind_of(std::string_view cell) {
  cell = without_plus(cell);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (end == cell.data() + cell.size() && error == std::errc()) return Cell::integer;
  if (cell.find_first_of("xX") != std::string_view::npos) return Cell::hexadecimal;
  const bool whole = end == cell.data() + cell.size() && error == std::errc::result_out_of_range;
  return whole ? Cell::long_integer : Cell::real;
}

template <typename Use>
void for_each_cell(const arrow::ChunkedArray& cells, Use use) {
  for (const auto& chunk : cells.chunks()) {
    const auto& texts = static_cast<const arrow::StringArray&>(*chunk);
    for (std::int64_t i = 0; i < texts.length(); ++i) {
      const std::string_view cell = texts.IsNull(i) ? std::string_view() : texts.GetView(i);
      use(texts.IsNull(i) ? nullptr : &cell);
    }
  }
}

/// Where an integer that does not fit 64 bits ends up.
bool has_huge(const arrow::ChunkedArray& reals) {
  return std::any_of(reals.chunks().begin(), reals.chunks().end(), [](const auto& chunk) {
    const auto& array = static_cast<const arrow::DoubleArray&>(*chunk);
    for (std::int64_t i = 0; i < array.length(); ++i) {
      if (array.IsValid(i) && std::abs(array.Value(i)) >= 0x1p63) return true;
    }
    return false;
  });
}

}  // namespace

NumberDoubts doubts_about(std::string_view bytes) {
  NumberDoubts doubts;
  for (std::size_t at = bytes.find('+'); at != std::string_view::npos && !doubts.plus;
       at = bytes.find('+', at + 1))
    doubts.plus = at == 0 || (bytes[at - 1] != 'e' && bytes[at - 1] != 'E');
  doubts.hexadecimal =
      bytes.find("0x") != std::string_view::npos || bytes.find("0X") != std::string_view::npos;
  return doubts;
}

bool is_doubtful(const arrow::ChunkedArray& found, const NumberDoubts& doubts) {
  if (found.type()->id() == arrow::Type::INT64) return doubts.hexadecimal;
  return found.type()->id() == arrow::Type::DOUBLE && (doubts.plus || has_huge(found));
}

ColumnType type_of_cells(const arrow::ChunkedArray& cells) {
  bool real = false, too_long = false, hexadecimal = false;
  for_each_cell(cells, [&](const std::string_view* cell) {
    const Cell kind = cell ? kind_of(*cell) : Cell::integer;
    real = real || kind == Cell::real;
    too_long = too_long || kind == Cell::long_integer;
    hexadecimal = hexadecimal || kind == Cell::hexadecimal;
  });
  if (hexadecimal || (too_long && !real)) return ColumnType::text;
  return real ? ColumnType::real : ColumnType::integer;
}

Column without_plus(const arrow::ChunkedArray& texts) {
  arrow::StringBuilder builder;
  const std::string doing = "cannot make a column";
  for_each_cell(texts, [&](const std::string_view* cell) {
    check_arrow(cell ? builder.Append(without_plus(*cell)) : builder.AppendNull(), doing);
  });
  return std::make_shared<arrow::ChunkedArray>(value_of(builder.Finish(), doing));
}

}  // namespace rankflow
