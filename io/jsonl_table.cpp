// JSON lines, cut into byte ranges at line ends (a line end inside a text is written \n there).
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/json/api.h>

#include <algorithm>
#include <cstring>

#include "base/partition.h"
#include "base/text.h"
#include "io/arrow_columns.h"
#include "io/arrow_result.h"
#include "io/csv_numbers.h"
#include "io/json_retype.h"
#include "io/table_file.h"

namespace rankflow {
namespace {

constexpr std::int64_t longest_line = 64 << 20;

/// Arrow counts rows within what it was given, which nobody knows: "… in row 17".
std::string without_row(const arrow::Status& status) {
  const std::string& message = status.message();
  return message.substr(0, message.rfind(" in row "));
}

class JsonLines : public TableFile {
 public:
  JsonLines(const InputFile& file, const TableOptions& options)
      : file_(file), block_(options.piece_bytes), bytes_(open_bytes(file)) {}

  /// None: pieces tell what they find.
  const std::vector<TableColumn>& columns() const override { return columns_; }
  bool same_columns() const override { return false; }
  std::map<std::string, std::string> left_out() const override { return left_out_; }
  std::int64_t blocks() const override { return ceil_div(static_cast<std::int64_t>(file_.size), block_); }
  /// The offset behind the first line end, as text; "" where there is none.
  std::string scan(std::int64_t block) const override {
    const auto bytes = read_bytes(block * block_, (block + 1) * block_);
    const void* line_end = std::memchr(bytes->data(), '\n', static_cast<std::size_t>(bytes->size()));
    return line_end ? str(static_cast<const std::uint8_t*>(line_end) - bytes->data() + 1) : "";
  }
  std::vector<TablePiece> cut(std::span<const std::string> scans) const override {
    std::vector<TablePiece> pieces;
    std::int64_t begin = 0;
    for (std::size_t b = 1; b <= scans.size(); ++b) {
      const bool last = b == scans.size();
      if (!last && scans[b].empty()) continue;
      const std::int64_t end = last ? static_cast<std::int64_t>(file_.size)
                                    : static_cast<std::int64_t>(b) * block_ + std::stoll(scans[b]);
      if (end - begin > longest_line + 2 * block_)
        throw Error(ExitStatus::bad_data, str(file_.name, ": a line is longer than 64 MiB"),
                    "write an object on each line");
      if (end > begin) pieces.push_back({begin, end});
      begin = end;
    }
    return pieces;
  }
  Table read(const TablePiece& piece, const ReadRequest& request) const override;

 private:
  std::shared_ptr<arrow::Buffer> read_bytes(std::int64_t begin, std::int64_t end) const {
    end = std::min(end, static_cast<std::int64_t>(file_.size));
    return value_of(bytes_->ReadAt(begin, end - begin), file_.name);
  }
  arrow::Result<std::shared_ptr<arrow::Table>> parse(const std::shared_ptr<arrow::Buffer>& bytes,
                                                     const arrow::FieldVector& fields, bool only) const;
  /// `table`, in which Arrow guessed types, with whole numbers that don't fit 64 bits as the texts that they are.
  std::shared_ptr<arrow::Table> with_long_integers(std::shared_ptr<arrow::Table> table,
                                                   const std::shared_ptr<arrow::Buffer>& bytes,
                                                   const ReadRequest& request) const;
  std::int64_t lines_before(std::int64_t offset) const;
  [[noreturn]] void explain(const TablePiece& piece, const std::shared_ptr<arrow::Buffer>& bytes,
                            const ReadRequest& request, const arrow::FieldVector& fields,
                            const arrow::Status& status) const;

  InputFile file_;
  std::int64_t block_;
  std::shared_ptr<arrow::io::RandomAccessFile> bytes_;
  std::vector<TableColumn> columns_;
  mutable std::map<std::string, std::string> left_out_;  // in the pieces read so far
};

arrow::Result<std::shared_ptr<arrow::Table>> JsonLines::parse(const std::shared_ptr<arrow::Buffer>& bytes,
                                                              const arrow::FieldVector& fields,
                                                              bool only) const {
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = static_cast<std::int32_t>(bytes->size() + 1);
  auto parsing = arrow::json::ParseOptions::Defaults();
  parsing.explicit_schema = fields.empty() ? nullptr : arrow::schema(fields);
  if (only) parsing.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::Ignore;
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::json::TableReader::Make(
                                         arrow::default_memory_pool(),
                                         std::make_shared<arrow::io::BufferReader>(bytes), read, parsing));
  return reader->Read();
}

std::int64_t JsonLines::lines_before(std::int64_t offset) const {
  std::int64_t lines = 0;
  for (std::int64_t at = 0; at < offset; at += block_) {
    const auto bytes = read_bytes(at, std::min(offset, at + block_));
    lines += std::count(bytes->data(), bytes->data() + bytes->size(), '\n');
  }
  return lines;
}

void JsonLines::explain(const TablePiece& piece, const std::shared_ptr<arrow::Buffer>& bytes,
                        const ReadRequest& request, const arrow::FieldVector& fields,
                        const arrow::Status& status) const {
  if (status.IsOutOfMemory()) throw std::bad_alloc();
  check_unchanged(file_);
  const std::int64_t first = request.first_row >= 0 ? request.first_row : lines_before(piece.begin);
  // Arrow counts within what it was given: one line at a time tells which one it is.
  const std::string_view text(*bytes);
  std::vector<std::size_t> ends;  // behind each line
  for (std::size_t begin = 0; begin < text.size();) {
    const std::int64_t line = first + std::ssize(ends);
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    ends.push_back(end);
    const std::string one(text.substr(begin, end - begin));
    begin = end;
    if (trim(one).empty()) continue;
    const auto parsed = parse(arrow::Buffer::FromString(one), fields, !request.columns.empty());
    if (!parsed.ok())
      throw Error(ExitStatus::bad_data,
                  str(file_.name, ": row ", line + 1, ": ", without_row(parsed.status())));
  }
  // Each is fine alone, so one does not fit to those before it: the last of the shortest run of lines that fails.
  const auto culprit = std::partition_point(ends.begin(), ends.end() - 1, [&](std::size_t end) {
    const auto some = arrow::SliceBuffer(bytes, 0, static_cast<std::int64_t>(end));
    return parse(some, fields, !request.columns.empty()).ok();
  });
  const std::int64_t lines = culprit - ends.begin();
  throw Error(ExitStatus::bad_data, str(file_.name, ": row ", first + lines + 1, ": ", without_row(status)),
              "give a column one type, or declare it under `schema`");
}

std::shared_ptr<arrow::Table> JsonLines::with_long_integers(std::shared_ptr<arrow::Table> table,
                                                            const std::shared_ptr<arrow::Buffer>& bytes,
                                                            const ReadRequest& request) const {
  std::map<std::string, ColumnType> texts;
  arrow::FieldVector fields;
  for (const auto& field : table->schema()->fields()) {
    const std::string& name = field->name();
    if (request.types.count(name) || !is_doubtful(*table->GetColumnByName(name), {})) continue;
    texts[name] = ColumnType::text;
    fields.push_back(arrow::field(name, arrow::utf8()));
  }
  if (texts.empty()) return table;
  const auto retyped = arrow::Buffer::FromString(retyped_lines(std::string_view(*bytes), texts));
  const auto cells = value_of(parse(retyped, fields, true), file_.name);
  for (const auto& field : fields) {
    const auto column = cells->GetColumnByName(field->name());
    if (type_of_cells(*column) != ColumnType::text) continue;
    table =
        value_of(table->SetColumn(table->schema()->GetFieldIndex(field->name()), field, column), file_.name);
  }
  return table;
}

Table JsonLines::read(const TablePiece& piece, const ReadRequest& request) const {
  auto bytes = read_bytes(piece.begin, piece.end);
  if (bytes->size() != piece.end - piece.begin) check_unchanged(file_);
  arrow::FieldVector fields;
  for (const auto& [name, type] : request.types) fields.push_back(arrow::field(name, arrow_type(type)));
  // Arrow takes texts that look like times for times; a table keeps them as they are.
  for (int attempt = 0;; ++attempt) {
    auto table = parse(bytes, fields, false);
    if (!table.ok() &&
        !request.types.empty()) {  // values may be written as another type than the declared one
      bytes = arrow::Buffer::FromString(retyped_lines(std::string_view(*bytes), request.types));
      table = parse(bytes, fields, false);
    }
    if (!table.ok()) explain(piece, bytes, request, fields, table.status());
    bool again = false;
    arrow::FieldVector kept;
    for (const auto& field : (*table)->schema()->fields()) {
      const bool time = field->type()->id() == arrow::Type::TIMESTAMP;
      kept.push_back(time ? arrow::field(field->name(), arrow::utf8()) : field);
      again = again || time;
    }
    if (again && attempt == 0) {
      fields = kept;  // all, so that their order stays
      continue;
    }
    check_column_names((*table)->ColumnNames(), file_.name);
    *table = with_long_integers(*table, bytes, request);
    left_out_.merge(columns_left_out(*(*table)->schema()));
    return kept_table(**table, file_.name, request);
  }
}

}  // namespace

std::unique_ptr<TableFile> open_jsonl(const InputFile& file, const TableOptions& options) {
  return std::make_unique<JsonLines>(file, options);
}

}  // namespace rankflow
