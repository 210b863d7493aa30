// Parquet: a piece is a row group.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
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
    std::shared_ptr<arrow::Schema> schema;
    check_arrow(reader_->GetSchema(&schema), file.name);
    check_column_names(schema->field_names(), file.name);
    for (const auto& field : schema->fields())
      columns_.push_back({field->name(), kept_type(*field->type(), file.name, field->name())});
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    std::vector<TablePiece> pieces;
    for (int group = 0; group < metadata_->num_row_groups(); ++group)
      pieces.push_back({group, group + 1, metadata_->RowGroup(group)->num_rows()});
    return pieces;
  }
  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    std::vector<int> wanted;
    for (int c = 0; c < static_cast<int>(columns_.size()); ++c) {
      const auto& listed = request.columns;
      if (listed.empty() ||
          std::find(listed.begin(), listed.end(), columns_[static_cast<std::size_t>(c)].name) != listed.end())
        wanted.push_back(c);
    }
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
  InputFile file_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::vector<TableColumn> columns_;
};

}  // namespace

std::unique_ptr<TableFile> open_parquet(const InputFile& file, const TableOptions&) {
  return std::make_unique<ParquetTable>(file);
}

}  // namespace rankflow
