#include "launchers/text_table.h"

#include <algorithm>
#include <cstdio>

namespace rankflow {
namespace {

bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

std::string colored(std::string_view text, Color color, bool enabled) {
  if (!enabled || color == Color::none || text.empty()) return std::string(text);
  const char* codes[] = {"", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m"};
  return std::string(codes[static_cast<int>(color)]).append(text).append("\x1b[0m");
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::size_t columns = 0, end = 0;
  for (; end < text.size(); ++end) {
    if (starts_code_point(text[end]) && columns++ == width - 1) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string on_one_line(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (c < 0x20 || c == 0x7F ||
               (c == 0xC2 && next >= 0x80 && next < 0xA0)) {  // also those above ASCII
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", c == 0xC2 ? next : c);
      out += escaped;
      i += c == 0xC2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void TextTable::add(std::vector<Cell> row) {
  for (Cell& cell : row) cell.text = on_one_line(cell.text);
  rows_.push_back(std::move(row));
}

std::string TextTable::text(std::size_t width, bool color) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < columns_.size(); ++c)
      widths[c] = std::max(widths[c], display_width(row[c].text));
  }
  std::size_t last = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (widths[c] == 0) continue;
    last = c;
    widths[c] = std::max(widths[c], display_width(columns_[c].title));
  }

  auto line = [&](const std::vector<Cell>& row) {
    std::string out;
    std::size_t used = 0;
    for (std::size_t c = 0; c <= last; ++c) {
      if (widths[c] == 0) continue;
      const std::size_t gap = used ? 2 : 0;
      if (width && used + gap >= width) break;
      const std::string shown = width ? fit(row[c].text, width - used - gap) : row[c].text;
      const std::size_t padding = widths[c] - std::min(widths[c], display_width(shown));
      out.append(gap, ' ');
      if (columns_[c].right) out.append(padding, ' ');
      out += colored(shown, row[c].color, color);
      if (!columns_[c].right && c != last) out.append(padding, ' ');
      used += gap + std::max(widths[c], display_width(shown));
    }
    return out.erase(out.find_last_not_of(' ') + 1) + "\n";
  };

  std::vector<Cell> titles;
  for (const auto& column : columns_) titles.push_back({column.title, Color::dim});
  std::string out = line(titles);
  for (const auto& row : rows_) out += line(row);
  return out;
}

}  // namespace rankflow
