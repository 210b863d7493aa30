// CSV, cut into byte ranges that respect quotes, each parsed by Arrow's reader.
#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <arrow/util/utf8.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/partition.h"
#include "base/text.h"
#include "io/arrow_columns.h"
#include "io/arrow_result.h"
#include "io/csv_numbers.h"
#include "io/csv_scan.h"
#include "io/table_columns.h"
#include "io/table_file.h"
#include "io/table_formats.h"

namespace rankflow {
namespace {

// A record that is longer is hardly one: a quote was opened and never closed.
constexpr std::int64_t longest_record = 64 << 20;

using ArrowTypes = std::unordered_map<std::string, std::shared_ptr<arrow::DataType>>;

/// What Arrow's parser says about a row with another number of columns than the first.
struct BadRow {
  std::int64_t number = -1;  // from 1, in the piece; -1: none was met
  std::int32_t expected = 0, actual = 0;
  std::string text;
};

class CsvTable : public TableFile {
 public:
  CsvTable(const InputFile& file, const TableOptions& options) : file_(file), options_(options) {
    delimiter_ = !options.delimiter.empty()                         ? options.delimiter.front()
                 : without_compression(file.name).ends_with(".tsv") ? '\t'
                                                                    : ',';
    bytes_ = open_bytes(file);
    arrow::util::InitializeUTF8();
    read_first_record();
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::int64_t blocks() const override {
    return ceil_div(static_cast<std::int64_t>(file_.size), options_.piece_bytes);
  }
  std::string scan(std::int64_t block) const override {
    const auto bytes = read_bytes(block * options_.piece_bytes, (block + 1) * options_.piece_bytes);
    std::string_view text(*bytes);
    const std::size_t mark = block == 0 ? mark_ : 0;  // a quote behind the mark opens a quoted cell
    CsvScan scan = scan_csv(text.substr(mark), delimiter_);
    for (CsvScan::From& from : scan.from) from.first += from.first < 0 ? 0 : static_cast<std::int64_t>(mark);
    return scan.packed();
  }
  bool blanks_fit_any_type() const override { return true; }
  std::vector<TablePiece> cut(std::span<const std::string> scans) const override;
  Table read(const TablePiece& piece, const ReadRequest& request) const override;

 private:
  void read_first_record();
  std::shared_ptr<arrow::Buffer> read_bytes(std::int64_t begin, std::int64_t end) const {
    end = std::min(end, static_cast<std::int64_t>(file_.size));
    return value_of(bytes_->ReadAt(begin, end - begin), file_.name);
  }
  arrow::Result<std::shared_ptr<arrow::Table>> parse(const std::shared_ptr<arrow::Buffer>& bytes,
                                                     const ReadRequest& request, const ArrowTypes& types,
                                                     bool check_utf8, BadRow& bad) const;
  /// `table`, in which Arrow guessed types, with its doubtful numbers as what their cells are.
  std::shared_ptr<arrow::Table> with_true_numbers(std::shared_ptr<arrow::Table> table,
                                                  const std::shared_ptr<arrow::Buffer>& bytes,
                                                  const ReadRequest& request,
                                                  const NumberDoubts& doubts) const;
  /// `table`, in which quoted empty cells are missing, with those of columns of texts as the texts that they are.
  std::shared_ptr<arrow::Table> with_blanks(std::shared_ptr<arrow::Table> table,
                                            const std::shared_ptr<arrow::Buffer>& bytes,
                                            const ReadRequest& request) const;
  /// Throws what is wrong with a piece that could not be parsed.
  [[noreturn]] void explain(const TablePiece& piece, const std::shared_ptr<arrow::Buffer>& bytes,
                            ReadRequest request, const arrow::Status& status, const BadRow& bad) const;
  std::int64_t rows_before(std::int64_t offset) const;
  Table kept(const arrow::Table& table, const TablePiece& piece, ReadRequest request) const;

  InputFile file_;
  TableOptions options_;
  char delimiter_ = ',';
  std::shared_ptr<arrow::io::RandomAccessFile> bytes_;
  std::vector<TableColumn> columns_;
  std::vector<std::string> names_;
  std::size_t mark_ = 0;         // bytes of a byte order mark
  std::int64_t data_begin_ = 0;  // where the first row is
  // Columns in which some piece had text, dates or times: parsed as text at once from then on. What pieces say about types
  // is put together to text anyway.
  mutable std::set<std::string> texts_;
};

void CsvTable::read_first_record() {
  const auto size = static_cast<std::int64_t>(file_.size);
  std::vector<std::string> cells;
  std::size_t behind = 0;
  for (std::int64_t length = std::min<std::int64_t>(size, 1 << 16);; length = std::min(size, length * 4)) {
    const auto bytes = read_bytes(0, length);
    std::string_view text(*bytes);
    mark_ = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    if (first_csv_record(text.substr(mark_), delimiter_, length == size, cells, behind)) break;
    if (length == size || length > longest_record)
      throw Error(
          ExitStatus::bad_data,
          str(file_.name, length == size ? ": the first row is not complete" : ": the first row has no end"),
          "look for a quote that is not closed");
  }
  if (options_.header) {
    names_ = cells;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      if (names_[c].empty())
        names_[c] = str("Unnamed: ", c);  // as pandas calls the index that it wrote itself
    }
    data_begin_ = static_cast<std::int64_t>(mark_ + behind);
  } else {
    names_ = options_.columns;
    for (std::size_t c = names_.size(); options_.columns.empty() && c < cells.size(); ++c)
      names_.push_back(str("c", c));
    data_begin_ = static_cast<std::int64_t>(mark_);
  }
  check_column_names(names_, file_.name);
  for (const std::string& name : names_) {
    if (!arrow::util::ValidateUTF8(name))
      throw Error(ExitStatus::bad_data, str(file_.name, ": the names of the columns are not UTF-8"),
                  "give the file's `encoding`");
    columns_.push_back({name, std::nullopt});
  }
}

std::vector<TablePiece> CsvTable::cut(std::span<const std::string> packed) const {
  std::vector<CsvScan> scans;
  for (const std::string& scan : packed) scans.push_back(CsvScan::unpacked(scan));
  CsvState end;
  std::vector<std::int64_t> begins = cut_csv(scans, options_.piece_bytes, data_begin_, end);
  if (end == CsvState::quoted) {
    const std::int64_t row = rows_before(begins.back()) + 1;
    throw Error(ExitStatus::bad_data,
                str(file_.name, ": a quote opened in row ", row, " or after it is never closed"));
  }
  begins.push_back(static_cast<std::int64_t>(file_.size));
  std::vector<TablePiece> pieces;
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    if (begins[i + 1] - begins[i] > longest_record + options_.piece_bytes) {
      throw Error(
          ExitStatus::bad_data,
          str(file_.name, ": row ", rows_before(begins[i]) + 1, " or one after it is longer than 64 MiB"),
          "look for a quote that is not closed");
    }
    if (begins[i + 1] > begins[i]) pieces.push_back({begins[i], begins[i + 1]});
  }
  return pieces;
}

std::int64_t CsvTable::rows_before(std::int64_t offset) const {
  CsvCounter counter(delimiter_);
  for (std::int64_t at = data_begin_; at < offset; at += 1 << 22)
    counter.add(std::string_view(*read_bytes(at, std::min<std::int64_t>(offset, at + (1 << 22)))));
  return counter.records();
}

arrow::Result<std::shared_ptr<arrow::Table>> CsvTable::parse(const std::shared_ptr<arrow::Buffer>& bytes,
                                                             const ReadRequest& request,
                                                             const ArrowTypes& types, bool check_utf8,
                                                             BadRow& bad) const {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.column_names = names_;
  read.block_size = static_cast<std::int32_t>(bytes->size() + 1);
  auto parsing = arrow::csv::ParseOptions::Defaults();
  parsing.delimiter = delimiter_;
  parsing.newlines_in_values =
      std::memchr(bytes->data(), '"', static_cast<std::size_t>(bytes->size())) != nullptr;
  parsing.invalid_row_handler = [&bad](const arrow::csv::InvalidRow& row) {
    if (bad.number < 0) bad = {row.number, row.expected_columns, row.actual_columns, std::string(row.text)};
    return arrow::csv::InvalidRowResult::Error;
  };
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = options_.missing;
  convert.null_values.emplace_back();
  convert.null_values.emplace_back(quoted_blank);
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  // 0 and 1 are integers wherever they stand.
  convert.true_values = {"true", "True", "TRUE"};
  convert.false_values = {"false", "False", "FALSE"};
  convert.column_types = types;
  convert.check_utf8 = check_utf8;
  convert.include_columns = request.columns;
  ARROW_ASSIGN_OR_RAISE(auto reader,
                        arrow::csv::TableReader::Make(arrow::io::default_io_context(),
                                                      std::make_shared<arrow::io::BufferReader>(bytes), read,
                                                      parsing, convert));
  return reader->Read();
}

/// Cells of declared columns that Arrow's CSV reader would refuse, though they are what is declared (+5, and 0 or 1 for a boolean),
/// made ready for the conversion of a table.
std::shared_ptr<arrow::Table> readied(std::shared_ptr<arrow::Table> table, const ReadRequest& request,
                                      const std::string& file) {
  for (int c = 0; c < table->num_columns(); ++c) {
    const auto type = request.types.find(table->field(c)->name());
    if (type == request.types.end() || type->second == ColumnType::text) continue;
    Column texts = table->column(c);
    if (texts->type()->id() == arrow::Type::BINARY) texts = value_of(texts->View(arrow::utf8()), file);
    if (texts->type()->id() != arrow::Type::STRING) continue;
    table = value_of(
        table->SetColumn(c, arrow::field(table->field(c)->name(), arrow::utf8()), without_plus(*texts)),
        file);
  }
  return table;
}

void CsvTable::explain(const TablePiece& piece, const std::shared_ptr<arrow::Buffer>& bytes,
                       ReadRequest request, const arrow::Status& status, const BadRow& bad) const {
  if (status.IsOutOfMemory()) throw std::bad_alloc();
  check_unchanged(file_);
  if (request.first_row < 0) request.first_row = rows_before(piece.begin);
  if (bad.number >= 0) {
    std::string text = bad.text.substr(0, 80);
    for (std::size_t at = 0; (at = text.find(quoted_blank, at)) != std::string::npos;)
      text.replace(at, quoted_blank.size(), "\"\"");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    throw Error(ExitStatus::bad_data,
                str(file_.name, ": row ", request.first_row + bad.number, " has ", bad.actual,
                    " columns, not ", bad.expected, ": ", text),
                "correct the row, or check `delimiter`");
  }
  // The cells as they are: the first that is no UTF-8, or not what its column's type asks for.
  ArrowTypes raw;
  for (const std::string& name : names_) raw[name] = arrow::binary();
  BadRow none;
  const auto table = value_of(parse(bytes, request, raw, false, none), file_.name);
  for (int c = 0; c < table->num_columns(); ++c) {
    std::int64_t row = request.first_row;
    for (const auto& chunk : table->column(c)->chunks()) {
      const auto& cells = static_cast<const arrow::BinaryArray&>(*chunk);
      for (std::int64_t i = 0; i < cells.length(); ++i, ++row) {
        if (cells.IsNull(i) || arrow::util::ValidateUTF8(cells.GetView(i))) continue;
        throw Error(ExitStatus::bad_data,
                    str(file_.name, ": row ", row + 1, ": column \"", table->field(c)->name(),
                        "\" is not UTF-8 text"),
                    "give the file's `encoding`, such as latin-1");
      }
    }
  }
  kept_table(*readied(table, request, file_.name), file_.name, request);
  throw Error(ExitStatus::bad_data, str(file_.name, ": ", status.message()));
}

bool is_kept(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT64:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::NA:
      return true;
    default:
      return false;  // dates, times and bytes are kept as the text they were read from
  }
}

std::shared_ptr<arrow::Table> CsvTable::with_true_numbers(std::shared_ptr<arrow::Table> table,
                                                          const std::shared_ptr<arrow::Buffer>& bytes,
                                                          const ReadRequest& request,
                                                          const NumberDoubts& doubts) const {
  ReadRequest again = request;
  again.columns.clear();
  ArrowTypes types;
  for (int c = 0; c < table->num_columns(); ++c) {
    const std::string& name = table->field(c)->name();
    if (request.types.count(name) || !is_doubtful(*table->column(c), doubts)) continue;
    again.columns.push_back(name);
    types[name] = arrow::utf8();
  }
  if (again.columns.empty()) return table;
  BadRow bad;
  const auto cells = value_of(parse(bytes, again, types, true, bad), file_.name);
  for (const std::string& name : again.columns) {
    Column column = cells->GetColumnByName(name);
    const ColumnType type = type_of_cells(*column);
    if (type == ColumnType::real) continue;
    if (type == ColumnType::text) texts_.insert(name);
    if (type == ColumnType::integer)
      column = kept_column(without_plus(*column), file_.name, name, type, request.first_row);
    const int c = table->schema()->GetFieldIndex(name);
    table = value_of(table->SetColumn(c, arrow::field(name, column->type()), column), file_.name);
  }
  return table;
}

std::shared_ptr<arrow::Table> CsvTable::with_blanks(std::shared_ptr<arrow::Table> table,
                                                    const std::shared_ptr<arrow::Buffer>& bytes,
                                                    const ReadRequest& request) const {
  ReadRequest again = request;
  again.columns.clear();
  ArrowTypes types;
  for (const auto& field : table->schema()->fields()) {
    const auto declared = request.types.find(field->name());
    if (declared != request.types.end() && declared->second != ColumnType::text) continue;
    if (field->type()->id() != arrow::Type::STRING && field->type()->id() != arrow::Type::NA) continue;
    again.columns.push_back(field->name());
    types[field->name()] = arrow::utf8();
  }
  if (again.columns.empty()) return table;
  BadRow bad;
  const auto cells = value_of(parse(bytes, again, types, true, bad), file_.name);
  for (const std::string& name : again.columns) {
    const Column column = cells->GetColumnByName(name);
    if (is_all_missing(*column)) continue;
    table = value_of(
        table->SetColumn(table->schema()->GetFieldIndex(name), arrow::field(name, column->type()), column),
        file_.name);
  }
  return table;
}

Table CsvTable::kept(const arrow::Table& table, const TablePiece& piece, ReadRequest request) const {
  if (request.first_row >= 0) return kept_table(table, file_.name, request);
  try {
    return kept_table(table, file_.name, request);
  } catch (const Error& e) {
    if (e.status() != ExitStatus::bad_data) throw;
    request.first_row = rows_before(piece.begin);  // counted only where a row has to be named
    return kept_table(table, file_.name, request);
  }
}

Table CsvTable::read(const TablePiece& piece, const ReadRequest& request) const {
  std::shared_ptr<arrow::Buffer> bytes = read_bytes(piece.begin, piece.end);
  if (bytes->size() != piece.end - piece.begin) check_unchanged(file_);
  const char last = bytes->size() ? static_cast<char>(bytes->data()[bytes->size() - 1]) : '\n';
  if (last != '\n' && last != '\r')
    bytes = value_of(arrow::ConcatenateBuffers({bytes, arrow::Buffer::FromString("\n")}), file_.name);
  const std::shared_ptr<arrow::Buffer> as_written = bytes;
  auto marked = with_quoted_blanks_marked(std::string_view(*bytes), delimiter_);
  const bool blanks = marked.has_value();
  if (blanks) bytes = arrow::Buffer::FromString(*std::move(marked));
  const NumberDoubts doubts = doubts_about(std::string_view(*bytes));
  ArrowTypes types;
  std::set<std::string> forced = texts_;
  for (const auto& [name, type] : request.types) {
    const bool as_text = type == ColumnType::boolean || (type == ColumnType::integer && doubts.plus);
    types[name] = as_text ? arrow::utf8() : arrow_type(type);
  }
  for (int attempt = 0;; ++attempt) {
    for (const std::string& name : forced) types.emplace(name, arrow::utf8());
    BadRow bad;
    const auto table = parse(bytes, request, types, true, bad);
    if (!table.ok()) explain(piece, bytes, request, table.status(), bad);
    bool again = false;
    for (const auto& field : (*table)->schema()->fields()) {
      if (!is_kept(*field->type()) && types.count(field->name()) == 0)
        again = forced.insert(field->name()).second || again;
      if (field->type()->id() == arrow::Type::STRING && request.types.count(field->name()) == 0)
        texts_.insert(field->name());
    }
    if (!again || attempt > 0) {
      auto checked = with_true_numbers(*table, bytes, request, doubts);
      if (blanks) checked = with_blanks(checked, as_written, request);
      return kept(*readied(checked, request, file_.name), piece, request);
    }
    texts_.insert(forced.begin(), forced.end());
  }
}

}  // namespace

std::unique_ptr<TableFile> open_csv(const InputFile& file, const TableOptions& options) {
  return std::make_unique<CsvTable>(file, options);
}

}  // namespace rankflow
