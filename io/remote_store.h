// Reading and writing where a Location points: object stores through Arrow's file systems, web servers through libcurl,
// databases through ODBC.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/partition.h"
#include "io/location.h"

namespace rankflow {

struct RemoteFile {
  std::string path;         // below the location, with '/'; "" where the location is this file
  std::int64_t size = -1;   // -1: not known before it is read (web servers)
  std::string version;      // changes when the content does: an ETag, or else the time of its last change
  bool executable = false;  // of a folder of this machine
};
Json to_json(const RemoteFile& file);
RemoteFile remote_file_from_json(const Json& json);

/// SHA-256 of a listing: what stands for the content of files whose bytes have not been read.
std::string listing_digest(const std::vector<RemoteFile>& files);

class RemoteStore {
 public:
  virtual ~RemoteStore() = default;
  /// The files at the location, sorted by path. Throws Error: io where nothing is there or the server can't be reached,
  /// permission where it refuses, bad_data for a name that would lead out of a folder and for outputs that are being published there.
  virtual std::vector<RemoteFile> list() = 0;
  /// The same as path → size, without versions; empty where nothing is there.
  virtual std::map<std::string, std::int64_t> sizes() = 0;
  /// Of these paths below the location: the size of what is there, -1 where that is no regular file. Whatever else is there does not
  /// matter.
  virtual std::map<std::string, std::int64_t> sizes_of(const std::vector<std::string>& paths);
  /// Gives the file's bytes in `range` to `take`, in order, piece by piece; a file of unknown size is given whole. Throws Error
  /// (io) where they don't come. Thread-safe, as `write` is.
  virtual void read(const RemoteFile& file, Range range,
                    const std::function<void(std::span<const std::byte>)>& take) = 0;
  /// Writes a whole file at `path` below the location; visible once complete. `next` gives the next bytes, none at the end.
  virtual void write(const std::string& path, const std::function<std::span<const std::byte>()>& next) = 0;
  /// Makes a file that is there executable or not, where the location can say so: object stores can't.
  virtual void set_executable(const std::string&, bool) {}
  /// Removes a file that is there.
  virtual void remove(const std::string& path) = 0;
};

/// Looks up the credentials; contacts nobody yet. Throws Error (configuration, permission).
std::unique_ptr<RemoteStore> open_remote_store(const Location& location);
std::unique_ptr<RemoteStore> open_object_store(const Location& location);
std::unique_ptr<RemoteStore> open_database(const Location& location);
std::unique_ptr<RemoteStore> open_web_server(const Location& location);
/// A path of this machine in the same manner: a folder, or a single file.
std::unique_ptr<RemoteStore> open_folder(const std::string& path);

/// Ends what libraries keep for object stores; the last thing a program does before it returns from main.
void close_remote_stores();

}  // namespace rankflow
