#include "launchers/profile_view.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "launchers/run_view.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

constexpr std::size_t bars_of_a_line = 20;

std::string number_of(const Json& column, const char* key) {
  const auto found = column.find(key);
  return found != column.end() && found->is_number() ? number_text(found->get<double>()) : "";
}

std::string quantile_of(const Json& column, const char* q) {
  const auto found = column.find("quantiles");
  return found == column.end() ? "" : number_of(*found, q);
}

std::string missing_of(const Json& column) {
  const double missing = column.at("missing").get<double>();
  return missing == 0 ? "" : share_text(missing, column.at("count").get<double>());
}

std::string distinct_of(const Json& column) {
  return str(column.at("distinct_exact").get<bool>() ? "" : "about ",
             human_count(column.at("distinct").get<std::int64_t>()));
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : number_text(value.get<double>());
}

/// "ATL 5.1 %, ORD 4.9 %, DFW 4.8 %".
std::string frequent(const Json& column, std::size_t most) {
  const auto top = column.find("top");
  if (top == column.end()) return "";
  std::vector<std::string> parts;
  for (const Json& value : *top) {
    if (parts.size() == most) break;
    parts.push_back(str(fit(value_text(value.at("value")), 24), " ",
                        share_text(value.at("count").get<double>(), column.at("count").get<double>())));
  }
  if (top->size() > most || column.at("distinct").get<std::size_t>() > top->size()) parts.push_back("…");
  return join(parts, ", ");
}

/// The histogram in as many bars as fit a line: neighbours are added up.
std::string small_histogram(const Json& column) {
  const auto histogram = column.find("histogram");
  if (histogram == column.end()) return frequent(column, 3);
  const auto counts = histogram->at("counts").get<std::vector<std::int64_t>>();
  const std::size_t n = std::min(bars_of_a_line, counts.size());
  std::vector<std::int64_t> merged(n, 0);
  for (std::size_t i = 0; i < counts.size(); ++i) merged[i * n / counts.size()] += counts[i];
  return bars(merged);
}

}  // namespace

std::string number_text(double value) {
  constexpr double longest = 1e12;
  const bool large = std::abs(value) >= 1e4 && std::abs(value) < longest;
  const bool whole = value == std::floor(value) && std::abs(value) < longest;
  return large || whole ? std::to_string(std::llround(value)) : significant(value);
}

std::string share_text(double part, double whole) {
  if (whole <= 0) return "";
  constexpr int usual = 3, most = 12;
  std::string text = significant(100 * part / whole, usual);
  for (int digits = usual + 1; part < whole && text == "100" && digits <= most; ++digits)
    text = significant(100 * part / whole, digits);
  return text + " %";
}

std::string bars(const Json& counts) {
  static constexpr const char* heights[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double highest = 0;
  for (const Json& count : counts) highest = std::max(highest, count.get<double>());
  std::string out;
  for (const Json& count : counts) {
    const double part = highest > 0 ? count.get<double>() / highest : 0;
    // What is there at all is seen.
    out += heights[part == 0 ? 0 : std::clamp(static_cast<int>(part * 8 + 0.5), 1, 8)];
  }
  return out;
}

std::string profile_text(const Json& profile, const std::string& title, std::size_t width, bool color,
                         std::size_t most) {
  TextTable table({{"column"},
                   {"type"},
                   {"missing", true},
                   {"distinct", true},
                   {"min", true},
                   {"25 %", true},
                   {"median", true},
                   {"75 %", true},
                   {"max", true},
                   {"mean", true},
                   {"std", true},
                   {"values"}});
  const Json& columns = profile.at("columns");
  for (std::size_t i = 0; i < std::min(most, columns.size()); ++i) {
    const Json& c = columns[i];
    table.add({{c.at("name").get<std::string>()},
               {c.at("type").get<std::string>(), Color::dim},
               {missing_of(c), Color::yellow},
               {distinct_of(c)},
               {number_of(c, "min")},
               {quantile_of(c, "0.25")},
               {quantile_of(c, "0.5")},
               {quantile_of(c, "0.75")},
               {number_of(c, "max")},
               {number_of(c, "mean")},
               {number_of(c, "std")},
               {small_histogram(c)}});
  }
  std::string out = str(title, ": ", counted(profile.at("rows").get<std::size_t>(), "row"), ", ",
                        counted(columns.size(), "column"), "\n\n", table.text(width, color));
  if (columns.size() > most) out += str("… and ", columns.size() - most, " more columns (--html, --json)\n");
  return out;
}

}  // namespace rankflow
