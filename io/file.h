// POSIX files with errors that name the path: RAII descriptors, whole-file reads and writes, atomic
// replacement.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

/// Owns a file descriptor. close() reports errors (NFS and quotas report them there); the destructor can't.
class File {
 public:
  File() = default;
  /// open(2) with O_CLOEXEC; a file that this call creates gets exactly `mode`, whatever the umask.
  /// Throws Error (io or permission).
  File(const std::string& path, int flags, mode_t mode = 0664);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  /// Writes all bytes, through EINTR and short writes.
  void write_all(std::string_view data);
  /// Reads up to `bytes`; returns how many (0: end).
  std::size_t read_some(void* data, std::size_t bytes);
  /// Asks the kernel to begin bringing what was written to disk, so that sync() has less to wait for. Only a hint: file
  /// systems that don't know it are left alone.
  void begin_sync();
  /// Never retried after an error: the kernel may have dropped the pages (see "fsyncgate", LWN 752063).
  void sync();
  void close();

 private:
  int fd_ = -1;
  std::string path_;
};

/// SHA-256 of what is left to read of `file`.
std::string digest_of(File& file);
/// The whole content of a regular file. Throws Error: io, permission, or bad_data for a FIFO, device or
/// folder.
std::string read_file(const std::string& path);
/// Temporary beside it, write, fsync (unless `durable` is false), rename, fsync of the folder. Mode 0664. The
/// temporary is removed on any error.
void write_file_atomically(const std::string& path, std::string_view content, bool durable = true);
void sync_directory(const std::string& path);
/// True where something is there, be it a dangling symlink.
bool exists(const std::string& path);
/// Like mkdir -p with mode 02775 cut by nothing (umask is undone on what was created).
void make_directories(const std::string& path);
/// Removes a tree; a missing one is fine.
void remove_tree(const std::string& path);
/// Starts with '/', has no "." and no trailing '/'; symlinks stay as they are unless a ".." has to be
/// resolved.
std::string absolute_path(const std::string& path);
/// The folder that holds `path`: "/a" of "/a/b", "." of "b".
std::string parent_of(const std::string& path);
/// 16 random hexadecimal digits: names of temporaries that no other process on any host picks.
std::string unique_suffix();

/// What tells a file's unchanged state: device, inode, size, mtime and ctime in nanoseconds.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
/// Stamp of a regular file or directory (symlinks followed); false where it is missing. Throws Error:
/// permission, io, or bad_data for a FIFO, socket or device.
bool stamp_of(const std::string& path, FileStamp& out);

}  // namespace rankflow
