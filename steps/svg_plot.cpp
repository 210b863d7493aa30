#include "steps/svg_plot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace rankflow {
namespace {

// Pixels.
constexpr double side = 280, left = 52, top = 30, below = 44, margin = 14;
constexpr double bar_height = 20, label_width = 150, bars_width = 380, value_width = 64;

std::string px(double value) {
  std::array<char, 64> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, 2);
  return {digits.data(), end.ptr};
}

std::string open(double width, double height, const std::string& title) {
  return str("<svg viewBox=\"0 0 ", px(width), " ", px(height), "\" width=\"", px(width), "\" height=\"",
             px(height), "\" role=\"img\"><title>", html_text(title), "</title>\n");
}

std::string label(double x, double y, const char* kind, const std::string& text,
                  const std::string& more = {}) {
  return str("<text class=\"", kind, "\" x=\"", px(x), "\" y=\"", px(y), "\"", more, ">", html_text(text),
             "</text>\n");
}

std::string line(double x1, double y1, double x2, double y2, const char* kind) {
  return str("<line class=\"", kind, "\" x1=\"", px(x1), "\" y1=\"", px(y1), "\" x2=\"", px(x2), "\" y2=\"",
             px(y2), "\"/>\n");
}

double x_of(double value) {
  return left + side * std::clamp(value, 0.0, 1.0);
}
double y_of(double value) {
  return top + side * (1 - std::clamp(value, 0.0, 1.0));
}

std::string polyline(const std::vector<std::pair<double, double>>& points, bool steps, const char* kind) {
  std::string path;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& [x, y] = points[i];
    if (i > 0 && steps) path += str(" ", px(x_of(x)), ",", px(y_of(points[i - 1].second)));
    path += str(i > 0 ? " " : "", px(x_of(x)), ",", px(y_of(y)));
  }
  return str("<polyline class=\"", kind, "\" points=\"", path, "\"/>\n");
}

std::string axes(const LinePlot& plot) {
  std::string text;
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    text += line(x_of(tick), y_of(0), x_of(tick), y_of(1), "grid");
    text += line(x_of(0), y_of(tick), x_of(1), y_of(tick), "grid");
    text += label(x_of(tick), y_of(0) + 16, "tick middle", significant(tick, 2));
    text += label(x_of(0) - 6, y_of(tick) + 4, "tick end", significant(tick, 2));
  }
  const double middle = top + side / 2;
  text += label(left + side / 2, top + side + 36, "axis middle", plot.x_label);
  text +=
      label(14, middle, "axis middle", plot.y_label, str(" transform=\"rotate(-90 14 ", px(middle), ")\""));
  return text;
}

/// From values to pixels, so that zero, all bars and all whiskers are inside.
struct Scale {
  double low = 0, high = 0;

  explicit Scale(const BarPlot& plot) {
    const auto reach = [this](double v) {
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
    };
    for (const auto& bar : plot.bars) {
      reach(bar.value);
      if (bar.range) reach(bar.range->first), reach(bar.range->second);
    }
    if (plot.reference) reach(*plot.reference);
    if (high == low) high = low + 1;
  }
  double operator()(double value) const { return label_width + bars_width * (value - low) / (high - low); }
};

/// Cut to what fits beside a bar, between characters of UTF-8.
std::string shortened(const std::string& text) {
  constexpr std::size_t most = 24;
  if (text.size() <= most) return text;
  std::size_t end = most - 2;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string bar_row(const Bar& bar, const Scale& scale, double y) {
  std::string text = label(label_width - 8, y + 14, "tick end", shortened(bar.label));
  if (!std::isfinite(bar.value)) return text + label(scale(0) + 6, y + 14, "tick", "no value");
  const double from = std::min(scale(0), scale(bar.value)), to = std::max(scale(0), scale(bar.value));
  text += str("<rect class=\"bar", bar.pale ? " pale" : "", "\" x=\"", px(from), "\" y=\"", px(y + 3),
              "\" width=\"", px(std::max(1.0, to - from)), "\" height=\"", px(bar_height - 6), "\"><title>",
              html_text(bar.label), ": ", significant(bar.value), "</title></rect>\n");
  if (bar.range) {
    const double middle = y + bar_height / 2, low = scale(bar.range->first), high = scale(bar.range->second);
    text += line(low, middle, high, middle, "whisker");
    text += line(low, middle - 4, low, middle + 4, "whisker");
    text += line(high, middle - 4, high, middle + 4, "whisker");
  }
  return text + label(label_width + bars_width + 8, y + 14, "tick", significant(bar.value, 3));
}

}  // namespace

std::string html_text(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string svg(const LinePlot& plot) {
  std::string text = open(left + side + margin, top + side + below, plot.title);
  text += label(left, 18, "heading", plot.title);
  text += axes(plot);
  if (!plot.reference.empty()) text += polyline(plot.reference, false, "reference");
  if (!plot.reference_label.empty())
    text += label(x_of(1) - 6, y_of(0) - 8, "tick end", str("dashed: ", plot.reference_label));
  text += polyline(plot.points, plot.steps, "curve");
  if (plot.dots) {
    for (const auto& [x, y] : plot.points)
      text += str("<circle class=\"dot\" cx=\"", px(x_of(x)), "\" cy=\"", px(y_of(y)), "\" r=\"3\"><title>",
                  significant(x, 3), ", ", significant(y, 3), "</title></circle>\n");
  }
  return text + "</svg>\n";
}

std::string svg(const BarPlot& plot) {
  const Scale scale(plot);
  const double height = top + bar_height * static_cast<double>(plot.bars.size()) + margin;
  std::string text = open(label_width + bars_width + value_width, height, plot.title);
  text += label(0, 18, "heading", plot.title);
  text += line(scale(0), top, scale(0), height - margin, "zero");
  double y = top;
  for (const auto& bar : plot.bars) {
    text += bar_row(bar, scale, y);
    y += bar_height;
  }
  if (plot.reference)
    text += line(scale(*plot.reference), top - 4, scale(*plot.reference), height - margin, "reference");
  return text + "</svg>\n";
}

}  // namespace rankflow
