// rankflow: the command line. Links neither MPI nor LibTorch, so that what needs no ranks answers in
// milliseconds.
#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "launchers/commands.h"
#include "launchers/display.h"

namespace {

/// The output is the result of most commands: lost, it is no success.
int with_output_written(int status) {
  using namespace rankflow;
  errno = 0;
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (written || status != code(ExitStatus::ok)) return status;
  if (errno != 0) throw system_error("cannot write to", "standard output", errno);
  throw Error(ExitStatus::io, "cannot write to standard output: a part of what was to be there is lost");
}

}  // namespace

int main(int argc, char** argv) {
  using namespace rankflow;
  try {
    return with_output_written(carry_out({argv + 1, argv + argc}));
  } catch (const std::exception& e) {
    const Error error = as_error(e);
    print_error(stderr, describe(error));
    return code(error.status());
  }
}
