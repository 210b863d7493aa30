// Datasets of an HDF5 file as columns: the first dimension counts the rows, a second one gives several columns. Files may come from
// anywhere: nothing outside of the file is opened, no plug-in is loaded, and what a dataset declares is compared with what it stores
// before memory is taken for it.
#include <arrow/api.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "io/arrow_columns.h"
#include "io/arrow_result.h"
#include "io/hdf5_handle.h"
#include "io/table_file.h"

namespace rankflow {
namespace {

using hdf5::Access;
using hdf5::Handle;

constexpr std::uint64_t most_chunk_bytes = 256 << 20, most_text_bytes = 256 << 20;
constexpr std::uint64_t most_expansion = 1100;  // deflate reaches 1032
constexpr std::int64_t most_columns = 1 << 20;

enum class Kind { boolean, integer, unsigned_integer, real, text };

/// A dataset that gives one column, or one for each position of its second dimension.
struct Source {
  std::string name;
  Kind kind = Kind::real;
  std::int64_t rows = 0, width = 1;
  bool two_dimensional = false;
  std::int64_t chunk_rows = 1;
  std::uint64_t row_bytes = 1;
};

std::shared_ptr<arrow::DataType> type_of(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return arrow::boolean();
    case Kind::integer:
      return arrow::int64();
    case Kind::unsigned_integer:
      return arrow::uint64();
    case Kind::text:
      return arrow::utf8();
    case Kind::real:
      break;
  }
  return arrow::float64();
}

/// h5py's booleans: an enumeration of FALSE and TRUE.
bool is_boolean(hid_t type) {
  if (H5Tget_class(type) != H5T_ENUM || H5Tget_nmembers(type) != 2 || H5Tget_size(type) != 1) return false;
  std::array<bool, 2> right{};
  for (unsigned i = 0; i < 2; ++i) {
    char* name = H5Tget_member_name(type, i);
    right[i] = name && std::strcmp(name, i == 0 ? "FALSE" : "TRUE") == 0;
    H5free_memory(name);
  }
  return right[0] && right[1];
}

class Inspector {
 public:
  Inspector(const Access& access, hid_t file) : access_(access), file_(file) {}

  Source look(const std::string& name) const {
    check_links(name);
    const Handle object = access_.own(H5Oopen(file_, name.c_str(), H5P_DEFAULT), H5Oclose);
    if (H5Iget_type(object.get()) != H5I_DATASET) fail(name, "is a group or a type, not a dataset");
    Source source{name};
    const Handle type = access_.own(H5Dget_type(object.get()), H5Tclose);
    source.kind = kind_of(type.get(), name);
    read_shape(object.get(), source);
    source.row_bytes = H5Tget_size(type.get()) * static_cast<std::uint64_t>(source.width);
    check_storage(object.get(), H5Tget_size(type.get()), source);
    return source;
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    throw Error(ExitStatus::bad_data, str(access_.path, ": ", in_quotes(name), " ", what),
                "datasets: [NAME, …] chooses what is read");
  }

  /// Every component of the path: a group could be a link to another file, too.
  void check_links(const std::string& name) const {
    for (std::size_t end = name.find('/');; end = name.find('/', end + 1)) {
      const std::string part = name.substr(0, end);
      H5L_info_t link;
      if (part.empty() || H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0) fail(name, "is not there");
      access_.check(H5Lget_info(file_, part.c_str(), &link, H5P_DEFAULT));
      if (link.type != H5L_TYPE_HARD) fail(part, "is a link to another place");
      if (end == std::string::npos) return;
    }
  }

  Kind kind_of(hid_t type, const std::string& name) const {
    switch (H5Tget_class(type)) {
      case H5T_INTEGER:
        if (H5Tget_size(type) > 8) break;
        return H5Tget_sign(type) == H5T_SGN_NONE && H5Tget_size(type) == 8 ? Kind::unsigned_integer
                                                                           : Kind::integer;
      case H5T_FLOAT:
        if (H5Tget_size(type) > 8) break;
        return Kind::real;
      case H5T_STRING:
        return Kind::text;
      case H5T_ENUM:
        if (is_boolean(type)) return Kind::boolean;
        break;
      default:
        break;
    }
    fail(name, "has a type that is none of a table's: numbers of up to 8 bytes, booleans and texts");
  }

  void read_shape(hid_t dataset, Source& source) const {
    const Handle space = access_.own(H5Dget_space(dataset), H5Sclose);
    const int rank = H5Sget_simple_extent_ndims(space.get());
    if (rank != 1 && rank != 2) fail(source.name, str("has ", rank, " dimensions; a table's have 1 or 2"));
    std::array<hsize_t, 2> size{0, 1};
    access_.check(H5Sget_simple_extent_dims(space.get(), size.data(), nullptr));
    if (size[0] == 0 || size[1] == 0) fail(source.name, "holds no value");
    if (size[0] > (std::uint64_t{1} << 48) || size[1] > most_columns)
      fail(source.name, "has an impossible size");
    source.rows = static_cast<std::int64_t>(size[0]), source.width = static_cast<std::int64_t>(size[1]);
    source.two_dimensional = rank == 2;
  }

  void check_storage(hid_t dataset, std::size_t item, Source& source) const {
    const Handle properties = access_.own(H5Dget_create_plist(dataset), H5Pclose);
    const auto layout = H5Pget_layout(properties.get());
    if (layout == H5D_VIRTUAL) fail(source.name, "is virtual: its values are in other files");
    if (H5Pget_external_count(properties.get()) != 0) fail(source.name, "keeps its values in another file");
    check_filters(properties.get(), source.name);
    const std::uint64_t declared = static_cast<std::uint64_t>(source.rows) * source.row_bytes;
    const std::uint64_t stored = H5Dget_storage_size(dataset);
    if (layout == H5D_CHUNKED) {
      std::array<hsize_t, 2> chunk{1, 1};
      access_.check(H5Pget_chunk(properties.get(), 2, chunk.data()));
      if (chunk[0] > most_chunk_bytes || chunk[0] * chunk[1] * item > most_chunk_bytes)
        fail(source.name, str("has chunks of more than ", human_bytes(most_chunk_bytes)));
      source.chunk_rows = static_cast<std::int64_t>(chunk[0]);
      if (declared / most_expansion > stored)
        fail(source.name, str("declares ", declared, " bytes, but stores ", stored));
    } else if (layout == H5D_CONTIGUOUS && stored < declared) {
      fail(source.name, str("declares ", declared, " bytes, but stores ", stored, ": it is cut off"));
    }
  }

  /// The filters that are part of the library: others would be loaded from wherever the environment says.
  void check_filters(hid_t properties, const std::string& name) const {
    const int count = H5Pget_nfilters(properties);
    for (int i = 0; i < count; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t values = 0;
      const auto filter =
          H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
      if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
        fail(name,
             str("is packed by filter ", int{filter}, "; only deflate, shuffle and fletcher32 are read"));
    }
  }

  const Access& access_;
  hid_t file_;
};

class Hdf5Table : public TableFile {
 public:
  Hdf5Table(const InputFile& file, const TableOptions& options)
      : file_(file), access_{file.name, ExitStatus::bad_data, "cannot read"} {
    const auto lock = hdf5::library_lock();
    const Handle opened = open();
    const Inspector inspector(access_, opened.get());
    for (const std::string& name : options.datasets.empty() ? all_names(opened.get()) : options.datasets)
      sources_.push_back(inspector.look(name));
    if (sources_.empty()) throw Error(ExitStatus::bad_data, str(file.name, " holds no dataset"));
    for (const Source& s : sources_) {
      if (s.rows == sources_[0].rows) continue;
      throw Error(ExitStatus::bad_data,
                  str(file.name, ": ", in_quotes(s.name), " has ", s.rows, " rows, but ",
                      in_quotes(sources_[0].name), " has ", sources_[0].rows));
    }
    name_columns();
    choose_pieces(options.piece_bytes);
  }

  const std::vector<TableColumn>& columns() const override { return columns_; }
  std::vector<TablePiece> cut(std::span<const std::string>) const override {
    std::vector<TablePiece> pieces;
    for (std::int64_t at = 0; at < sources_[0].rows; at += rows_per_piece_) {
      const std::int64_t end = std::min(sources_[0].rows, at + rows_per_piece_);
      pieces.push_back({at, end, end - at});
    }
    return pieces;
  }

  Table read(const TablePiece& piece, const ReadRequest& request) const override {
    const auto wanted = [&](const std::string& name) {
      const auto& listed = request.columns;
      return listed.empty() || std::find(listed.begin(), listed.end(), name) != listed.end();
    };
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    {
      const auto lock = hdf5::library_lock();
      const Handle opened = open();
      for (const Source& source : sources_) {
        std::vector<std::int64_t> positions;
        for (std::int64_t c = 0; c < source.width; ++c) {
          if (wanted(column_name(source, c))) positions.push_back(c);
        }
        if (positions.empty()) continue;
        const auto read_now = read(opened.get(), source, piece, positions);
        for (std::size_t i = 0; i < positions.size(); ++i) {
          fields.push_back(arrow::field(column_name(source, positions[i]), read_now[i]->type()));
          arrays.push_back(read_now[i]);
        }
      }
    }
    check_unchanged(file_);
    return kept_table(*arrow::Table::Make(arrow::schema(fields), arrays, piece.end - piece.begin), file_.name,
                      request);
  }

 private:
  Handle open() const {
    hdf5::silence_library();
    access_.check(H5PLset_loading_state(0));
    const Handle properties = access_.own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    access_.check(H5Pset_file_locking(properties.get(), false, true));
    return access_.own(H5Fopen(file_.path.c_str(), H5F_ACC_RDONLY, properties.get()), H5Fclose);
  }

  std::vector<std::string> all_names(hid_t file) const {
    H5G_info_t group;
    access_.check(H5Gget_info(file, &group));
    std::vector<std::string> names;
    for (hsize_t i = 0; i < group.nlinks; ++i) {
      std::array<char, 1024> name{};
      if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(),
                             H5P_DEFAULT) < 0)
        access_.fail();
      names.emplace_back(name.data());
    }
    return names;
  }

  static std::string column_name(const Source& source, std::int64_t position) {
    return source.two_dimensional && source.width > 1 ? str(source.name, "_", position) : source.name;
  }

  void name_columns() {
    std::vector<std::string> names;
    for (const Source& source : sources_) {
      for (std::int64_t c = 0; c < source.width; ++c) {
        names.push_back(column_name(source, c));
        columns_.push_back({names.back(), kept_type(*type_of(source.kind), file_.name, names.back())});
      }
    }
    check_column_names(names, file_.name);
  }

  /// Whole chunks: one that lies in two pieces would be unpacked twice.
  void choose_pieces(std::int64_t piece_bytes) {
    std::uint64_t row = 0;
    std::int64_t chunk = 1;
    for (const Source& s : sources_) row += s.row_bytes, chunk = std::max(chunk, s.chunk_rows);
    const auto rows = std::max<std::int64_t>(1, piece_bytes / static_cast<std::int64_t>(row));
    rows_per_piece_ = (rows + chunk - 1) / chunk * chunk;
  }

  std::vector<std::shared_ptr<arrow::Array>> read(hid_t file, const Source& source, const TablePiece& piece,
                                                  const std::vector<std::int64_t>& positions) const {
    const Handle dataset = access_.own(H5Dopen2(file, source.name.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle space = access_.own(H5Dget_space(dataset.get()), H5Sclose);
    const int rank = source.two_dimensional ? 2 : 1;
    const std::array<hsize_t, 2> start{static_cast<hsize_t>(piece.begin), 0};
    const std::array<hsize_t, 2> count{static_cast<hsize_t>(piece.end - piece.begin),
                                       static_cast<hsize_t>(source.width)};
    access_.check(
        H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr));
    const Handle memory = access_.own(H5Screate_simple(rank, count.data(), nullptr), H5Sclose);
    const std::size_t values = static_cast<std::size_t>(count[0] * count[1]);
    if (source.kind == Kind::text)
      return texts(dataset.get(), memory.get(), space.get(), values, source, positions);
    std::vector<std::uint64_t> words(values);  // each value is 8 bytes, or less of one
    std::byte* bytes = reinterpret_cast<std::byte*>(words.data());
    const Handle type = memory_type(dataset.get(), source.kind);
    access_.check(H5Dread(dataset.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, bytes));
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const std::int64_t position : positions) arrays.push_back(column(source, bytes, values, position));
    return arrays;
  }

  Handle memory_type(hid_t dataset, Kind kind) const {
    if (kind == Kind::boolean) return access_.own(H5Dget_type(dataset), H5Tclose);  // one byte each
    return access_.own(H5Tcopy(kind == Kind::real               ? H5T_NATIVE_DOUBLE
                               : kind == Kind::unsigned_integer ? H5T_NATIVE_ULLONG
                                                                : H5T_NATIVE_LLONG),
                       H5Tclose);
  }

  std::shared_ptr<arrow::Array> column(const Source& source, const std::byte* bytes, std::size_t values,
                                       std::int64_t position) const {
    const std::string doing = str(file_.name, ": ", source.name);
    const auto width = static_cast<std::size_t>(source.width), first = static_cast<std::size_t>(position);
    if (source.kind == Kind::boolean) {
      arrow::BooleanBuilder builder;
      for (std::size_t i = first; i < values; i += width)
        check_arrow(builder.Append(bytes[i] != std::byte{0}), doing);
      return value_of(builder.Finish(), doing);
    }
    const auto rows = static_cast<std::int64_t>(values / width);
    auto buffer = value_of(arrow::AllocateBuffer(rows * 8), doing);
    std::uint8_t* to = buffer->mutable_data();
    for (std::size_t i = first; i < values; i += width, to += 8) std::memcpy(to, bytes + i * 8, 8);
    return arrow::MakeArray(
        arrow::ArrayData::Make(type_of(source.kind), rows, {nullptr, std::move(buffer)}, 0));
  }

  std::vector<std::shared_ptr<arrow::Array>> texts(hid_t dataset, hid_t memory, hid_t space,
                                                   std::size_t values, const Source& source,
                                                   const std::vector<std::int64_t>& positions) const {
    const Handle type = access_.own(H5Dget_type(dataset), H5Tclose);
    std::vector<std::string> all;
    all.reserve(values);
    if (H5Tis_variable_str(type.get()) > 0) {
      hsize_t bytes = 0;
      access_.check(H5Dvlen_get_buf_size(dataset, type.get(), space, &bytes));
      if (bytes > most_text_bytes)
        access_.fail(str(in_quotes(source.name), " has more than ", human_bytes(most_text_bytes),
                         " of text in ", values, " values"));
      std::vector<char*> pointers(values, nullptr);
      const herr_t result = H5Dread(dataset, type.get(), memory, space, H5P_DEFAULT, pointers.data());
      if (result >= 0) {
        for (const char* p : pointers) all.emplace_back(p ? p : "");
      }
      H5Dvlen_reclaim(type.get(), memory, H5P_DEFAULT, pointers.data());
      access_.check(result);
    } else {
      const std::size_t size = H5Tget_size(type.get());
      std::string block(size * values, '\0');
      access_.check(H5Dread(dataset, type.get(), memory, space, H5P_DEFAULT, block.data()));
      for (std::size_t i = 0; i < values; ++i) all.push_back(unpadded(block.substr(i * size, size)));
    }
    return text_columns(all, source, positions);
  }

  static std::string unpadded(std::string text) {
    text.resize(std::min(text.size(), text.find('\0')));
    while (text.ends_with(' ')) text.pop_back();
    return text;
  }

  std::vector<std::shared_ptr<arrow::Array>> text_columns(const std::vector<std::string>& all,
                                                          const Source& source,
                                                          const std::vector<std::int64_t>& positions) const {
    const std::string doing = str(file_.name, ": ", source.name);
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const std::int64_t position : positions) {
      arrow::StringBuilder builder;
      for (std::size_t i = static_cast<std::size_t>(position); i < all.size();
           i += static_cast<std::size_t>(source.width)) {
        if (!is_utf8(all[i])) access_.fail(str(in_quotes(source.name), " holds a text that is not UTF-8"));
        check_arrow(builder.Append(all[i]), doing);
      }
      arrays.push_back(value_of(builder.Finish(), doing));
    }
    return arrays;
  }

  InputFile file_;
  Access access_;
  std::vector<Source> sources_;
  std::vector<TableColumn> columns_;
  std::int64_t rows_per_piece_ = 1;
};

}  // namespace

std::unique_ptr<TableFile> open_hdf5(const InputFile& file, const TableOptions& options) {
  return std::make_unique<Hdf5Table>(file, options);
}

}  // namespace rankflow
