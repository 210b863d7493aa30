// The one exception type of rankflow: what went wrong, what to try, where in the code, and the exit status it
// leads to.
#pragma once

#include <exception>
#include <source_location>
#include <string>

#include "base/exit_status.h"

namespace rankflow {

class Error : public std::exception {
 public:
  /// `message` says what is wrong with names, paths and values; `hint` (may be empty) what the reader can
  /// try.
  Error(ExitStatus status, std::string message, std::string hint = {},
        std::source_location where = std::source_location::current());

  const char* what() const noexcept override { return message_.c_str(); }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  ExitStatus status() const { return status_; }
  /// "steps/train.cpp:120": the place that threw, relative to the source tree.
  std::string where() const;

 private:
  ExitStatus status_;
  std::string message_;
  std::string hint_;
  std::source_location where_;
};

/// "message. Try: hint" (the hint only where there is one): the form that terminals show.
std::string describe(const Error& e);

/// Any exception in the same form; those that are no `Error` count as internal (bad_alloc: with the memory in
/// use).
Error as_error(const std::exception& e);

/// An `Error` for the failed system call whose errno is `errno_value`: EACCES/EPERM → permission, otherwise
/// I/O.
Error system_error(const std::string& what, const std::string& path, int errno_value,
                   std::source_location where = std::source_location::current());

}  // namespace rankflow
