// Shows a run to a person: a live picture on a terminal, plain lines elsewhere, little with --quiet, JSON
// lines for programs. All of them are observers of the same events (runtime/event.h).
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "runtime/event.h"

namespace rankflow {

enum class DisplayMode {
  live,   // running steps redrawn in place, finished ones scroll above
  plain,  // a line per start and finish, progress at most every 10 s
  quiet,  // errors and the last line
  json,   // every event as one JSON line
};

struct DisplayOptions {
  DisplayMode mode = DisplayMode::plain;
  bool color = false;
  std::function<int()> width = [] { return 100; };  // columns of the terminal
  std::function<double()> clock;                    // seconds, monotonic; empty: the real one
};

/// Lines go to `out`, errors ("rankflow: error: …") to `err`; both stay the caller's. Events may end without
/// run_finished (the rank died): the destructor leaves the terminal in order.
std::unique_ptr<RunObserver> make_display(DisplayOptions options, std::FILE* out, std::FILE* err);

/// What fits `out`: live only on a terminal that tells its width (the pseudo-terminals that mpirun gives its
/// ranks don't) and is not "dumb". `color` is "auto", "always" or "never"; NO_COLOR counts for auto.
DisplayOptions choose_display(std::FILE* out, bool quiet, bool json, const std::string& color);

/// What tables on standard output may use.
struct Terminal {
  std::size_t width;  // 0: not one
  bool color;
};
Terminal terminal_of_tables(const std::string& color);

/// "rankflow: error: message. Try: hint" on `err`.
void print_error(std::FILE* err, const std::string& described);

}  // namespace rankflow
