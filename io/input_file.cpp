#include "io/input_file.h"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/util/compression.h>
#include <fcntl.h>
#include <iconv.h>
#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "base/text.h"
#include "io/arrow_result.h"
#include "io/file_changed.h"
#include "io/path_glob.h"
#include "io/selection.h"
#include "io/table_formats.h"

namespace rankflow {
namespace {

bool starts_with_gzip(const std::string& path) {
  File file(path, O_RDONLY);  // also says what is wrong with a file that can't be opened
  unsigned char magic[2] = {0, 0};
  return file.read_some(magic, 2) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

InputFile input_file(const std::string& path) {
  InputFile file{path, path, 0, {}};
  if (!stamp_of(path, file.stamp) || std::filesystem::is_directory(path))
    throw Error(ExitStatus::io, str("there is no file ", path));
  file.size = file.stamp.size;
  return file;
}

std::vector<std::string> files_with_known_suffix(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.front() != '.' && name.front() != '_' && format_of_path(name) && !entry.is_directory())
      paths.push_back(entry.path().string());
  }
  return paths;
}

Error no_table_in(const std::string& folder) {
  return Error(ExitStatus::bad_data, str("folder ", folder, " has no file whose suffix is that of a table"),
               "name the files under `files`, or give `format`");
}

/// Turns text into UTF-8 piece by piece; a character may be cut by the end of a piece.
class Recoder {
 public:
  Recoder(const std::string& encoding, const std::string& file) : encoding_(encoding), file_(file) {
    const bool latin = strcasecmp(encoding.c_str(), "latin-1") == 0;  // as Python calls it
    handle_ = iconv_open("UTF-8", latin ? "ISO-8859-1" : encoding.c_str());
    if (handle_ == reinterpret_cast<iconv_t>(-1))
      throw Error(ExitStatus::configuration, str("encoding \"", encoding, "\" is not known to this system"),
                  "`iconv --list` names those that are");
  }
  ~Recoder() { iconv_close(handle_); }
  Recoder(const Recoder&) = delete;
  Recoder& operator=(const Recoder&) = delete;

  std::string add(std::string_view bytes) {
    left_.append(bytes);
    std::string out(left_.size() * 4 + 16, '\0');
    char *from = left_.data(), *to = out.data();
    std::size_t from_left = left_.size(), to_left = out.size();
    const std::size_t before = from_left;
    if (iconv(handle_, &from, &from_left, &to, &to_left) == static_cast<std::size_t>(-1) && errno != EINVAL)
      throw Error(ExitStatus::bad_data,
                  str(file_, ": byte ", done_ + static_cast<std::int64_t>(before - from_left),
                      " is no character of the encoding ", encoding_),
                  "give the file's `encoding`");
    done_ += static_cast<std::int64_t>(before - from_left);
    left_.erase(0, before - from_left);
    out.resize(out.size() - to_left);
    return out;
  }
  void finish() const {
    if (!left_.empty())
      throw Error(ExitStatus::bad_data,
                  str(file_, " ends in the middle of a character of the encoding ", encoding_));
  }

 private:
  iconv_t handle_;
  std::string encoding_, file_, left_;
  std::int64_t done_ = 0;
};

/// The bytes of a file with its compression taken off.
class PlainStream {
 public:
  explicit PlainStream(const InputFile& file) : doing_(file.name) {
    stream_ = value_of(arrow::io::ReadableFile::Open(file.path), doing_);
    std::string compression;
    without_compression(file.name, &compression);
    const bool gzip = starts_with_gzip(file.path);
    if (!gzip && compression != "zstd") return;
    codec_ = value_of(arrow::util::Codec::Create(gzip ? arrow::Compression::GZIP : arrow::Compression::ZSTD),
                      doing_);
    stream_ = value_of(arrow::io::CompressedInputStream::Make(codec_.get(), stream_), doing_);
  }
  std::string_view next() {
    buffer_ = value_of(stream_->Read(4 << 20), doing_);
    return {reinterpret_cast<const char*>(buffer_->data()), static_cast<std::size_t>(buffer_->size())};
  }

 private:
  std::string doing_;
  std::unique_ptr<arrow::util::Codec> codec_;  // outlives the stream that uses it
  std::shared_ptr<arrow::io::InputStream> stream_;
  std::shared_ptr<arrow::Buffer> buffer_;
};

/// The files of a selection: its members, and of those that are folders the tables in them; all in its order.
std::vector<std::string> files_of(const Selection& selection) {
  std::vector<std::string> paths;
  for (const SelectionMember& member : selection.members) {
    if (!std::filesystem::is_directory(member.path)) {
      paths.push_back(member.path);
      continue;
    }
    auto tables = files_with_known_suffix(member.path);
    if (tables.empty()) throw no_table_in(member.path);
    std::sort(tables.begin(), tables.end());
    paths.insert(paths.end(), tables.begin(), tables.end());
  }
  return paths;
}

std::vector<std::string> files_matching(const std::string& folder, const std::vector<std::string>& globs,
                                        const std::optional<Selection>& selection) {
  std::set<std::string> members;  // links, where several places are read as one folder
  if (selection) {
    for (const SelectionMember& member : selection->members) members.insert(folder + "/" + member.name);
  }
  std::vector<std::string> paths;
  for (const std::string& pattern : globs) {
    auto found = paths_below(folder, pattern, members);
    std::erase_if(found, [](const std::string& p) { return std::filesystem::is_directory(p); });
    if (found.empty()) throw Error(ExitStatus::bad_data, str("no file matches ", folder, "/", pattern));
    paths.insert(paths.end(), found.begin(), found.end());
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace

bool is_utf8_encoding(const std::string& encoding) {
  return strcasecmp(encoding.c_str(), "utf-8") == 0 || strcasecmp(encoding.c_str(), "utf8") == 0;
}

std::vector<InputFile> find_input_files(const std::string& path, const std::vector<std::string>& globs) {
  const auto selection = selection_at(path);
  std::vector<std::string> paths;
  if (!std::filesystem::is_directory(path)) {
    if (!globs.empty())
      throw Error(ExitStatus::configuration, str("`files` picks from a folder, but ", path, " is none"));
    paths.push_back(path);
  } else if (globs.empty()) {
    paths = selection ? files_of(*selection) : files_with_known_suffix(path);
    if (paths.empty()) throw no_table_in(path);
    if (!selection) std::sort(paths.begin(), paths.end());
  } else {
    paths = files_matching(path, globs, selection);
    if (selection) {  // messages name the files as the user knows them
      for (std::string& p : paths) p = place_in(*selection, p.substr(path.size() + 1));
    }
  }
  std::vector<InputFile> files;
  for (const std::string& p : paths) files.push_back(input_file(p));
  return files;
}

bool needs_unpacking(const InputFile& file, const std::string& encoding) {
  std::string compression;
  without_compression(file.name, &compression);
  return compression == "zstd" || starts_with_gzip(file.path) || !is_utf8_encoding(encoding);
}

InputFile unpack(const InputFile& file, const std::string& encoding, const std::string& to) {
  if (file.size == 0) throw Error(ExitStatus::bad_data, str(file.name, " is empty"));
  PlainStream stream(file);
  File out(to, O_WRONLY | O_CREAT | O_TRUNC);
  InputFile plain = file;
  plain.path = to;
  plain.size = 0;
  std::optional<Recoder> recoder;
  if (!is_utf8_encoding(encoding)) recoder.emplace(encoding, file.name);
  for (std::string_view bytes = stream.next(); !bytes.empty(); bytes = stream.next()) {
    std::string recoded;
    if (recoder) bytes = recoded = recoder->add(bytes);
    out.write_all(bytes);
    plain.size += bytes.size();
  }
  if (recoder) recoder->finish();
  out.close();
  check_unchanged(file);
  return plain;
}

std::shared_ptr<arrow::io::RandomAccessFile> open_bytes(const InputFile& file) {
  File(file.path, O_RDONLY);  // says what is wrong better than Arrow does
  return value_of(arrow::io::ReadableFile::Open(file.path), file.name);
}

void check_unchanged(const InputFile& file) {
  FileStamp now;
  if (!stamp_of(file.name, now) || !(now == file.stamp)) throw file_changed(file.name);
}

}  // namespace rankflow
