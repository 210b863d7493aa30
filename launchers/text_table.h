// Tables on a terminal: aligned columns, colours that don't count as width, columns without content left out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

enum class Color { none, green, red, yellow, dim };

/// `text` in a colour, where `enabled`; ANSI escape codes.
std::string colored(std::string_view text, Color color, bool enabled);
/// Columns that UTF-8 `text` takes on a terminal, counting one per code point.
std::size_t display_width(std::string_view text);
/// `text` cut to `width` columns, the last being "…" where something is missing.
std::string fit(std::string_view text, std::size_t width);

/// `text` on one line: line breaks and other control characters, which could also move or colour, as escapes.
std::string on_one_line(std::string_view text);

struct Cell {
  std::string text;
  Color color = Color::none;
};

class TextTable {
 public:
  struct Column {
    std::string title;
    bool right = false;  // aligned right: numbers
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as columns; their texts are shown on one line.
  void add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  /// Title line and rows, each cut to `width` columns (0: not cut) and ended by a newline.
  std::string text(std::size_t width, bool color) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace rankflow
