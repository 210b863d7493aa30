#include "base/timeline.h"

#include "base/clock.h"
#include "base/text.h"

namespace rankflow {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c < 0x20 ? ' ' : static_cast<char>(c);
  }
  return out + '"';
}

}  // namespace

void Timeline::add(Span span) {
  std::lock_guard lock(mutex_);
  if (spans_.size() < capacity_) {
    spans_.push_back(std::move(span));
  } else {
    ++dropped_;
  }
}

std::string Timeline::events_json(int rank) const {
  std::lock_guard lock(mutex_);
  std::string out = str("{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":", rank,
                        ",\"args\":{\"name\":\"rank ", rank, "\"}}");
  for (const auto& s : spans_) {
    out += str(",\n{\"name\":", quoted(s.name), ",\"cat\":", quoted(s.category),
               ",\"ph\":\"X\",\"ts\":", s.start_us, ",\"dur\":", s.duration_us, ",\"pid\":", rank,
               ",\"tid\":", s.thread, "}");
  }
  return out;
}

std::size_t Timeline::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

TimedSpan::TimedSpan(Timeline& timeline, std::string name, std::string category, int thread)
    : timeline_(timeline),
      span_{std::move(name), std::move(category), unix_nanoseconds() / 1000, 0, thread} {}

TimedSpan::~TimedSpan() {
  span_.duration_us = unix_nanoseconds() / 1000 - span_.start_us;
  timeline_.add(std::move(span_));
}

}  // namespace rankflow
