// Results as JSON lines: an object for each row with a key for each label, null where a value is missing or a number is
// not finite.
#include <cmath>

#include "io/csv_text.h"
#include "io/json_text.h"
#include "io/result_format.h"

namespace rankflow {
namespace {

std::string quoted(const std::string& text) {
  return json_text(text);
}

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
    line += quoted(column.categories.at(static_cast<std::size_t>(value)));
  else
    line += "null";
}
template <typename Real>
requires std::is_floating_point_v<Real>
void append_value(std::string& line, const ResultColumn&, Real value) {
  if (std::isfinite(value))
    append_number(line, value);
  else
    line += "null";
}
void append_value(std::string& line, const ResultColumn&, const std::string& value) {
  line += quoted(value);
}

class JsonLinesFormat : public ResultFormat {
 public:
  std::string section() const override { return "jsonl"; }

  void append(const ResultSchema& schema, const ResultTable& table, std::string& bytes) const override {
    std::vector<std::string> keys;  // with what stands before and after them
    for (const ResultColumn& column : schema) {
      for (const auto& label : column.labels)
        keys.push_back((keys.empty() ? "{" : ",") + quoted(label) + ":");
    }
    for (std::int64_t row = 0; row < table.rows; ++row) {
      std::size_t key = 0;
      for (std::size_t c = 0; c < schema.size(); ++c) {
        const std::size_t width = schema[c].width();
        const bool missing = table.is_missing(c, row);
        std::visit(
            [&](const auto& values) {
              for (std::size_t i = 0; i < width; ++i) {
                bytes += keys[key++];
                if (missing)
                  bytes += "null";
                else
                  append_value(bytes, schema[c], values[static_cast<std::size_t>(row) * width + i]);
              }
            },
            table.columns[c]);
      }
      bytes += "}\n";
    }
  }

  void assemble(const std::vector<ResultFile>& files, const ResultSchema&, const Json&,
                Communicator& comm) const override {
    join_pieces(files, section(), "", comm);
  }
};

}  // namespace

std::unique_ptr<ResultFormat> make_jsonl_format() {
  return std::make_unique<JsonLinesFormat>();
}

}  // namespace rankflow
