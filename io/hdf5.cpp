#include "io/hdf5.h"

#include <array>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/hdf5_handle.h"

namespace rankflow::hdf5 {
namespace {

hid_t file_type(DType type) {
  switch (type) {
    case DType::u8:
      return H5T_STD_U8LE;
    case DType::i32:
      return H5T_STD_I32LE;
    case DType::i64:
      return H5T_STD_I64LE;
    case DType::f32:
      return H5T_IEEE_F32LE;
    case DType::f64:
      return H5T_IEEE_F64LE;
    case DType::boolean:
    case DType::f16:
    case DType::bf16:
      break;
  }
  throw Error(ExitStatus::internal, str("files hold no elements of ", name(type)));
}

Handle access_properties(const Access& access, std::uint64_t alignment) {
  Handle properties = access.own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  access.check(H5Pset_libver_bounds(properties.get(), H5F_LIBVER_V18, H5F_LIBVER_V18));
  // Locks fail on many shared file systems, and nothing here is opened while it is written.
  access.check(H5Pset_file_locking(properties.get(), false, true));
  if (alignment > 1) access.check(H5Pset_alignment(properties.get(), 1, alignment));
  return properties;
}

Handle creation_properties(const Access& access) {
  Handle properties = access.own(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  access.check(H5Pset_obj_track_times(properties.get(), false));
  access.check(H5Pset_link_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  return properties;
}

void write_attribute(const Access& access, hid_t file, const std::string& name, const std::string& text) {
  Handle type = access.own(H5Tcopy(H5T_C_S1), H5Tclose);
  // Of variable length: an attribute's own bytes are limited to 64 KiB in this format.
  access.check(H5Tset_size(type.get(), H5T_VARIABLE));
  access.check(H5Tset_cset(type.get(), H5T_CSET_UTF8));
  Handle space = access.own(H5Screate(H5S_SCALAR), H5Sclose);
  Handle attribute =
      access.own(H5Acreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const char* characters = text.c_str();
  access.check(H5Awrite(attribute.get(), type.get(), &characters));
}

Handle element_type(const Access& access, const Array& array) {
  Handle type = access.own(H5Tcopy(array.text_length > 0 ? H5T_C_S1 : file_type(array.dtype)), H5Tclose);
  if (array.text_length > 0) {
    access.check(H5Tset_size(type.get(), static_cast<std::size_t>(array.text_length)));
    access.check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
    access.check(H5Tset_cset(type.get(), H5T_CSET_UTF8));
  }
  return type;
}

std::uint64_t create_array(const Access& access, hid_t file, const Array& array) {
  const std::vector<hsize_t> dimensions(array.shape.begin(), array.shape.end());
  Handle space = access.own(
      dimensions.empty() ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr),
      H5Sclose);
  Handle properties = access.own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  access.check(H5Pset_obj_track_times(properties.get(), false));
  access.check(H5Pset_layout(properties.get(), H5D_CONTIGUOUS));
  access.check(H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY));
  access.check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER));
  Handle type = element_type(access, array);
  Handle dataset = access.own(H5Dcreate2(file, array.name.c_str(), type.get(), space.get(), H5P_DEFAULT,
                                         properties.get(), H5P_DEFAULT),
                              H5Dclose);
  if (array.bytes() == 0) return 0;
  const haddr_t offset = H5Dget_offset(dataset.get());
  if (offset == HADDR_UNDEF) access.fail(str("no room was allocated for \"", array.name, "\""));
  return offset;
}

bool exists_attribute_text(const Access& access, hid_t attribute) {
  Handle type = access.own(H5Aget_type(attribute), H5Tclose);
  Handle space = access.own(H5Aget_space(attribute), H5Sclose);
  return H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) > 0 &&
         H5Sget_simple_extent_type(space.get()) == H5S_SCALAR;
}

std::map<std::string, std::string> read_attributes(const Access& access, hid_t file) {
  H5O_info_t info;
  access.check(H5Oget_info2(file, &info, H5O_INFO_NUM_ATTRS));
  std::map<std::string, std::string> texts;
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    Handle attribute = access.own(
        H5Aopen_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!exists_attribute_text(access, attribute.get())) continue;  // other programs may add their own
    std::array<char, 256> name{};
    access.check(static_cast<herr_t>(H5Aget_name(attribute.get(), name.size(), name.data())));
    Handle type = access.own(H5Aget_type(attribute.get()), H5Tclose);
    char* text = nullptr;
    access.check(H5Aread(attribute.get(), type.get(), &text));
    texts[name.data()] = text ? text : "";
    H5free_memory(text);
  }
  return texts;
}

void read_type(const Access& access, hid_t dataset, Array& array) {
  Handle type = access.own(H5Dget_type(dataset), H5Tclose);
  if (H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0) {
    array.dtype = DType::u8;
    array.text_length = static_cast<std::int64_t>(H5Tget_size(type.get()));
    if (H5Tequal(type.get(), element_type(access, array).get()) > 0) return;
  }
  array.text_length = 0;
  for (DType candidate : {DType::u8, DType::i32, DType::i64, DType::f32, DType::f64}) {
    array.dtype = candidate;
    if (H5Tequal(type.get(), file_type(candidate)) > 0) return;
  }
  access.fail(
      str("\"", array.name,
          "\" has a type other than little-endian uint8, int32, int64, float32 or float64, or UTF-8 of a "
          "fixed length, padded with NUL"));
}

std::vector<std::int64_t> read_shape(const Access& access, hid_t dataset) {
  Handle space = access.own(H5Dget_space(dataset), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  access.check(rank);
  std::vector<hsize_t> dimensions(rank);
  access.check(H5Sget_simple_extent_dims(space.get(), dimensions.data(), nullptr));
  return {dimensions.begin(), dimensions.end()};
}

void check_storage(const Access& access, hid_t dataset, const std::string& name) {
  Handle properties = access.own(H5Dget_create_plist(dataset), H5Pclose);
  if (H5Pget_layout(properties.get()) != H5D_CONTIGUOUS) {
    access.fail(str("\"", name, "\" is chunked, compact or virtual; only contiguous arrays are read"));
  }
  if (H5Pget_external_count(properties.get()) != 0)
    access.fail(str("\"", name, "\" keeps its data in another file"));
  if (H5Pget_nfilters(properties.get()) != 0) access.fail(str("\"", name, "\" is filtered"));
}

Array read_array(const Access& access, hid_t file, const std::string& name, std::uint64_t file_size) {
  H5L_info_t link;
  access.check(H5Lget_info(file, name.c_str(), &link, H5P_DEFAULT));
  if (link.type != H5L_TYPE_HARD) access.fail(str("\"", name, "\" is a link to another place"));
  Handle object = access.own(H5Oopen(file, name.c_str(), H5P_DEFAULT), H5Oclose);
  if (H5Iget_type(object.get()) != H5I_DATASET) access.fail(str("\"", name, "\" is not an array"));
  check_storage(access, object.get(), name);

  Array array{name};
  read_type(access, object.get(), array);
  array.shape = read_shape(access, object.get());
  const std::uint64_t bytes = array.bytes();
  if (bytes == 0) return array;
  array.offset = H5Dget_offset(object.get());
  if (array.offset == HADDR_UNDEF || array.offset > file_size || bytes > file_size - array.offset) {
    access.fail(
        str("\"", name, "\" reaches past the end of the file (", file_size, " bytes): it is cut off"));
  }
  return array;
}

/// Others' files may keep no order of creation; theirs is that of names then.
H5_index_t creation_order(const Access& access, hid_t file) {
  Handle group = access.own(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  Handle properties = access.own(H5Gget_create_plist(group.get()), H5Pclose);
  unsigned flags = 0;
  access.check(H5Pget_link_creation_order(properties.get(), &flags));
  return (flags & H5P_CRT_ORDER_INDEXED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

}  // namespace

std::uint64_t Array::bytes() const {
  std::uint64_t bytes = text_length > 0 ? static_cast<std::uint64_t>(text_length) : size_of(dtype);
  for (std::int64_t n : shape) {
    if (n < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(n), &bytes) ||
        bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw Error(ExitStatus::bad_data, str("array \"", name, "\" has an impossible shape"));
    }
  }
  return bytes;
}

std::vector<Array> create(const std::string& path, std::vector<Array> arrays,
                          const std::map<std::string, std::string>& attributes, std::uint64_t alignment) {
  const auto lock = library_lock();
  silence_library();
  const Access access{path, ExitStatus::io, "cannot write"};
  Handle creation = creation_properties(access);
  Handle properties = access_properties(access, alignment);
  Handle file =
      access.own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), properties.get()), H5Fclose);
  for (const auto& [name, text] : attributes) write_attribute(access, file.get(), name, text);
  for (Array& array : arrays) {
    if (array.name.empty() || array.name == "." || array.name.find('/') != std::string::npos) {
      throw Error(ExitStatus::internal, str("\"", array.name, "\" can't name an array in an HDF5 file"));
    }
    array.offset = create_array(access, file.get(), array);
  }
  access.check(file.close());
  return arrays;
}

void add_attribute(const std::string& path, const std::string& name, const std::string& text) {
  const auto lock = library_lock();
  silence_library();
  const Access access{path, ExitStatus::io, "cannot write"};
  Handle properties = access_properties(access, 1);
  Handle file = access.own(H5Fopen(path.c_str(), H5F_ACC_RDWR, properties.get()), H5Fclose);
  write_attribute(access, file.get(), name, text);
  access.check(file.close());
}

Structure read_structure(const std::string& path) {
  const auto lock = library_lock();
  silence_library();
  FileStamp stamp;
  if (!stamp_of(path, stamp)) throw Error(ExitStatus::bad_data, str("file ", path, " is missing"));
  const Access access{path, ExitStatus::bad_data, "cannot read"};
  Handle properties = access_properties(access, 1);
  Handle file = access.own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, properties.get()), H5Fclose);

  Structure structure;
  structure.attributes = read_attributes(access, file.get());
  const H5_index_t order = creation_order(access, file.get());
  H5G_info_t group;
  access.check(H5Gget_info(file.get(), &group));
  for (hsize_t i = 0; i < group.nlinks; ++i) {
    std::array<char, 1024> name{};
    const auto length =
        H5Lget_name_by_idx(file.get(), ".", order, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    if (length < 0) access.fail();
    structure.arrays.push_back(read_array(access, file.get(), name.data(), stamp.size));
  }
  return structure;
}

}  // namespace rankflow::hdf5
