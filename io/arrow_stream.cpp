#include "io/arrow_stream.h"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/api.h>
#include <arrow/util/byte_size.h>

#include "io/arrow_result.h"

namespace rankflow {
namespace {

/// A text that grows; Arrow's own buffer would have to be copied into one.
class TextOutput : public arrow::io::OutputStream {
 public:
  explicit TextOutput(std::string& text) : text_(text) { set_mode(arrow::io::FileMode::WRITE); }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return std::ssize(text_); }
  using arrow::io::OutputStream::Write;
  arrow::Status Write(const void* data, std::int64_t bytes) override {
    text_.append(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
    return arrow::Status::OK();
  }

 private:
  std::string& text_;
  bool closed_ = false;
};

}  // namespace

std::string ipc_stream(const arrow::Table& table, const std::string& doing) {
  std::string text;
  constexpr std::int64_t about_the_table = 4096;
  text.reserve(
      static_cast<std::size_t>(value_of(arrow::util::ReferencedBufferSize(table), doing) + about_the_table));
  TextOutput output(text);
  const auto writer = value_of(arrow::ipc::MakeStreamWriter(&output, table.schema()), doing);
  check_arrow(writer->WriteTable(table), doing);
  check_arrow(writer->Close(), doing);
  return text;
}

}  // namespace rankflow
