#include "io/table_reader.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <arrow/util/compression.h>
#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "io/arrow_result.h"
#include "io/file.h"

namespace rankflow {
namespace {

using Types = std::unordered_map<std::string, std::shared_ptr<arrow::DataType>>;

/// What Arrow's parser says about a row with another number of columns than the first.
struct BadRow {
  bool found = false;
  std::int64_t number = -1;  // from 1, the header counted
  std::int32_t expected = 0, actual = 0;
  std::string text;
};

bool is_gzip(const std::string& path) {
  File file(path, O_RDONLY);  // also says what is wrong with a file that can't be opened
  unsigned char magic[2] = {0, 0};
  return file.read_some(magic, 2) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

arrow::Result<std::shared_ptr<arrow::Table>> parse(const std::string& path, const CsvOptions& options,
                                                   const Types& types, bool threads, BadRow& bad) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::io::InputStream> stream, arrow::io::ReadableFile::Open(path));
  std::unique_ptr<arrow::util::Codec> codec;  // outlives the stream that uses it
  if (is_gzip(path)) {
    ARROW_ASSIGN_OR_RAISE(codec, arrow::util::Codec::Create(arrow::Compression::GZIP));
    ARROW_ASSIGN_OR_RAISE(stream, arrow::io::CompressedInputStream::Make(codec.get(), stream));
  }
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = threads;
  read.autogenerate_column_names = !options.header && options.columns.empty();
  if (!options.header) read.column_names = options.columns;
  auto parsing = arrow::csv::ParseOptions::Defaults();
  parsing.delimiter = options.delimiter;
  parsing.invalid_row_handler = [&bad](const arrow::csv::InvalidRow& row) {
    // Serial reading meets the first bad row first; with threads any may come first, but then only the fact
    // counts.
    if (!bad.found) bad = {true, row.number, row.expected_columns, row.actual_columns, std::string(row.text)};
    return arrow::csv::InvalidRowResult::Error;
  };
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = options.missing;
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  convert.column_types = types;
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::csv::TableReader::Make(arrow::io::default_io_context(), stream,
                                                                   read, parsing, convert));
  return reader->Read();
}

[[noreturn]] void fail(const std::string& path, const CsvOptions& options, const arrow::Status& status,
                       const BadRow& bad) {
  if (status.IsOutOfMemory()) throw std::bad_alloc();
  if (!bad.found) throw Error(ExitStatus::bad_data, str(path, ": ", status.message()));
  std::string text = bad.text.substr(0, 80);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const std::string row = bad.number < 0 ? "a row" : str("row ", bad.number - (options.header ? 1 : 0));
  throw Error(ExitStatus::bad_data,
              str(path, ": ", row, " has ", bad.actual, " columns, not ", bad.expected, ": ", text),
              "correct the row, or check `delimiter`");
}

std::shared_ptr<arrow::Table> parse_or_fail(const std::string& path, const CsvOptions& options,
                                            const Types& types) {
  BadRow bad;
  auto result = parse(path, options, types, options.threads, bad);
  if (result.ok()) return *result;
  if (!options.threads) fail(path, options, result.status(), bad);
  // With threads the parser does not know which row it is at: read again in order to name it.
  BadRow first;
  auto again = parse(path, options, types, false, first);
  fail(path, options, again.ok() ? result.status() : again.status(), first);
}

/// Types that tables keep; dates, times and bytes are kept as the text they were read from.
bool is_kept(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT64:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::NA:
      return true;
    default:
      return false;
  }
}

struct ParsedFile {
  std::string path;
  std::shared_ptr<arrow::Table> table;
};

void check_names(const ParsedFile& file, const ParsedFile& first) {
  std::set<std::string> seen;
  const auto names = file.table->ColumnNames();
  for (const std::string& name : names) {
    if (name.empty())
      throw Error(ExitStatus::bad_data, str(file.path, ": a column has no name"),
                  "name it, or set header: false");
    if (!seen.insert(name).second)
      throw Error(ExitStatus::bad_data, str(file.path, ": two columns are called \"", name, "\""));
  }
  if (names != first.table->ColumnNames()) {
    throw Error(ExitStatus::bad_data, str(file.path, " has the columns ", join(names, ", "), ", but ",
                                          first.path, " has ", join(first.table->ColumnNames(), ", ")));
  }
}

ParsedFile parse_unchanged(const std::string& path, const CsvOptions& options, const Types& types) {
  FileStamp before, after;
  if (!stamp_of(path, before) || std::filesystem::is_directory(path)) {
    throw Error(ExitStatus::io, str("there is no file ", path));
  }
  if (before.size == 0) throw Error(ExitStatus::bad_data, str(path, " is empty"));
  ParsedFile file{path, parse_or_fail(path, options, types)};
  if (!stamp_of(path, after) || !(before == after)) {
    throw Error(ExitStatus::bad_data, str(path, " changed while it was read"),
                "run again when it is complete");
  }
  if (file.table->num_rows() == 0) throw Error(ExitStatus::bad_data, str(path, " has no rows"));
  return file;
}

/// The type that serves a column in all files; text where they disagree about more than integer and real.
std::shared_ptr<arrow::DataType> common_type(const std::vector<ParsedFile>& files, int column) {
  std::shared_ptr<arrow::DataType> common = arrow::null();
  for (const ParsedFile& file : files) {
    const auto type = file.table->column(column)->type();
    auto number = [](const arrow::DataType& t) {
      return t.id() == arrow::Type::INT64 || t.id() == arrow::Type::DOUBLE;
    };
    if (type->id() == arrow::Type::NA || type->Equals(common)) continue;
    if (common->id() == arrow::Type::NA) {
      common = is_kept(*type) ? type : arrow::utf8();
    } else {
      common = number(*type) && number(*common) ? arrow::float64() : arrow::utf8();
    }
  }
  return common->id() == arrow::Type::NA ? arrow::float64() : common;
}

/// Reads a file again where a column must be the text it was, which its parsed value no longer tells.
void reread_texts(ParsedFile& file, const CsvOptions& options,
                  const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  Types forced;
  for (int c = 0; c < file.table->num_columns(); ++c) {
    const auto& field = file.table->field(c);
    const bool was_text =
        field->type()->id() == arrow::Type::STRING || field->type()->id() == arrow::Type::NA;
    if (types[c]->id() == arrow::Type::STRING && !was_text) forced[field->name()] = arrow::utf8();
  }
  if (!forced.empty()) file = parse_unchanged(file.path, options, forced);
}

std::vector<std::string> files_of(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string file = entry.path().filename().string();
    if (file.front() != '.' && (file.ends_with(".csv") || file.ends_with(".csv.gz")))
      files.push_back(entry.path().string());
  }
  if (files.empty()) throw Error(ExitStatus::bad_data, str("folder ", path, " has no *.csv or *.csv.gz"));
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<ParsedFile> parse_all(const std::string& path, const CsvOptions& options) {
  std::vector<ParsedFile> files;
  for (const std::string& file : files_of(path)) {
    files.push_back(parse_unchanged(file, options, {}));
    check_names(files.back(), files.front());
  }
  return files;
}

}  // namespace

Table read_csv(const std::string& path, const CsvOptions& options) {
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  std::vector<ParsedFile> files = parse_all(path, options);
  std::vector<std::string> names = files.front().table->ColumnNames();
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (int c = 0; c < static_cast<int>(names.size()); ++c) types.push_back(common_type(files, c));

  std::vector<TablePlace> sources;
  std::vector<arrow::ArrayVector> chunks(names.size());
  for (ParsedFile& file : files) {
    reread_texts(file, options, types);
    sources.push_back({file.path, file.table->num_rows()});
    for (std::size_t c = 0; c < names.size(); ++c) {
      Column column = file.table->column(static_cast<int>(c));
      if (!column->type()->Equals(types[c])) {
        column =
            value_of(arrow::compute::Cast(column, types[c]), str(file.path, ": column \"", names[c], "\""))
                .chunked_array();
      }
      chunks[c].insert(chunks[c].end(), column->chunks().begin(), column->chunks().end());
    }
    file.table.reset();
  }
  std::vector<Column> columns;
  for (std::size_t c = 0; c < names.size(); ++c) {
    columns.push_back(std::make_shared<arrow::ChunkedArray>(std::move(chunks[c]), types[c]));
  }
  if (!options.header && options.columns.empty()) {
    for (std::size_t c = 0; c < names.size(); ++c) names[c] = str("c", c);
  }
  return Table(std::move(sources), std::move(names), std::move(columns));
}

}  // namespace rankflow
