// Rows of your own code: how much ink a digit has, and on which side of the picture more of it lies.
#include <array>
#include <stdexcept>

#include "steps/row_plugin.h"

namespace {

using rankflow::MiniBatch;
using rankflow::RowColumn;
using rankflow::RowTable;

/// A pixel of the row, of a column of integers or numbers.
double value_of(const RowColumn& column, std::size_t row) {
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values))
    return static_cast<double>(integers->at(row));
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) return numbers->at(row);
  throw std::invalid_argument("column " + column.name + " holds no numbers");
}

class Ink : public rankflow::RowProgram {
 public:
  explicit Ink(const rankflow::RowProgramContext& context)
      : width_(context.parameters.value("width", 8)), pixels_(context.parameters.value("pixels", 64)) {
    if (width_ < 2 || pixels_ % width_ != 0)
      throw std::invalid_argument("pixels has to be a multiple of width");
  }

  RowTable run(const MiniBatch& batch) override {
    if (batch.table.columns.size() < pixels_)
      throw std::invalid_argument("the table has " + std::to_string(batch.table.columns.size()) +
                                  " columns, not " + std::to_string(pixels_) + " pixels");
    std::vector<double> ink;
    std::vector<std::string> side;
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.table.rows); ++row) {
      std::array<double, 2> half{};
      for (std::size_t p = 0; p < pixels_; ++p)
        half[2 * (p % width_) >= width_] += value_of(batch.table.columns[p], row);
      ink.push_back(half[0] + half[1]);
      side.push_back(half[0] > half[1] ? "left" : "right");
    }
    return {batch.table.rows,
            {{.name = "ink", .values = std::move(ink)}, {.name = "side", .values = std::move(side)}}};
  }

 private:
  std::size_t width_, pixels_;
};

}  // namespace

extern "C" const char* rankflow_rows_interface() {
  return rankflow::rows_interface;
}

extern "C" rankflow::RowProgram* rankflow_make_row_program(const rankflow::RowProgramContext& context) {
  return new Ink(context);
}
