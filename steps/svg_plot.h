// Plots as SVG text for HTML pages: lines over the unit square, and bars with whiskers.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rankflow {

/// `text` with the characters that HTML reserves replaced.
std::string html_text(const std::string& text);

struct LinePlot {
  std::string title, x_label, y_label;
  std::vector<std::pair<double, double>> points;     // both from 0 to 1
  bool steps = false;                                // corners instead of slopes
  bool dots = false;                                 // mark each point
  std::vector<std::pair<double, double>> reference;  // a dashed line for comparison
  std::string reference_label;
};
std::string svg(const LinePlot& plot);

struct Bar {
  std::string label;
  double value;                                    // NaN: no bar
  std::optional<std::pair<double, double>> range;  // whisker
  bool pale = false;
};
struct BarPlot {
  std::string title;
  std::vector<Bar> bars;            // from top to bottom
  std::optional<double> reference;  // a dashed line at this value
};
std::string svg(const BarPlot& plot);

}  // namespace rankflow
