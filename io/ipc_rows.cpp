#include "io/ipc_rows.h"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/io_util.h>

#include <algorithm>

#include "base/text.h"
#include "io/arrow_result.h"
#include "io/file.h"

namespace rankflow {

struct IpcRows::File {
  std::string path;
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::io::FileOutputStream> bytes;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer;
};

namespace {

/// Arrow's status says what went wrong with a file of ours: that is no bad data.
void check_written(const arrow::Status& status, const std::string& path) {
  if (status.ok()) return;
  if (const int number = arrow::internal::ErrnoFromStatus(status); number != 0)
    throw system_error("cannot write", path, number);
  throw Error(ExitStatus::io, str("cannot write ", path, ": ", status.message()));
}

constexpr std::string_view file_start = "/mini-batch-", file_end = ".arrow";

/// The table with columns of nothing but missing values in the types that they have in `schema`.
std::shared_ptr<arrow::Table> typed(std::shared_ptr<arrow::Table> table, const arrow::Schema& schema,
                                    const std::string& doing) {
  if (table->num_columns() != schema.num_fields()) return table;
  for (int c = 0; c < schema.num_fields(); ++c) {
    const auto& field = schema.field(c);
    if (table->field(c)->type()->id() != arrow::Type::NA || table->field(c)->name() != field->name())
      continue;
    const auto nulls = value_of(arrow::MakeArrayOfNull(field->type(), table->num_rows()), doing);
    table = value_of(table->SetColumn(c, field, std::make_shared<arrow::ChunkedArray>(nulls)), doing);
  }
  return table;
}

std::string numbered(std::int64_t mini_batch) {
  std::string number = std::to_string(mini_batch);
  if (number.size() < 12) number.insert(0, 12 - number.size(), '0');
  return number;
}

}  // namespace

IpcRows::IpcRows(std::string folder) : folder_(std::move(folder)) {}
IpcRows::~IpcRows() = default;
IpcRows::IpcRows(IpcRows&&) noexcept = default;

std::int64_t IpcRows::write(std::int64_t mini_batch, std::string_view stream) {
  const std::string doing = str("rows of mini-batch ", mini_batch);
  const auto buffer = std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(
      reinterpret_cast<const std::uint8_t*>(stream.data()), std::ssize(stream)));
  const auto reader = value_of(arrow::ipc::RecordBatchStreamReader::Open(buffer), doing);
  auto table = value_of(value_of(reader->ToTable(), doing)->CombineChunks(), doing);
  check_arrow(table->ValidateFull(), doing);
  if (file_) table = typed(std::move(table), *file_->schema, doing);
  const auto schema = table->schema()->RemoveMetadata();
  const bool goes_on = file_ && next_ == mini_batch && file_->schema->Equals(*schema);
  next_ = mini_batch + 1;
  if (table->num_rows() == 0) return 0;
  if (!goes_on) {
    close();
    make_directories(folder_);
    file_ = std::make_unique<File>();
    file_->path = str(folder_, file_start, numbered(mini_batch), file_end);
    file_->schema = schema;
    auto bytes = arrow::io::FileOutputStream::Open(file_->path);
    check_written(bytes.status(), file_->path);
    file_->bytes = *bytes;
    auto writer = arrow::ipc::MakeFileWriter(file_->bytes, schema);
    check_written(writer.status(), file_->path);
    file_->writer = *writer;
  }
  check_written(file_->writer->WriteTable(*table->ReplaceSchemaMetadata(nullptr)), file_->path);
  return table->num_rows();
}

int IpcRows::name_mini_batches(const std::string& folder, std::string& text) {
  const std::string start = str(folder, file_start);
  int found = 0;
  for (std::size_t at = text.find(start); at != std::string::npos; at = text.find(start, at), ++found) {
    const std::size_t end = text.find(file_end, at);
    if (end == std::string::npos) return found;
    const std::size_t number = std::min(text.find_first_not_of('0', at + start.size()), end - 1);
    text.replace(at, end + file_end.size() - at,
                 str("the rows of mini-batch ", text.substr(number, end - number)));
  }
  return found;
}

void IpcRows::close() {
  if (!file_) return;
  const auto file = std::move(file_);
  check_written(file->writer->Close(), file->path);
  check_written(file->bytes->Close(), file->path);
}

}  // namespace rankflow
