// Arrow's IPC formats, the file and the stream, told apart by their first bytes: a piece is a record batch.
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

std::vector<TableColumn> columns_of(const arrow::Schema& schema, const std::string& file) {
  check_column_names(schema.field_names(), file);
  std::vector<TableColumn> columns;
  for (const auto& field : schema.fields()) columns.push_back({field->name(), said_type(*field->type())});
  return columns;
}

Table table_of(const std::shared_ptr<arrow::RecordBatch>& batch, const std::string& doing,
               const std::string& file, const ReadRequest& request) {
  check_arrow(batch->ValidateFull(), doing);  // what a damaged file holds could lead anywhere
  return kept_table(*value_of(arrow::Table::FromRecordBatches({batch}), doing), file, request);
}

class IpcTable : public TableFile {
 public:
  explicit IpcTable(const InputFile& file) : file_(file) {
    reader_ = value_of(arrow::ipc::RecordBatchFileReader::Open(open_bytes(file)), file.name);
    columns_ = columns_of(*reader_->schema(), file.name);
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::map<std::string, std::string> left_out() const override {
    return columns_left_out(*reader_->schema());
  }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    std::vector<TablePiece> pieces;
    for (int batch = 0; batch < reader_->num_record_batches(); ++batch) pieces.push_back({batch, batch + 1});
    return pieces;
  }
  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    const std::string doing = str(file_.name, ": batch ", piece.begin + 1);
    auto batch = reader_->ReadRecordBatch(static_cast<int>(piece.begin));
    if (!batch.ok()) check_unchanged(file_);
    return table_of(value_of(std::move(batch), doing), doing, file_.name, request);
  }

 private:
  InputFile file_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
  std::vector<TableColumn> columns_;
};

/// A stream has no list of its batches: who reads one goes through those before it. Ranks read consecutive ones in order.
class IpcStream : public TableFile {
 public:
  explicit IpcStream(const InputFile& file) : file_(file) {
    begin();
    columns_ = columns_of(*reader_->schema(), file.name);
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::map<std::string, std::string> left_out() const override {
    return columns_left_out(*reader_->schema());
  }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    begin();
    std::vector<TablePiece> pieces;
    while (const auto batch = next()) pieces.push_back({next_ - 1, next_, batch->num_rows()});
    return pieces;
  }
  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    if (next_ > piece.begin) begin();
    std::shared_ptr<arrow::RecordBatch> batch;
    while (next_ <= piece.begin) {
      batch = next();
      if (batch) continue;
      check_unchanged(file_);
      throw Error(ExitStatus::bad_data, str(file_.name, " ends before batch ", piece.begin + 1));
    }
    return table_of(batch, str(file_.name, ": batch ", next_), file_.name, request);
  }

 private:
  void begin() const {
    reader_ = value_of(arrow::ipc::RecordBatchStreamReader::Open(open_bytes(file_)), file_.name);
    next_ = 0;
  }
  /// Null at the end.
  std::shared_ptr<arrow::RecordBatch> next() const {
    std::shared_ptr<arrow::RecordBatch> batch;
    const auto status = reader_->ReadNext(&batch);
    if (!status.ok()) check_unchanged(file_);
    check_arrow(status, str(file_.name, ": batch ", next_ + 1));
    if (batch) ++next_;
    return batch;
  }

  InputFile file_;
  mutable std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
  mutable std::int64_t next_ = 0;  // the batch that it gives next
  std::vector<TableColumn> columns_;
};

/// The file format begins with its name, "ARROW1"; a stream with a mark of four bytes before its first message (none before
/// Arrow 0.15).
bool is_stream(const InputFile& file) {
  const auto begin = value_of(open_bytes(file)->Read(4), file.name);
  return begin->ToString() == "\xff\xff\xff\xff";
}

}  // namespace

std::unique_ptr<TableFile> open_arrow(const InputFile& file, const TableOptions&) {
  if (is_stream(file)) return std::make_unique<IpcStream>(file);
  return std::make_unique<IpcTable>(file);
}

}  // namespace rankflow
