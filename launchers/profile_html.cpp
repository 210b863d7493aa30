#include <algorithm>

#include "base/text.h"
#include "launchers/profile_view.h"
#include "launchers/run_view.h"

namespace rankflow {
namespace {

constexpr double plot_width = 360, plot_height = 120, axis = 16;
constexpr std::size_t most_bars = 10;  // of frequent values

constexpr const char* style = R"(
:root{--ink:#1c2330;--soft:#667085;--line:#d9dee7;--fill:#3b6fb6;--back:#fff;--card:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa4b5;--line:#343b49;--fill:#7aa7e8;--back:#14171d;--card:#1b1f27}}
body{margin:2rem auto;max-width:84rem;padding:0 1rem;background:var(--back);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}p.sub{color:var(--soft);margin:.2rem 0 1.5rem;overflow-wrap:anywhere}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(24rem,1fr));gap:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.9rem 1rem;overflow:hidden}
h2{font-size:1rem;margin:0 0 .5rem;overflow-wrap:anywhere}h2 span{color:var(--soft);font-weight:400;font-size:.85rem;margin-left:.4rem}
dl{display:grid;grid-template-columns:repeat(4,auto);gap:.1rem .8rem;margin:.6rem 0 0;font-size:.85rem}
dt{color:var(--soft)}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;display:block}svg rect{fill:var(--fill)}svg text{fill:var(--soft);font-size:11px}
svg line{stroke:var(--line)}svg text.name{fill:var(--ink)}svg rect.rest{fill:var(--line)}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string rect(double x, double y, double width, double height, const std::string& tip,
                 const char* kind = "") {
  return str("<rect x=\"", significant(x), "\" y=\"", significant(y), "\" width=\"",
             significant(std::max(width, 0.5)), "\" height=\"", significant(std::max(height, 0.0)), "\"",
             *kind ? str(" class=\"", kind, "\"") : "", "><title>", escaped(tip), "</title></rect>");
}

std::string label(double x, double y, const char* anchor, const std::string& text, const char* kind = "") {
  return str("<text x=\"", significant(x), "\" y=\"", significant(y), "\" text-anchor=\"", anchor, "\"",
             *kind ? str(" class=\"", kind, "\"") : "", ">", escaped(text), "</text>");
}

std::string histogram_plot(const Json& histogram, double count) {
  const auto counts = histogram.at("counts").get<std::vector<double>>();
  const auto edges = histogram.at("edges").get<std::vector<double>>();
  const double highest = *std::max_element(counts.begin(), counts.end());
  const double step = plot_width / static_cast<double>(counts.size());
  std::string out = str("<svg viewBox=\"0 0 ", plot_width, " ", plot_height + axis, "\" role=\"img\">");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    // A bar of one row in a million is still seen.
    const double height = counts[i] == 0 ? 0 : std::max(1.0, (plot_height - 4) * counts[i] / highest);
    out +=
        rect(static_cast<double>(i) * step + 0.5, plot_height - height, step - 1, height,
             str(number_text(edges[i]), " … ", number_text(edges[i + 1]), ": ",
                 human_count(static_cast<std::int64_t>(counts[i])), " (", share_text(counts[i], count), ")"));
  }
  out += str("<line x1=\"0\" x2=\"", plot_width, "\" y1=\"", plot_height, "\" y2=\"", plot_height, "\"/>");
  out += label(0, plot_height + 13, "start", number_text(edges.front()));
  out += label(plot_width, plot_height + 13, "end", number_text(edges.back()));
  return out + "</svg>";
}

/// Bars with the values' names, and one for all others.
std::string values_plot(const Json& column) {
  const Json& top = column.at("top");
  const double count = column.at("count").get<double>();
  const std::size_t n = std::min(most_bars, top.size());
  double rest = count - column.at("missing").get<double>();
  for (std::size_t i = 0; i < n; ++i) rest -= top[i].at("count").get<double>();
  const double most = std::max(rest, top.empty() ? 1 : top[0].at("count").get<double>());
  std::string out;
  double y = 0;
  const auto bar = [&](const std::string& name, double value, const char* kind) {
    const double width = 170 * value / most;
    out += label(112, y + 12, "end", name, "name");
    out += rect(118, y + 2, width, 12, str(name, ": ", human_count(static_cast<std::int64_t>(value))), kind);
    out += label(118 + width + 5, y + 12, "start", share_text(value, count));
    y += 18;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const Json& value = top[i].at("value");
    std::string name = value.is_string() ? value.get<std::string>() : number_text(value.get<double>());
    if (name.size() > 18) {
      name.resize(17);
      while (!is_utf8(name)) name.pop_back();
      name += "…";
    }
    bar(name.empty() ? "(empty)" : name, top[i].at("count").get<double>(), "");
  }
  if (const auto others = column.at("distinct").get<std::int64_t>() - static_cast<std::int64_t>(n);
      others > 0 && rest > 0) {
    bar(str(human_count(others), " others"), rest, "rest");
  }
  return str("<svg viewBox=\"0 0 ", plot_width, " ", y + 2, "\" role=\"img\">", out, "</svg>");
}

std::string fact(const char* name, const std::string& value) {
  return value.empty() ? "" : str("<dt>", name, "</dt><dd>", escaped(value), "</dd>");
}

std::string facts(const Json& column) {
  const double count = column.at("count").get<double>(), missing = column.at("missing").get<double>();
  std::string out = fact("missing", missing == 0 ? "none" : share_text(missing, count));
  out += fact("distinct", str(column.at("distinct_exact").get<bool>() ? "" : "≈ ",
                              human_count(column.at("distinct").get<std::int64_t>())));
  const auto number = [&](const char* name, const Json& from, const char* key) {
    const auto found = from.find(key);
    if (found != from.end() && found->is_number()) out += fact(name, number_text(found->get<double>()));
  };
  number("mean", column, "mean");
  number("std", column, "std");
  number("min", column, "min");
  number("max", column, "max");
  if (const auto quantiles = column.find("quantiles"); quantiles != column.end()) {
    for (const auto& [key, name] : {std::pair{"0.05", "5 %"},
                                    {"0.25", "25 %"},
                                    {"0.5", "median"},
                                    {"0.75", "75 %"},
                                    {"0.95", "95 %"}}) {
      number(name, *quantiles, key);
    }
  }
  for (const char* key : {"zeros", "negative", "infinite"}) {
    if (const auto n = column.value(key, std::int64_t{0}); n > 0)
      out += fact(key, share_text(static_cast<double>(n), count));
  }
  number("shortest", column, "shortest");
  number("longest", column, "longest");
  return str("<dl>", out, "</dl>");
}

std::string card(const Json& column) {
  const auto histogram = column.find("histogram");
  const auto top = column.find("top");
  std::string plot;
  // Few values are better told apart than put into bins.
  if (top != column.end() && !top->empty() && (histogram == column.end() || top->size() <= most_bars)) {
    plot = values_plot(column);
  } else if (histogram != column.end()) {
    plot = histogram_plot(*histogram, column.at("count").get<double>());
  }
  return str("<section><h2>", escaped(column.at("name").get<std::string>()), "<span>",
             escaped(column.at("type").get<std::string>()), "</span></h2>", plot, facts(column),
             "</section>\n");
}

}  // namespace

std::string profile_html(const Json& profile, const std::string& title, const std::string& subtitle) {
  const Json& columns = profile.at("columns");
  std::string out = str(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>",
      escaped(title), "</title><style>", style, "</style></head>\n<body><h1>", escaped(title),
      "</h1><p class=\"sub\">", counted(profile.at("rows").get<std::size_t>(), "row"), ", ",
      counted(columns.size(), "column"), subtitle.empty() ? "" : " · ", escaped(subtitle), "</p>\n<main>\n");
  for (const Json& column : columns) out += card(column);
  return out + "</main></body></html>\n";
}

}  // namespace rankflow
