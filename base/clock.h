// Time as the project uses it: a monotonic clock for durations, UTC text for records.
#pragma once

#include <cstdint>
#include <string>

namespace rankflow {

/// Seconds on a clock that never goes back; only differences mean anything.
double monotonic_seconds();
/// Nanoseconds since the Unix epoch.
std::int64_t unix_nanoseconds();
/// "2026-11-20T21:35:10Z".
std::string utc_text(std::int64_t unix_ns);
inline std::string utc_now() {
  return utc_text(unix_nanoseconds());
}

}  // namespace rankflow
