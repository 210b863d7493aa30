// NumPy arrays of one or two dimensions as tables: the first counts the rows. Any run of rows can be a piece.
#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/util/float16.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include "base/partition.h"
#include "base/text.h"
#include "io/arrow_columns.h"
#include "io/arrow_result.h"
#include "io/npy_header.h"
#include "io/table_file.h"

namespace rankflow {
namespace {

constexpr std::int64_t longest_header = 16 << 20, most_columns = 1 << 20;

static_assert(std::endian::native == std::endian::little);

std::shared_ptr<arrow::DataType> type_of(const NpyField& f) {
  switch (f.kind) {
    case 'b':
      return arrow::boolean();
    case 'i':
      return f.bytes == 1   ? arrow::int8()
             : f.bytes == 2 ? arrow::int16()
             : f.bytes == 4 ? arrow::int32()
                            : arrow::int64();
    case 'u':
      return f.bytes == 1   ? arrow::uint8()
             : f.bytes == 2 ? arrow::uint16()
             : f.bytes == 4 ? arrow::uint32()
                            : arrow::uint64();
    default:
      return f.bytes == 4 ? arrow::float32() : arrow::float64();  // half floats are widened
  }
}

/// Values of one field, `stride` bytes apart, side by side and in this machine's order.
std::vector<std::byte> packed(const NpyField& f, const std::byte* first, std::int64_t stride,
                              std::int64_t rows) {
  std::vector<std::byte> out(static_cast<std::size_t>(rows * f.bytes));
  std::byte* to = out.data();
  for (std::int64_t row = 0; row < rows; ++row, to += f.bytes) {
    std::memcpy(to, first + row * stride, static_cast<std::size_t>(f.bytes));
    if (f.big_endian) std::reverse(to, to + f.bytes);
  }
  return out;
}

std::shared_ptr<arrow::Array> booleans(const std::vector<std::byte>& values, const std::string& doing) {
  arrow::BooleanBuilder builder;
  for (const std::byte v : values) check_arrow(builder.Append(v != std::byte{0}), doing);
  return value_of(builder.Finish(), doing);
}

std::shared_ptr<arrow::Array> halves(const std::vector<std::byte>& values, const std::string& doing) {
  arrow::DoubleBuilder builder;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, values.data() + i, 2);
    check_arrow(builder.Append(arrow::util::Float16::FromBits(bits).ToDouble()), doing);
  }
  return value_of(builder.Finish(), doing);
}

std::shared_ptr<arrow::Array> array_of(const NpyField& f, std::vector<std::byte> values,
                                       const std::string& doing) {
  if (f.kind == 'b') return booleans(values, doing);
  if (f.kind == 'f' && f.bytes == 2) return halves(values, doing);
  const auto rows = std::ssize(values) / f.bytes;
  auto buffer = value_of(arrow::AllocateBuffer(std::ssize(values)), doing);
  std::memcpy(buffer->mutable_data(), values.data(), values.size());
  return arrow::MakeArray(arrow::ArrayData::Make(type_of(f), rows, {nullptr, std::move(buffer)}, 0));
}

/// One file: the numbers of each column, row by row.
class NpyArray {
 public:
  /// Columns are called c0, c1, … or, where `name` is given, that, or with several NAME_0, NAME_1, …
  NpyArray(const InputFile& file, const std::string& name) : file_(file), in_(open_bytes(file)) {
    try {
      read_header();
    } catch (const Error& e) {
      throw Error(e.status(), str(file.name, ": ", e.message()), e.hint());
    }
    for (std::int64_t c = 0; c < columns(); ++c) names_.push_back(column_name(name, c));
    check_column_names(names_, file_.name);
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t row_bytes() const { return header_.item_bytes * per_row_; }
  std::int64_t columns() const { return header_.structured ? std::ssize(header_.fields) : per_row_; }
  const std::string& name(std::int64_t column) const { return names_[static_cast<std::size_t>(column)]; }
  const InputFile& file() const { return file_; }
  const NpyField& field(std::int64_t column) const {
    return header_.fields[header_.structured ? static_cast<std::size_t>(column) : 0];
  }

  /// Values of these rows, of the columns for which `wanted` is true.
  void read(Range rows, const std::function<bool(const std::string&)>& wanted,
            const std::function<void(const std::string&, std::shared_ptr<arrow::Array>)>& give) const {
    const std::string doing = str(file_.name, ": rows ", rows.begin + 1, " to ", rows.end);
    std::shared_ptr<arrow::Buffer> block;  // in C order: all columns of these rows
    if (!header_.fortran_order) block = bytes(rows.begin * row_bytes(), rows.size() * row_bytes(), doing);
    for (std::int64_t c = 0; c < columns(); ++c) {
      if (!wanted(name(c))) continue;
      const std::int64_t index = header_.structured ? 0 : c;
      std::shared_ptr<arrow::Buffer> own = block;
      std::int64_t first = index * header_.item_bytes, stride = row_bytes();
      if (header_.fortran_order) {
        own =
            bytes((index * rows_ + rows.begin) * header_.item_bytes, rows.size() * header_.item_bytes, doing);
        first = 0, stride = header_.item_bytes;
      }
      const auto* data = reinterpret_cast<const std::byte*>(own->data()) + first + field(c).offset;
      give(name(c), array_of(field(c), packed(field(c), data, stride, rows.size()), doing));
    }
  }

 private:
  void read_header() {
    const auto start = value_of(in_->ReadAt(0, 12), "its header");
    const std::int64_t end = npy_data_offset(start->ToString());
    if (end > longest_header)
      throw Error(ExitStatus::bad_data, str("its header says that it has ", end, " bytes itself"));
    header_ = parse_npy_header(value_of(in_->ReadAt(0, end), "its header")->ToString());
    const std::int64_t has = static_cast<std::int64_t>(file_.size) - end, wants = header_.data_bytes();
    if (has != wants)
      throw Error(ExitStatus::bad_data, str(has < wants ? "is cut off: it" : "", has < wants ? "" : "it",
                                            " has ", has, " bytes of values, but its header says ", wants));
    const std::size_t dimensions = header_.shape.size();
    if (dimensions != 1 && (dimensions != 2 || header_.structured))
      throw Error(ExitStatus::bad_data,
                  str("has ", dimensions, " dimensions; a table has 1 (a column) or 2 (rows and columns)"));
    rows_ = header_.shape[0];
    per_row_ = dimensions == 2 ? header_.shape[1] : 1;
    if (rows_ == 0 || per_row_ == 0) throw Error(ExitStatus::bad_data, "holds no value");
    if (per_row_ > most_columns) throw Error(ExitStatus::bad_data, str("has ", per_row_, " columns"));
  }

  std::string column_name(const std::string& name, std::int64_t column) const {
    if (header_.structured) return field(column).name;
    if (name.empty()) return str("c", column);
    return per_row_ == 1 ? name : str(name, "_", column);
  }

  std::shared_ptr<arrow::Buffer> bytes(std::int64_t offset, std::int64_t count,
                                       const std::string& doing) const {
    auto buffer = value_of(in_->ReadAt(header_.data_offset + offset, count), doing);
    if (buffer->size() == count) return buffer;
    check_unchanged(file_);
    throw Error(ExitStatus::bad_data, str(doing, ": the file ends early"));
  }

  InputFile file_;
  std::shared_ptr<arrow::io::RandomAccessFile> in_;
  NpyHeader header_;
  std::int64_t rows_ = 0, per_row_ = 1;
  std::vector<std::string> names_;
};

/// "y" for "data/y.npy.gz".
std::string stem_of(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.find('.'));
}

class NpyTable : public TableFile {
 public:
  NpyTable(const InputFile& file, const TableOptions& options) {
    arrays_.push_back(std::make_unique<NpyArray>(file, ""));
    if (!options.beside.empty()) {
      const InputFile other = find_input_files(options.beside, {}).at(0);
      arrays_.push_back(std::make_unique<NpyArray>(other, stem_of(other.name)));
    }
    std::vector<std::string> names;
    std::int64_t row = 1;
    for (const auto& array : arrays_) {
      if (array->rows() != arrays_[0]->rows())
        throw Error(ExitStatus::bad_data, str(array->file().name, " has ", array->rows(), " rows, but ",
                                              file.name, " has ", arrays_[0]->rows()));
      row += array->row_bytes();
      for (std::int64_t c = 0; c < array->columns(); ++c) {
        names.push_back(array->name(c));
        columns_.push_back(
            {names.back(), kept_type(*type_of(array->field(c)), array->file().name, names.back())});
      }
    }
    check_column_names(names, file.name);
    rows_per_piece_ = std::max<std::int64_t>(1, options.piece_bytes / row);
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    std::vector<TablePiece> pieces;
    const std::int64_t rows = arrays_[0]->rows();
    for (std::int64_t at = 0; at < rows; at += rows_per_piece_) {
      const std::int64_t end = std::min(rows, at + rows_per_piece_);
      pieces.push_back({at, end, end - at});
    }
    return pieces;
  }

  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> values;
    const auto wanted = [&](const std::string& name) {
      const auto& listed = request.columns;
      return listed.empty() || std::find(listed.begin(), listed.end(), name) != listed.end();
    };
    for (const auto& array : arrays_) {
      array->read({piece.begin, piece.end}, wanted,
                  [&](const std::string& name, std::shared_ptr<arrow::Array> column) {
                    fields.push_back(arrow::field(name, column->type()));
                    values.push_back(std::move(column));
                  });
    }
    return kept_table(*arrow::Table::Make(arrow::schema(fields), values, piece.end - piece.begin),
                      arrays_[0]->file().name, request);
  }

 private:
  std::vector<std::unique_ptr<NpyArray>> arrays_;
  std::int64_t rows_per_piece_ = 1;
  std::vector<TableColumn> columns_;
};

}  // namespace

std::unique_ptr<TableFile> open_npy(const InputFile& file, const TableOptions& options) {
  return std::make_unique<NpyTable>(file, options);
}

}  // namespace rankflow
