#include "io/tensor_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <future>
#include <limits>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"
#include "io/hdf5.h"

namespace rankflow {
namespace {

constexpr char attributes_name[] = "rankflow";
constexpr char checksum_name[] = "sha256";

/// Over everything that a reader will rely on: attributes, names, types, shapes and data.
class Checksum {
 public:
  explicit Checksum(const std::string& attributes) { add_text(attributes); }
  void add(const std::string& tensor, DType dtype, const std::vector<std::int64_t>& shape, const void* data,
           std::size_t bytes) {
    add_text(tensor);
    add_text(name(dtype));
    add_text(Json(shape).dump());
    hash_.update(data, bytes);
  }
  std::string finish() { return hash_.finish(); }

 private:
  void add_text(const std::string& text) {
    hash_.update(str(text.size(), ":"));
    hash_.update(text);
  }
  Sha256 hash_;
};

/// A file that is removed unless it reached its final name.
class Temporary {
 public:
  // Unique to the process: two runs of the same step may write the same checkpoint at the same time.
  explicit Temporary(const std::string& target) : path_(str(target, ".", getpid(), ".tmp")) {}
  ~Temporary() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const std::string& path() const { return path_; }
  void move_to(const std::string& target) {
    if (std::rename(path_.c_str(), target.c_str()) != 0)
      throw system_error("cannot rename to", target, errno);
    path_.clear();
  }

 private:
  std::string path_;
};

void write_at(File& file, std::uint64_t offset, const void* data, std::size_t bytes) {
  if (lseek(file.fd(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    throw system_error("cannot write", file.path(), errno);
  }
  file.write_all({static_cast<const char*>(data), bytes});
}

/// In pieces, each on its way to the disk while the next is copied.
void write_array(File& file, const hdf5::Array& array, const void* data) {
  constexpr std::uint64_t piece = std::uint64_t{16} << 20;
  const auto* bytes = static_cast<const std::byte*>(data);
  for (std::uint64_t done = 0; done < array.bytes(); done += piece) {
    write_at(file, array.offset + done, bytes + done, std::min(piece, array.bytes() - done));
    if (array.bytes() > piece) file.begin_sync();
  }
}

void read_at(File& file, std::uint64_t offset, std::vector<std::byte>& data) {
  if (lseek(file.fd(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    throw system_error("cannot read", file.path(), errno);
  }
  for (std::size_t done = 0; done < data.size();) {
    const std::size_t got = file.read_some(data.data() + done, data.size() - done);
    if (got == 0) throw Error(ExitStatus::bad_data, str(file.path(), " is cut off"));
    done += got;
  }
}

const std::string& required_attribute(const hdf5::Structure& structure, const std::string& name,
                                      const std::string& path) {
  auto it = structure.attributes.find(name);
  if (it == structure.attributes.end()) {
    throw Error(ExitStatus::bad_data,
                str(path, " is no tensor file: its root has no attribute \"", name, "\""));
  }
  return it->second;
}

/// Reads all arrays; `expected` is empty for files without a checksum.
TensorFile read_checked(const std::string& path, const hdf5::Structure& structure,
                        const std::string& attributes, const std::string& expected) {
  TensorFile result;
  Checksum checksum(attributes);
  File file(path, O_RDONLY);
  for (const hdf5::Array& array : structure.arrays) {
    if (array.text_length > 0)
      throw Error(ExitStatus::bad_data, str(path, ": \"", array.name, "\" holds texts, not numbers"));
    StoredTensor tensor{array.name, array.dtype, array.shape, std::vector<std::byte>(array.bytes())};
    read_at(file, array.offset, tensor.data);
    if (!expected.empty())
      checksum.add(tensor.name, tensor.dtype, tensor.shape, tensor.data.data(), tensor.data.size());
    result.tensors.push_back(std::move(tensor));
  }
  if (!expected.empty() && checksum.finish() != expected) {
    throw Error(ExitStatus::bad_data, str(path, " is damaged: its content does not have its checksum"));
  }
  return result;
}

}  // namespace

const StoredTensor* TensorFile::find(const std::string& name) const {
  auto it =
      std::find_if(tensors.begin(), tensors.end(), [&](const StoredTensor& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

void write_tensor_file(const std::string& path, const std::vector<TensorView>& tensors,
                       const Json& attributes) {
  const std::string text = attributes.dump();
  std::vector<hdf5::Array> arrays;
  for (const TensorView& t : tensors) arrays.push_back({t.name, t.dtype, t.shape});

  Temporary temporary(path);
  arrays = hdf5::create(temporary.path(), std::move(arrays), {{attributes_name, text}}, 1);
  // SHA-256 is not much faster than a disk: it goes beside the writing, and becomes known after it.
  auto checksum = std::async(std::launch::async, [&] {
    Checksum sum(text);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      sum.add(tensors[i].name, tensors[i].dtype, tensors[i].shape, tensors[i].data, arrays[i].bytes());
    return sum.finish();
  });
  File file(temporary.path(), O_WRONLY);
  for (std::size_t i = 0; i < tensors.size(); ++i) write_array(file, arrays[i], tensors[i].data);
  hdf5::add_attribute(temporary.path(), checksum_name, checksum.get());
  file.sync();
  file.close();
  temporary.move_to(path);
  const auto slash = path.rfind('/');
  sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

TensorFile read_tensor_file(const std::string& path) {
  const hdf5::Structure structure = hdf5::read_structure(path);
  const std::string& text = required_attribute(structure, attributes_name, path);
  TensorFile result = read_checked(path, structure, text, required_attribute(structure, checksum_name, path));
  result.attributes = Json::parse(text, nullptr, false);
  if (result.attributes.is_discarded()) {
    throw Error(ExitStatus::bad_data, str(path, " is no tensor file: its attribute \"rankflow\" is no JSON"));
  }
  return result;
}

TensorFile read_arrays(const std::string& path) {
  const hdf5::Structure structure = hdf5::read_structure(path);
  if (structure.attributes.contains(checksum_name)) return read_tensor_file(path);
  return read_checked(path, structure, {}, {});
}

}  // namespace rankflow
