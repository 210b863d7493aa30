// rankflow: the command line. Links neither MPI nor LibTorch, so that what needs no ranks answers in
// milliseconds.
#include <cstdio>

#include "base/error.h"
#include "launchers/commands.h"
#include "launchers/display.h"

int main(int argc, char** argv) {
  using namespace rankflow;
  try {
    return carry_out({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    const Error error = as_error(e);
    print_error(stderr, describe(error));
    return code(error.status());
  }
}
