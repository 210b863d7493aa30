#include "steps/evaluation_report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "steps/svg_plot.h"

namespace rankflow {
namespace {

constexpr std::size_t most_bars = 30;     // of a plot of slices: the rest is in the table
constexpr std::size_t most_curves = 10;   // of classes against all others
constexpr std::size_t most_classes = 20;  // of a confusion matrix that is shown

constexpr const char* style = R"(
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2733; background: #fff; max-width: 1080px; margin: 32px auto; padding: 0 16px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 18px; margin: 32px 0 8px; }
p { margin: 4px 0 12px; color: #52606d; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px 3px 0; text-align: right; border-bottom: 1px solid #e4e7eb; }
th { font-weight: 600; color: #52606d; } th:first-child, td:first-child, .text { text-align: left; }
td.cell { padding: 6px 8px; text-align: center; white-space: nowrap; border: 2px solid #fff; }
.plots { display: flex; flex-wrap: wrap; gap: 16px; } svg { max-width: 100%; height: auto; } .wide { overflow-x: auto; }
text { font: 12px system-ui, sans-serif; fill: #52606d; } text.heading { font-size: 14px; font-weight: 600; fill: #1c2733; }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.grid { stroke: #e4e7eb; } .zero { stroke: #9aa5b1; } .reference { stroke: #9aa5b1; stroke-dasharray: 4 4; fill: none; }
.curve { stroke: #1f6feb; stroke-width: 2; fill: none; } .dot, .bar { fill: #1f6feb; } .pale { fill: #b6d0f7; } .whisker { stroke: #1c2733; }
)";

std::string number(double value) {
  return std::isnan(value) ? "–" : significant(value);
}

std::string with_interval(const Estimate& e) {
  if (!e.interval) return number(e.value);
  return str(number(e.value), " (", number(e.interval->low), " to ", number(e.interval->high), ")");
}

std::string row(const std::vector<std::string>& cells, const char* tag = "td") {
  std::string text = "<tr>";
  for (const auto& cell : cells) text += str("<", tag, ">", html_text(cell), "</", tag, ">");
  return text + "</tr>\n";
}

std::string heading(const Evaluation& e) {
  const Json& m = e.metrics;
  std::string text = str("<h1>Evaluation</h1>\n<p>", html_text(m.at("task").get<std::string>()), ", ",
                         human_count(m.at("rows")), " rows");
  if (m.contains("positive_class"))
    text += str(", positive class ", html_text(m.at("positive_class").get<std::string>()),
                " from a probability of ", significant(m.at("threshold").get<double>()), " on");
  if (m.contains("bootstrap"))
    text += str("; in brackets: ", significant(100 * m.at("bootstrap").at("confidence").get<double>()),
                " % intervals from ", human_count(m.at("bootstrap").at("samples")), " bootstrap samples");
  return text + "</p>\n";
}

std::string metrics_table(const Evaluation& e) {
  std::string text = "<h2>Metrics</h2>\n<table>\n" + row({"metric", "value"}, "th");
  for (std::size_t k = 0; k < e.names.size(); ++k) text += row({e.names[k], with_interval(e.estimates[k])});
  for (const char* more : {"macro_auc", "macro_average_precision", "base_rate", "baseline_accuracy",
                           "calibration_error", "baseline_rmse"}) {
    if (e.metrics.contains(more) && e.metrics.at(more).is_number())
      text += row({more, number(e.metrics.at(more).get<double>())});
  }
  return text + "</table>\n";
}

std::string comparison_table(const Evaluation& e) {
  if (e.comparison.empty()) return {};
  std::string text = "<h2>Beside the baseline, on the same rows</h2>\n<table>\n" +
                     row({"metric", "model", "baseline", "difference"}, "th");
  for (const auto& c : e.comparison)
    text += row({c.metric, number(c.model), number(c.baseline), with_interval(c.difference)});
  return text + str("</table>\n<p>", html_text(e.paired_test.at("test").get<std::string>()),
                    ": p = ", number(e.paired_test.at("p_value").get<double>()), "</p>\n");
}

LinePlot calibration_plot(const Evaluation& e) {
  LinePlot plot{"Calibration",    "mean probability", "share that happened", {}, false, true,
                {{0, 0}, {1, 1}}, "perfect"};
  for (const auto& bin : e.calibration) {
    if (bin.rows > 0) plot.points.emplace_back(bin.mean_probability, bin.observed);
  }
  return plot;
}

std::string curves(const Evaluation& e) {
  if (e.classes.empty()) return {};
  std::string text =
      str("<h2>Curves</h2>\n", e.curves.size() > 1 ? "<p>Each class against all others.</p>\n" : "",
          "<div class=\"plots\">\n");
  std::size_t drawn = 0;
  for (const ClassCurve& curve : e.curves) {
    if (curve.roc.empty()) continue;
    if (++drawn > most_curves) break;
    const std::string of = e.curves.size() > 1 ? ": " + curve.of : "";
    LinePlot roc{"ROC" + of, "false positive rate", "true positive rate", {}, false, false, {{0, 0}, {1, 1}},
                 "chance"};
    for (const auto& p : curve.roc) roc.points.emplace_back(p.false_positive_rate, p.true_positive_rate);
    LinePlot precision{"Precision and recall" + of,
                       "recall",
                       "precision",
                       {},
                       false,
                       false,
                       {{0, curve.base_rate}, {1, curve.base_rate}},
                       "base rate"};
    for (const auto& p : curve.precision_recall) precision.points.emplace_back(p.recall, p.precision);
    text += svg(roc) + svg(precision);
  }
  text += svg(calibration_plot(e)) + "</div>\n";
  if (drawn > most_curves)
    text += str("<p>The first ", most_curves, " classes; all of them: roc.csv, precision_recall.csv</p>\n");
  return text;
}

std::string confusion(const Evaluation& e) {
  if (e.classes.empty()) return {};
  if (e.classes.size() > most_classes)
    return str("<h2>Confusion matrix</h2>\n<p>", e.classes.size(), " classes: in confusion.csv</p>\n");
  std::vector<std::string> header = {"actual \\ predicted"};
  header.insert(header.end(), e.classes.begin(), e.classes.end());
  std::string text = "<h2>Confusion matrix</h2>\n<div class=\"wide\"><table>\n" + row(header, "th");
  for (std::size_t a = 0; a < e.classes.size(); ++a) {
    std::int64_t rows = 0;
    for (const auto n : e.confusion[a]) rows += n;
    text += str("<tr><td>", html_text(e.classes[a]), "</td>");
    for (const auto n : e.confusion[a]) {
      const double share = rows > 0 ? static_cast<double>(n) / static_cast<double>(rows) : 0;
      text += str("<td class=\"cell\" style=\"background: rgba(31, 111, 235, ",
                  significant(0.05 + 0.6 * share, 3), ")\">", human_count(n), "<br>",
                  significant(100 * share, 3), " %</td>");
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n<p>Shares of the rows of each actual class.</p>\n";
}

std::string importance(const Evaluation& e) {
  if (e.importance.empty()) return {};
  BarPlot plot{str("How much worse ", e.importance_metric, " gets"), {}, {}};
  for (const auto& column : e.importance) {
    const double value = importance_of(e, column), spread = column.deviation();
    plot.bars.push_back({column.column, value, std::pair{value - spread, value + spread}});
  }
  return str("<h2>Permutation importance</h2>\n<p>Each input column dealt out among the rows anew, ",
             e.importance.front().values.size(), " time(s): mean and standard deviation.</p>\n", svg(plot));
}

/// The metric that slices are drawn by.
std::size_t main_metric(const Evaluation& e) {
  for (const char* name : {"auc", "accuracy", "rmse"}) {
    const auto found = std::find(e.names.begin(), e.names.end(), name);
    if (found != e.names.end()) return static_cast<std::size_t>(found - e.names.begin());
  }
  return 0;
}

std::string slice_plots(const Evaluation& e) {
  const std::size_t k = main_metric(e);
  std::vector<BarPlot> plots;
  std::map<std::string, std::size_t> of_column;
  for (const auto& slice : e.slices) {
    const auto [at, added] = of_column.emplace(slice.column, plots.size());
    if (added) plots.push_back({str(e.names[k], " by ", slice.column), {}, e.estimates[k].value});
    if (plots[at->second].bars.size() == most_bars) continue;
    const Estimate& estimate = slice.estimates[k];
    Bar bar{str(slice.value, " · ", human_count(slice.rows)), estimate.value, {}, slice.small};
    if (estimate.interval) bar.range = {estimate.interval->low, estimate.interval->high};
    plots[at->second].bars.push_back(bar);
  }
  std::string text = "<div class=\"plots\">\n";
  for (const auto& plot : plots) text += svg(plot);
  return text + "</div>\n";
}

std::string slices(const Evaluation& e) {
  if (e.slices.empty()) return {};
  std::vector<std::string> header = {"column", "slice", "rows"};
  header.insert(header.end(), e.names.begin(), e.names.end());
  std::string table = "<div class=\"wide\"><table>\n" + row(header, "th");
  for (const auto& slice : e.slices) {
    std::vector<std::string> cells = {slice.column, slice.value,
                                      human_count(slice.rows) + (slice.small ? " (few)" : "")};
    for (const auto& estimate : slice.estimates) cells.push_back(number(estimate.value));
    table += row(cells);
  }
  return str(
      "<h2>Slices</h2>\n<p>Dashed: all rows. Pale: few rows, so that chance alone explains much. At most ",
      most_bars, " slices of a column are drawn; the table has all of them.</p>\n", slice_plots(e),
      "<details><summary>All slices</summary>\n", table, "</table></div></details>\n");
}

}  // namespace

std::string evaluation_report(const Evaluation& e) {
  return str(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evaluation</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>",
      style, "</style></head>\n<body>\n", heading(e), metrics_table(e), comparison_table(e), curves(e),
      confusion(e), importance(e), slices(e), "</body></html>\n");
}

}  // namespace rankflow
