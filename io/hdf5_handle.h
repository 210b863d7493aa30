// Calls of the HDF5 library: identifiers that are closed, errors with its own words, one call at a time. Kept to the .cpp files of io/
// that include HDF5.
#pragma once

#include <hdf5.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace rankflow::hdf5 {

/// Owns an HDF5 identifier.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close closer) : id_(id), close_(closer) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;

  hid_t get() const { return id_; }
  /// Closes now and gives HDF5's status, which the destructor can't report.
  herr_t close() { return close_(std::exchange(id_, -1)); }

 private:
  hid_t id_;
  Close close_;
};

/// Held while the library is called: a checkpoint may be written while a dataset is opened.
inline std::unique_lock<std::mutex> library_lock() {
  static std::mutex mutex;
  // At exit the library would write again what it could not write to a full disk, and crash. All that counts was closed before, with
  // its status looked at.
  [[maybe_unused]] static const herr_t once = H5dont_atexit();
  return std::unique_lock(mutex);
}

/// Of the system call that failed: the driver's message has "errno = 28, error message = …" in it; 0 where none did.
inline int errno_in(const std::vector<std::string>& messages) {
  const std::string mark = "errno = ";
  for (const std::string& message : messages) {
    if (const auto at = message.find(mark); at != std::string::npos)
      return std::atoi(message.c_str() + at + mark.size());
  }
  return 0;
}

inline herr_t collect_error(unsigned, const H5E_error2_t* error, void* messages) {
  if (error->desc && *error->desc) static_cast<std::vector<std::string>*>(messages)->push_back(error->desc);
  return 0;
}

inline std::vector<std::string> take_error_stack() {
  std::vector<std::string> messages;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, collect_error, &messages);
  H5Eclear2(H5E_DEFAULT);
  return messages;
}

/// HDF5's error stack: what the outermost call could not do, and the innermost cause.
inline std::string message_of(const std::vector<std::string>& messages) {
  if (messages.empty()) return "HDF5 gives no reason";
  return messages.size() == 1 ? messages.front() : str(messages.front(), ": ", messages.back());
}

/// One file and the kind of error that its failures are.
struct Access {
  std::string path;
  ExitStatus status;
  std::string doing;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(status, str(doing, " ", path, ": ", what));
  }
  /// With what the library says, or, of what could not be written, the system.
  [[noreturn]] void fail() const {
    const auto messages = take_error_stack();
    const int number = status == ExitStatus::io ? errno_in(messages) : 0;
    if (number != 0) throw system_error(doing, path, number);
    fail(message_of(messages));
  }
  void check(herr_t result) const {
    if (result < 0) fail();
  }
  Handle own(hid_t id, Handle::Close close) const {
    if (id < 0) fail();
    return Handle(id, close);
  }
};

// HDF5 prints its stack on standard error unless told otherwise; ours becomes the message of an Error.
inline void silence_library() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace rankflow::hdf5
