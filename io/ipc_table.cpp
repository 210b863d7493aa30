// Arrow's IPC file format: a piece is a record batch.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>

#include <algorithm>

#include "base/text.h"
#include "io/arrow_columns.h"
#include "io/arrow_result.h"
#include "io/table_file.h"

namespace rankflow {
namespace {

class IpcTable : public TableFile {
 public:
  explicit IpcTable(const InputFile& file) : file_(file) {
    reader_ = value_of(arrow::ipc::RecordBatchFileReader::Open(open_bytes(file)), file.name);
    check_column_names(reader_->schema()->field_names(), file.name);
    for (const auto& field : reader_->schema()->fields()) {
      const ColumnType type = kept_type(*field->type(), file.name, field->name());
      // A column of no values fits any type that other files have.
      const bool empty = field->type()->id() == arrow::Type::NA;
      columns_.push_back({field->name(), empty ? std::nullopt : std::optional(type)});
    }
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    std::vector<TablePiece> pieces;
    for (int batch = 0; batch < reader_->num_record_batches(); ++batch) pieces.push_back({batch, batch + 1});
    return pieces;
  }
  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    const std::string doing = str(file_.name, ": batch ", piece.begin + 1);
    auto batch = reader_->ReadRecordBatch(static_cast<int>(piece.begin));
    if (!batch.ok()) check_unchanged(file_);
    const auto read = value_of(std::move(batch), doing);
    check_arrow(read->ValidateFull(), doing);  // what a damaged file holds could lead anywhere
    return kept_table(*value_of(arrow::Table::FromRecordBatches({read}), doing), file_.name, request);
  }

 private:
  InputFile file_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
  std::vector<TableColumn> columns_;
};

}  // namespace

std::unique_ptr<TableFile> open_arrow(const InputFile& file, const TableOptions&) {
  return std::make_unique<IpcTable>(file);
}

}  // namespace rankflow
