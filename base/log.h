// Logging: one line per message with time, level and rank, written with a single write(2) so that ranks don't
// interleave.
#pragma once

#include <string>
#include <string_view>

namespace rankflow::log {

enum class Level { debug, info, warning, error };

/// Where this process's messages go and how it is called in them. `path` empty: standard error.
/// Messages below `threshold` are dropped. Not thread-safe: call once, early.
void configure(const std::string& path, const std::string& who, Level threshold);

/// Thread-safe.
void write(Level level, std::string_view message);

inline void debug(std::string_view m) {
  write(Level::debug, m);
}
inline void info(std::string_view m) {
  write(Level::info, m);
}
inline void warning(std::string_view m) {
  write(Level::warning, m);
}
inline void error(std::string_view m) {
  write(Level::error, m);
}

}  // namespace rankflow::log
