// Rows that a program of the user's gives mini-batch by mini-batch, kept as files of a table in Arrow's format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rankflow {

/// Writes files `mini-batch-NUMBER.arrow`, named after their first one, in which every mini-batch that has rows is a record batch. A
/// new file begins where mini-batches are not consecutive, or where the types of columns change. So the pieces of the table that
/// all ranks' files are together depend on the mini-batches alone.
class IpcRows {
 public:
  /// `folder` is made when it is needed.
  explicit IpcRows(std::string folder);
  ~IpcRows();
  IpcRows(IpcRows&&) noexcept;

  /// `stream`: an Arrow IPC stream. Number of its rows. Throws Error (bad_data, io).
  std::int64_t write(std::int64_t mini_batch, std::string_view stream);
  /// Completes the last file. Throws Error (io).
  void close();

  /// In a text, calls files that were written into `folder` by their mini-batches; returns how many.
  static int name_mini_batches(const std::string& folder, std::string& text);

 private:
  struct File;
  std::string folder_;
  std::int64_t next_ = -1;  // the mini-batch that goes on in the open file
  std::unique_ptr<File> file_;
};

}  // namespace rankflow
