// Calls of the HDF5 library: identifiers that are closed, errors with its own words, one call at a time. Kept to the .cpp files of io/
// that include HDF5.
#pragma once

#include <hdf5.h>

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
  return std::unique_lock(mutex);
}

inline herr_t collect_error(unsigned, const H5E_error2_t* error, void* messages) {
  if (error->desc && *error->desc) static_cast<std::vector<std::string>*>(messages)->push_back(error->desc);
  return 0;
}

/// HDF5's error stack: what the outermost call could not do, and the innermost cause.
inline std::string library_message() {
  std::vector<std::string> messages;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, collect_error, &messages);
  H5Eclear2(H5E_DEFAULT);
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
  void check(herr_t result) const {
    if (result < 0) fail(library_message());
  }
  Handle own(hid_t id, Handle::Close close) const {
    if (id < 0) fail(library_message());
    return Handle(id, close);
  }
};

// HDF5 prints its stack on standard error unless told otherwise; ours becomes the message of an Error.
inline void silence_library() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace rankflow::hdf5
