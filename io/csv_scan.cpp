#include "io/csv_scan.h"

#include <algorithm>
#include <cstring>

namespace rankflow {
namespace {

CsvState next(CsvState state, char c, char delimiter) {
  const bool line_end = c == '\n' || c == '\r';
  if (state == CsvState::quoted) return c == '"' ? CsvState::quote_in_quoted : CsvState::quoted;
  if (line_end) return CsvState::record_start;
  if (c == delimiter) return CsvState::cell_start;
  if (c == '"' && state != CsvState::cell) return CsvState::quoted;
  return CsvState::cell;
}

/// A block without quotes: outside of quotes all line ends end records, inside none does.
CsvScan scan_without_quotes(std::string_view block, char delimiter) {
  CsvScan scan;
  const std::size_t line_end = block.find_first_of("\n\r");
  const std::int64_t first = line_end == std::string_view::npos || line_end + 1 == block.size()
                                 ? -1
                                 : static_cast<std::int64_t>(line_end + 1);
  const CsvState last = next(CsvState::cell, block.back(), delimiter);
  for (std::size_t s = 0; s < csv_states; ++s) scan.from[s] = {last, first};
  scan.from[static_cast<std::size_t>(CsvState::record_start)].first = 0;
  scan.from[static_cast<std::size_t>(CsvState::quoted)] = {CsvState::quoted, -1};
  return scan;
}

/// States that met go on as one: after few bytes two are left, inside and outside of quotes.
struct Run {
  CsvState state;
  std::int64_t first;
  std::vector<std::size_t> starts;
};

void advance(Run& run, std::string_view block, std::size_t begin, std::size_t end, char delimiter) {
  CsvState state = run.state;
  for (std::size_t i = begin; i < end; ++i) {
    if (run.first < 0 && state == CsvState::record_start) run.first = static_cast<std::int64_t>(i);
    state = next(state, block[i], delimiter);
  }
  run.state = state;
}

void join_equal(std::vector<Run>& runs) {
  for (std::size_t a = 0; a < runs.size(); ++a) {
    for (std::size_t b = runs.size() - 1; b > a; --b) {
      if (runs[a].state != runs[b].state || runs[a].first != runs[b].first) continue;
      runs[a].starts.insert(runs[a].starts.end(), runs[b].starts.begin(), runs[b].starts.end());
      runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(b));
    }
  }
}

}  // namespace

std::string CsvScan::packed() const {
  std::string text(sizeof(from), '\0');
  std::memcpy(text.data(), from.data(), sizeof(from));
  return text;
}

CsvScan CsvScan::unpacked(const std::string& text) {
  CsvScan scan;
  std::memcpy(scan.from.data(), text.data(), sizeof(scan.from));
  return scan;
}

CsvScan scan_csv(std::string_view block, char delimiter, bool quoting) {
  if (!quoting || std::memchr(block.data(), '"', block.size()) == nullptr)
    return scan_without_quotes(block, delimiter);
  std::vector<Run> runs;
  for (std::size_t s = 0; s < csv_states; ++s) runs.push_back({static_cast<CsvState>(s), -1, {s}});
  constexpr std::size_t stretch = 512;
  for (std::size_t begin = 0; begin < block.size(); begin += stretch) {
    for (Run& run : runs) advance(run, block, begin, std::min(block.size(), begin + stretch), delimiter);
    join_equal(runs);
  }
  CsvScan scan;
  for (const Run& run : runs) {
    for (const std::size_t s : run.starts) scan.from[s] = {run.state, run.first};
  }
  return scan;
}

std::vector<std::int64_t> cut_csv(std::span<const CsvScan> scans, std::int64_t block, std::int64_t data_begin,
                                  CsvState& end) {
  std::vector<std::int64_t> begins{data_begin};
  end = CsvState::record_start;
  for (std::size_t b = 0; b < scans.size(); ++b) {
    const CsvScan::From& from = scans[b].from[static_cast<std::size_t>(end)];
    const std::int64_t begin = static_cast<std::int64_t>(b) * block + from.first;
    if (from.first >= 0 && begin > begins.back()) begins.push_back(begin);
    end = from.end;
  }
  return begins;
}

void CsvCounter::add(std::string_view block) {
  for (const char c : block) {
    const CsvState after = quoting_ || c != '"' ? next(state_, c, delimiter_) : CsvState::cell;
    if (state_ == CsvState::record_start && after != CsvState::record_start) ++records_;
    state_ = after;
  }
}

std::optional<std::string> with_quoted_blanks_marked(std::string_view text, char delimiter) {
  if (text.find("\"\"") == std::string_view::npos) return std::nullopt;
  std::string records(text);
  bool found = false;
  CsvState state = CsvState::record_start;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool start = state == CsvState::record_start || state == CsvState::cell_start;
    if (start && records.compare(i, 2, "\"\"") == 0) {
      const CsvState behind = i + 2 < records.size()
                                  ? next(CsvState::quote_in_quoted, records[i + 2], delimiter)
                                  : CsvState::record_start;
      if (behind == CsvState::record_start || behind == CsvState::cell_start) {
        records.replace(i, 2, quoted_blank);
        found = true;
      }
    }
    state = next(state, records[i], delimiter);
  }
  return found ? std::optional(std::move(records)) : std::nullopt;
}

bool first_csv_record(std::string_view text, char delimiter, bool whole, std::vector<std::string>& cells,
                      std::size_t& behind) {
  cells.clear();
  std::string cell;
  CsvState state = CsvState::record_start;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const CsvState after = next(state, text[i], delimiter);
    const bool begun = state != CsvState::record_start || after != CsvState::record_start;
    if (begun && (after == CsvState::record_start || after == CsvState::cell_start)) {
      cells.push_back(cell);
      cell.clear();
    } else if (after == CsvState::cell || (after == CsvState::quoted && state == CsvState::quoted) ||
               (after == CsvState::quoted && state == CsvState::quote_in_quoted)) {
      cell += text[i];
    }
    if (begun && after == CsvState::record_start) {
      behind = i + 1;
      return true;
    }
    state = after;
  }
  if (!whole || state == CsvState::record_start || state == CsvState::quoted) return false;
  cells.push_back(cell);
  behind = text.size();
  return true;
}

}  // namespace rankflow
