#include "io/dataset.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "io/carried.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "io/mapped_file.h"
#include "io/part_writer.h"

namespace rankflow {
namespace {

// A page: every column of a part starts at one, so that any row of 4 or 8 byte values is aligned in memory.
constexpr std::uint64_t part_alignment = 4096;

std::string part_path(const std::string& folder, std::int64_t part) {
  std::string number = std::to_string(part);
  if (number.size() < 5) number.insert(0, 5 - number.size(), '0');
  return str(folder, "/part-", number, ".h5");
}

std::string info_path(const std::string& folder) {
  return folder + "/dataset.json";
}

/// What a part of `rows` rows holds of the column: texts are elements there, not arrays of bytes.
hdf5::Array part_array(const DatasetInfo& info, const ColumnInfo& column, std::int64_t rows) {
  hdf5::Array array{column.name, column.dtype, {rows}};
  if (is_carried_text(info, column.name))
    array.text_length = column.shape.at(0);
  else
    array.shape.insert(array.shape.end(), column.shape.begin(), column.shape.end());
  return array;
}

std::string array_text(const hdf5::Array& array) {
  const std::string type =
      array.text_length > 0 ? str("text of ", array.text_length, " bytes") : std::string(name(array.dtype));
  return str(type, " ", Json(array.shape).dump());
}

DType dtype_named(const std::string& text) {
  for (DType type : {DType::u8, DType::i32, DType::i64, DType::f32, DType::f64}) {
    if (text == name(type)) return type;
  }
  throw Error(ExitStatus::bad_data, str("unknown dtype \"", text, "\""));
}

ColumnInfo column_from_json(const Json& json) {
  ColumnInfo column{json.at("name"), dtype_named(json.at("dtype")), json.at("shape")};
  hdf5::Array{column.name, column.dtype, column.shape}.bytes();  // throws where it is impossible
  return column;
}

/// Finds the dataset's columns in a part and checks that they are what dataset.json says; returns their
/// offsets.
std::vector<std::uint64_t> column_offsets(const std::string& path, const DatasetInfo& info,
                                          std::int64_t part) {
  const hdf5::Structure structure = hdf5::read_structure(path);
  std::vector<std::uint64_t> offsets;
  for (const ColumnInfo& column : info.columns) {
    auto it = std::find_if(structure.arrays.begin(), structure.arrays.end(),
                           [&](const hdf5::Array& a) { return a.name == column.name; });
    if (it == structure.arrays.end()) {
      throw Error(ExitStatus::bad_data, str(path, " has no column \"", column.name, "\""));
    }
    const hdf5::Array wanted = part_array(info, column, info.part_rows(part).size());
    if (it->dtype != wanted.dtype || it->shape != wanted.shape || it->text_length != wanted.text_length) {
      throw Error(ExitStatus::bad_data, str(path, ": column \"", column.name, "\" is ", array_text(*it),
                                            ", but dataset.json says ", array_text(wanted)));
    }
    offsets.push_back(it->offset);
  }
  return offsets;
}

}  // namespace

std::int64_t ColumnInfo::elements() const {
  std::int64_t product = 1;
  for (auto n : shape) product *= n;
  return product;
}

Range DatasetInfo::part_rows(std::int64_t part) const {
  return {part * rows_per_part, std::min(rows, (part + 1) * rows_per_part)};
}

std::size_t DatasetInfo::row_bytes() const {
  std::size_t bytes = 0;
  for (const ColumnInfo& c : columns) bytes += c.row_bytes();
  return bytes;
}

const ColumnInfo* DatasetInfo::find(const std::string& column) const {
  auto it =
      std::find_if(columns.begin(), columns.end(), [&](const ColumnInfo& c) { return c.name == column; });
  return it == columns.end() ? nullptr : &*it;
}

const ColumnInfo& DatasetInfo::at(const std::string& column) const {
  if (const ColumnInfo* found = find(column)) return *found;
  std::vector<std::string> names;
  for (const ColumnInfo& c : columns) names.push_back(c.name);
  throw Error(ExitStatus::bad_data,
              str("the dataset has no column \"", column, "\"; it has ", join(names, ", ")));
}

struct PartWriter::State {
  std::string path;
  std::vector<hdf5::Array> arrays;
  std::vector<std::size_t> row_bytes;  // of each column
  File file;
};

PartWriter::PartWriter(const std::string& folder, const DatasetInfo& info, std::int64_t part)
    : state_(std::make_unique<State>()) {
  state_->path = part_path(folder, part);
  std::vector<hdf5::Array> arrays;
  for (const ColumnInfo& column : info.columns) {
    arrays.push_back(part_array(info, column, info.part_rows(part).size()));
    state_->row_bytes.push_back(column.row_bytes());
  }
  state_->arrays = hdf5::create(state_->path, std::move(arrays), {}, part_alignment);
  state_->file = File(state_->path, O_WRONLY);
}

PartWriter::~PartWriter() = default;

void PartWriter::write(std::size_t column, Range rows, const void* data) {
  const hdf5::Array& array = state_->arrays.at(column);
  const std::size_t row_bytes = state_->row_bytes[column];
  if (rows.begin < 0 || rows.end > array.shape[0])
    throw Error(ExitStatus::internal, str("rows outside of ", state_->path));
  const std::size_t bytes = static_cast<std::size_t>(rows.size()) * row_bytes;
  if (bytes == 0) return;
  const std::uint64_t offset = array.offset + static_cast<std::uint64_t>(rows.begin) * row_bytes;
  if (lseek(state_->file.fd(), static_cast<off_t>(offset), SEEK_SET) < 0)
    throw system_error("cannot write", state_->path, errno);
  state_->file.write_all({static_cast<const char*>(data), bytes});
}

void PartWriter::close() {
  state_->file.close();
}

void write_part(const std::string& folder, const DatasetInfo& info, std::int64_t part,
                const std::vector<const void*>& data) {
  if (data.size() != info.columns.size())
    throw Error(ExitStatus::internal, "write_part: one pointer per column");
  PartWriter writer(folder, info, part);
  for (std::size_t c = 0; c < data.size(); ++c) writer.write(c, {0, info.part_rows(part).size()}, data[c]);
  writer.close();
}

void write_dataset_info(const std::string& folder, const DatasetInfo& info) {
  Json columns = Json::array();
  for (const ColumnInfo& c : info.columns) {
    columns.push_back({{"name", c.name}, {"dtype", name(c.dtype)}, {"shape", c.shape}});
  }
  const Json json{{"format", 1},
                  {"rows", info.rows},
                  {"rows_per_part", info.rows_per_part},
                  {"columns", columns},
                  {"schema", info.schema}};
  write_file_atomically(info_path(folder), json.dump(1) + "\n", /*durable=*/false);
}

DatasetInfo read_dataset_info(const std::string& folder) {
  const std::string path = info_path(folder);
  if (!exists(path)) {
    throw Error(ExitStatus::bad_data, str(folder, " is no dataset: it has no dataset.json"),
                "give the output of a prepare step");
  }
  const Json json = read_json(path);
  try {
    if (json.at("format") != 1) {
      throw Error(ExitStatus::bad_data,
                  str("format ", json.at("format").dump(), " is not known to this version"));
    }
    DatasetInfo info;
    info.rows = json.at("rows");
    info.rows_per_part = json.at("rows_per_part");
    for (const Json& column : json.at("columns")) info.columns.push_back(column_from_json(column));
    info.schema = json.at("schema");
    if (info.rows < 0 || info.rows_per_part < 1)
      throw Error(ExitStatus::bad_data, "impossible number of rows");
    carried_columns(info);  // throws where they don't fit
    return info;
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, ": ", e.what()));
  } catch (const Error& e) {
    throw Error(ExitStatus::bad_data, str(path, ": ", e.message()));
  }
}

struct Dataset::Maps {
  struct Part {
    MappedFile file;
    std::vector<std::uint64_t> offsets;  // of each column
  };
  std::vector<Part> parts;
  std::vector<char> carried;  // of each column, whether it is
};

Dataset::Dataset(const std::string& folder) : info_(read_dataset_info(folder)) {
  auto maps = std::make_shared<Maps>();
  for (std::int64_t part = 0; part < info_.parts(); ++part) {
    const std::string path = part_path(folder, part);
    auto offsets = column_offsets(path, info_, part);
    maps->parts.push_back({MappedFile(path), std::move(offsets)});
  }
  for (const ColumnInfo& column : info_.columns)
    maps->carried.push_back(carried_type(info_, column.name).has_value());
  maps_ = std::move(maps);
}

Dataset::Dataset(DatasetInfo info, std::shared_ptr<const Maps> maps, std::vector<std::int64_t> chosen)
    : info_(std::move(info)), maps_(std::move(maps)), selected_(true), chosen_(std::move(chosen)) {
  info_.rows = std::ssize(chosen_);
}

Dataset Dataset::select(std::vector<std::int64_t> rows) const {
  for (std::int64_t& row : rows) {
    if (row < 0 || row >= info_.rows)
      throw Error(ExitStatus::internal, str("no row ", row, " in the dataset"));
    if (selected_) row = chosen_[static_cast<std::size_t>(row)];
  }
  return {info_, maps_, std::move(rows)};
}

Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;

const std::byte* Dataset::row_of(std::size_t column, std::size_t row_bytes, std::int64_t row) const {
  if (row < 0 || row >= info_.rows) throw Error(ExitStatus::internal, str("no row ", row, " in the dataset"));
  if (selected_) row = chosen_[static_cast<std::size_t>(row)];
  const Maps::Part& part = maps_->parts[static_cast<std::size_t>(row / info_.rows_per_part)];
  return part.file.data() + part.offsets[column] +
         static_cast<std::size_t>(row % info_.rows_per_part) * row_bytes;
}

void Dataset::for_each_row(const std::string& column, std::span<const std::int64_t> rows,
                           const std::function<void(const std::byte* row)>& use) const {
  const ColumnInfo& info = info_.at(column);
  const auto index = static_cast<std::size_t>(&info - info_.columns.data());
  for (const std::int64_t row : rows) use(row_of(index, info.row_bytes(), row));
}

void Dataset::for_each_row(const std::string& column, Range range,
                           const std::function<void(const std::byte* row)>& use) const {
  const ColumnInfo& info = info_.at(column);
  const auto index = static_cast<std::size_t>(&info - info_.columns.data());
  for (std::int64_t row = range.begin; row < range.end; ++row) use(row_of(index, info.row_bytes(), row));
}

void Dataset::gather(const std::string& column, std::span<const std::int64_t> rows, void* out) const {
  const std::size_t bytes = info_.at(column).row_bytes();
  auto* to = static_cast<std::byte*>(out);
  for_each_row(column, rows, [&](const std::byte* row) {
    std::memcpy(to, row, bytes);
    to += bytes;
  });
}

void Dataset::copy(const std::string& column, Range range, void* out) const {
  const ColumnInfo& info = info_.at(column);
  const std::size_t index = static_cast<std::size_t>(&info - info_.columns.data()), bytes = info.row_bytes();
  auto* to = static_cast<std::byte*>(out);
  if (range.begin < 0 || range.end > info_.rows)
    throw Error(ExitStatus::internal, "rows outside the dataset");
  if (selected_) {
    for_each_row(column, range, [&](const std::byte* row) {
      std::memcpy(to, row, bytes);
      to += bytes;
    });
    return;
  }
  while (range.begin < range.end) {
    const std::int64_t number = range.begin / info_.rows_per_part;
    const Maps::Part& part = maps_->parts.at(static_cast<std::size_t>(number));
    const std::int64_t rows = std::min(range.end, info_.part_rows(number).end) - range.begin;
    const std::int64_t first = range.begin - number * info_.rows_per_part;
    std::memcpy(to, part.file.data() + part.offsets[index] + first * bytes, rows * bytes);
    to += rows * bytes;
    range.begin += rows;
  }
}

void Dataset::will_need(Range range) const {
  if (selected_) return;
  while (range.begin < range.end) {
    const std::int64_t number = range.begin / info_.rows_per_part;
    const Maps::Part& part = maps_->parts.at(static_cast<std::size_t>(number));
    const Range rows = info_.part_rows(number);
    const auto first = static_cast<std::uint64_t>(range.begin - rows.begin);
    const auto count = static_cast<std::uint64_t>(std::min(range.end, rows.end) - range.begin);
    for (std::size_t c = 0; c < info_.columns.size(); ++c) {
      if (maps_->carried[c]) continue;  // nothing that reads ahead wants it
      const std::uint64_t bytes = info_.columns[c].row_bytes();
      part.file.will_need(part.offsets[c] + first * bytes, count * bytes);
    }
    range.begin += static_cast<std::int64_t>(count);
  }
}

}  // namespace rankflow
