#include "base/error.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "base/text.h"

namespace rankflow {

Error::Error(ExitStatus status, std::string message, std::string hint, std::source_location where)
    : status_(status), message_(std::move(message)), hint_(std::move(hint)), where_(where) {}

std::string Error::where() const {
  std::string_view file = where_.file_name();
  // Compilers give the path as it was passed; keep "folder/file.cpp", which is unique here.
  if (auto last = file.rfind('/'); last != std::string_view::npos) {
    auto previous = file.rfind('/', last - 1);
    file.remove_prefix(previous == std::string_view::npos ? 0 : previous + 1);
  }
  return str(file, ":", where_.line());
}

std::string describe(const Error& e) {
  return e.hint().empty() ? e.message() : str(e.message(), ". Try: ", e.hint());
}

Error as_error(const std::exception& e) {
  if (auto* ours = dynamic_cast<const Error*>(&e)) return *ours;
  if (dynamic_cast<const std::bad_alloc*>(&e)) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return Error(ExitStatus::internal,
                 str("out of memory, with ", human_bytes(usage.ru_maxrss * 1024.0), " in use"),
                 "more memory for the job, smaller batches, or more ranks on more nodes");
  }
  return Error(ExitStatus::internal, e.what());
}

Error system_error(const std::string& what, const std::string& path, int errno_value,
                   std::source_location where) {
  const bool denied = errno_value == EACCES || errno_value == EPERM;
  std::string hint;
  if (denied) hint = "ask the owner for access, or choose another place";
  if (errno_value == EROFS) hint = "a store on a file system that can be written (--store, $RANKFLOW_STORE)";
  if (errno_value == ENOSPC || errno_value == EDQUOT)
    hint = "free space or raise the quota there, then run the same command again";
  return Error(denied ? ExitStatus::permission : ExitStatus::io,
               str(what, " ", path, ": ", std::strerror(errno_value)), hint, where);
}

}  // namespace rankflow
