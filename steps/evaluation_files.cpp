// The files of an evaluate step.
#include <cmath>

#include "base/text.h"
#include "io/csv_text.h"
#include "io/file.h"
#include "steps/evaluation.h"
#include "steps/evaluation_report.h"

namespace rankflow {
namespace {

/// Lines of cells; a NaN is an empty one.
class CsvTable {
 public:
  explicit CsvTable(const std::vector<std::string>& header) {
    for (const auto& name : header) cell(name);
    end();
  }
  CsvTable& cell(const std::string& text) {
    separate();
    append_csv(text_, text);
    return *this;
  }
  CsvTable& cell(std::int64_t value) {
    separate();
    append_number(text_, value);
    return *this;
  }
  CsvTable& cell(double value) {
    separate();
    if (!std::isnan(value)) append_number(text_, value);
    return *this;
  }
  void end() {
    text_ += '\n';
    first_ = true;
  }
  const std::string& text() const { return text_; }

 private:
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

CsvTable confusion_table(const Evaluation& e) {
  std::vector<std::string> header = {"actual"};
  header.insert(header.end(), e.classes.begin(), e.classes.end());
  CsvTable table(header);
  for (std::size_t row = 0; row < e.confusion.size(); ++row) {
    table.cell(e.classes[row]);
    for (const auto n : e.confusion[row]) table.cell(n);
    table.end();
  }
  return table;
}

CsvTable calibration_csv(const Evaluation& e) {
  CsvTable table({"low", "high", "rows", "mean_probability", "observed"});
  for (const auto& bin : e.calibration) {
    const double none = std::nan("");
    table.cell(bin.low).cell(bin.high).cell(bin.rows);
    table.cell(bin.rows > 0 ? bin.mean_probability : none).cell(bin.rows > 0 ? bin.observed : none).end();
  }
  return table;
}

/// The columns of a curve; of more than two classes behind that of the class.
CsvTable curve_table(const Evaluation& e, std::vector<std::string> columns) {
  if (e.curves.size() > 1) columns.insert(columns.begin(), "class");
  return CsvTable(std::move(columns));
}

CsvTable roc_table(const Evaluation& e) {
  CsvTable table = curve_table(e, {"threshold", "false_positive_rate", "true_positive_rate"});
  for (const ClassCurve& curve : e.curves) {
    for (const auto& point : curve.roc) {
      if (e.curves.size() > 1) table.cell(curve.of);
      table.cell(point.threshold).cell(point.false_positive_rate).cell(point.true_positive_rate).end();
    }
  }
  return table;
}

CsvTable precision_recall_table(const Evaluation& e) {
  CsvTable table = curve_table(e, {"threshold", "precision", "recall"});
  for (const ClassCurve& curve : e.curves) {
    for (const auto& point : curve.precision_recall) {
      if (e.curves.size() > 1) table.cell(curve.of);
      table.cell(point.threshold).cell(point.precision).cell(point.recall).end();
    }
  }
  return table;
}

CsvTable slices_table(const Evaluation& e) {
  const bool intervals = e.metrics.contains("bootstrap");
  std::vector<std::string> header = {"column", "slice", "rows", "small"};
  for (const auto& name : e.names) {
    header.push_back(name);
    if (intervals) header.insert(header.end(), {name + "_low", name + "_high"});
  }
  CsvTable table(header);
  for (const auto& slice : e.slices) {
    table.cell(slice.column)
        .cell(slice.value)
        .cell(slice.rows)
        .cell(std::string(slice.small ? "true" : "false"));
    for (const auto& estimate : slice.estimates) {
      table.cell(estimate.value);
      if (!intervals) continue;
      table.cell(estimate.interval ? estimate.interval->low : std::nan(""));
      table.cell(estimate.interval ? estimate.interval->high : std::nan(""));
    }
    table.end();
  }
  return table;
}

CsvTable importance_table(const Evaluation& e) {
  CsvTable table({"column", "kind", "metric", "importance", "deviation", "repeats"});
  for (const auto& column : e.importance) {
    table.cell(column.column).cell(column.kind).cell(e.importance_metric).cell(importance_of(e, column));
    table.cell(column.deviation()).cell(std::ssize(column.values)).end();
  }
  return table;
}

Json to_json(const Estimate& estimate) {
  Json json = {{"value", estimate.value}};  // NaN becomes null
  if (estimate.interval) json.update({{"low", estimate.interval->low}, {"high", estimate.interval->high}});
  return json;
}

Json slices_json(const Evaluation& e) {
  Json all = Json::array();
  for (const auto& slice : e.slices) {
    Json one = {
        {"column", slice.column}, {"slice", slice.value}, {"rows", slice.rows}, {"small", slice.small}};
    for (std::size_t k = 0; k < e.names.size(); ++k) one["metrics"][e.names[k]] = to_json(slice.estimates[k]);
    all.push_back(one);
  }
  return all;
}

Json comparison_json(const Evaluation& e) {
  Json all = {{"paired_test", e.paired_test}};
  for (const auto& c : e.comparison) {
    all["metrics"][c.metric] = {
        {"model", c.model}, {"baseline", c.baseline}, {"difference", to_json(c.difference)}};
  }
  return all;
}

void write(const std::string& folder, const char* file, const std::string& text) {
  write_file_atomically(folder + "/" + file, text, /*durable=*/false);  // publishing syncs
}

}  // namespace

void write_evaluation(const std::string& folder, const Evaluation& e) {
  if (!e.classes.empty()) {
    write(folder, "confusion.csv", confusion_table(e).text());
    write(folder, "calibration.csv", calibration_csv(e).text());
    write(folder, "roc.csv", roc_table(e).text());
    write(folder, "precision_recall.csv", precision_recall_table(e).text());
  }
  if (!e.slices.empty()) {
    write(folder, "slices.csv", slices_table(e).text());
    write(folder, "slices.json", slices_json(e).dump(2) + "\n");
  }
  if (!e.importance.empty()) write(folder, "importance.csv", importance_table(e).text());
  if (!e.comparison.empty()) write(folder, "comparison.json", comparison_json(e).dump(2) + "\n");
  write(folder, "metrics.json", e.metrics.dump(2) + "\n");
  write(folder, "report.html", evaluation_report(e));
}

}  // namespace rankflow
