// Parquet: a piece is a row group.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>

#include "base/text.h"
#include "io/arrow_columns.h"
#include "io/arrow_result.h"
#include "io/table_file.h"

namespace rankflow {
namespace {

class ParquetTable : public TableFile {
 public:
  explicit ParquetTable(const InputFile& file) : file_(file) {
    try {
      auto opened = parquet::ParquetFileReader::Open(open_bytes(file));
      metadata_ = opened->metadata();
      reader_ = value_of(parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(opened)),
                         file.name);
    } catch (const parquet::ParquetException& e) {
      throw Error(ExitStatus::bad_data, str(file.name, ": ", e.what()));
    }
    check_arrow(reader_->GetSchema(&schema_), file.name);
    check_column_names(schema_->field_names(), file.name);
    for (const auto& field : schema_->fields())
      columns_.push_back({field->name(), said_type(*field->type())});
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::map<std::string, std::string> left_out() const override { return columns_left_out(*schema_); }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    std::vector<TablePiece> pieces;
    for (int group = 0; group < metadata_->num_row_groups(); ++group)
      pieces.push_back({group, group + 1, metadata_->RowGroup(group)->num_rows()});
    return pieces;
  }
  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    const std::vector<int> wanted = columns_for(request);
    try {
      auto table = reader_->ReadRowGroup(static_cast<int>(piece.begin), wanted);
      if (!table.ok()) check_unchanged(file_);
      return kept_table(*value_of(std::move(table), str(file_.name, ": row group ", piece.begin + 1)),
                        file_.name, request);
    } catch (const parquet::ParquetException& e) {
      check_unchanged(file_);
      throw Error(ExitStatus::bad_data, str(file_.name, ": row group ", piece.begin + 1, ": ", e.what()));
    }
  }

 private:
  /// The file's own columns for those of the table that are asked for: one that a table can't hold has several.
  std::vector<int> columns_for(const ReadRequest& request) const {
    const auto& listed = request.columns;
    const auto unreadable = left_out();
    std::vector<int> wanted;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const std::string& name = columns_[c].name;
      const bool by_name = std::find(listed.begin(), listed.end(), name) != listed.end();
      if (!listed.empty() && !by_name) continue;
      if (by_name || request.types.count(name) > 0)
        kept_type(*schema_->field(static_cast<int>(c))->type(), file_.name, name);  // throws
      if (unreadable.count(name) == 0) wanted.push_back(reader_->manifest().schema_fields[c].column_index);
    }
    return wanted;
  }

  InputFile file_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<TableColumn> columns_;
};

}  // namespace

std::unique_ptr<TableFile> open_parquet(const InputFile& file, const TableOptions&) {
  return std::make_unique<ParquetTable>(file);
}

}  // namespace rankflow
