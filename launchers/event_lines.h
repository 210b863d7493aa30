// Events as lines on a stream that also carries noise: rank 0 writes them to its standard output, the
// supervisor picks them out of what mpirun passes on. A line is the byte 0x1e, one JSON object, and a newline
// (RFC 7464 with newlines).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "runtime/event.h"

namespace rankflow {

inline constexpr char event_mark = '\x1e';

/// Writes each event to a descriptor with one call where the pipe takes it whole.
class EventLineWriter : public RunObserver {
 public:
  explicit EventLineWriter(int fd) : fd_(fd) {}
  /// Whoever read may be gone; the run then ends by its supervisor's death, not by this write.
  void on_event(const Json& event) override;

 private:
  int fd_;
};

/// Separates events from noise in bytes as they come.
class EventLineReader {
 public:
  using OnEvent = std::function<void(const Json&)>;
  using OnNoise = std::function<void(std::string_view)>;
  EventLineReader(OnEvent on_event, OnNoise on_noise)
      : on_event_(std::move(on_event)), on_noise_(std::move(on_noise)) {}

  void feed(std::string_view bytes);
  /// The stream ended: an unfinished line is noise.
  void end();

 private:
  void line(std::string_view text);
  OnEvent on_event_;
  OnNoise on_noise_;
  std::string pending_;
};

}  // namespace rankflow
