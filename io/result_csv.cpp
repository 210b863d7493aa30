// Results as CSV: a plain column for each label, categories by name, an empty field where a value is missing (NaN, too).
#include <cmath>

#include "io/csv_text.h"
#include "io/result_format.h"

namespace rankflow {
namespace {

void append_value(std::string& line, const ResultColumn& column, std::uint8_t value) {
  if (column.type == ResultType::boolean)
    line += value ? "true" : "false";
  else
    append_number(line, static_cast<unsigned>(value));
}
void append_value(std::string& line, const ResultColumn& column, std::int64_t value) {
  if (column.categories.empty())
    append_number(line, value);
  else if (value >= 0)
    append_csv(line, column.categories.at(static_cast<std::size_t>(value)));
}
template <typename Real>
requires std::is_floating_point_v<Real>
void append_value(std::string& line, const ResultColumn&, Real value) {
  if (!std::isnan(value)) append_number(line, value);
}
void append_value(std::string& line, const ResultColumn&, const std::string& value) {
  append_csv(line, value);
}

class CsvFormat : public ResultFormat {
 public:
  std::string section() const override { return "csv"; }

  void append(const ResultSchema& schema, const ResultTable& table, std::string& bytes) const override {
    for (std::int64_t row = 0; row < table.rows; ++row) {
      for (std::size_t c = 0; c < schema.size(); ++c) {
        const std::size_t width = schema[c].width();
        const bool missing = table.is_missing(c, row);
        std::visit(
            [&](const auto& values) {
              for (std::size_t i = 0; i < width; ++i) {
                if (c > 0 || i > 0) bytes += ',';
                if (!missing)
                  append_value(bytes, schema[c], values[static_cast<std::size_t>(row) * width + i]);
              }
            },
            table.columns[c]);
      }
      bytes += '\n';
    }
  }

  void assemble(const std::vector<ResultFile>& files, const ResultSchema& schema, const Json&,
                Communicator& comm) const override {
    std::string head;
    for (const ResultColumn& column : schema) {
      for (const auto& label : column.labels) {
        if (!head.empty()) head += ',';
        append_csv(head, label);
      }
    }
    join_pieces(files, section(), head + "\n", comm);
  }
};

}  // namespace

std::unique_ptr<ResultFormat> make_csv_format() {
  return std::make_unique<CsvFormat>();
}

}  // namespace rankflow
