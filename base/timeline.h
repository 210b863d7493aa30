// Spans of work for the Chrome trace viewer (chrome://tracing, ui.perfetto.dev): what each rank did when.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace rankflow {

/// Collects spans of one process; thread-safe. Times are Unix microseconds, so that ranks of several hosts
/// line up as far as their clocks do.
class Timeline {
 public:
  struct Span {
    std::string name;
    std::string category;
    std::int64_t start_us;
    std::int64_t duration_us;
    int thread;
  };

  /// Drops further spans once `capacity` is reached, and says how many: a long training must not fill the
  /// memory.
  explicit Timeline(std::size_t capacity = 200'000) : capacity_(capacity) {}

  void add(Span span);
  /// JSON objects of the trace event format, comma-separated without brackets, `pid` = rank.
  std::string events_json(int rank) const;
  std::size_t dropped() const;

 private:
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<Span> spans_;
  std::size_t dropped_ = 0;
};

/// Measures from construction to destruction and adds the span.
class TimedSpan {
 public:
  TimedSpan(Timeline& timeline, std::string name, std::string category, int thread = 0);
  ~TimedSpan();
  TimedSpan(const TimedSpan&) = delete;
  TimedSpan& operator=(const TimedSpan&) = delete;

 private:
  Timeline& timeline_;
  Timeline::Span span_;
};

}  // namespace rankflow
