#include "launchers/event_lines.h"

#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "io/json_text.h"

namespace rankflow {

void EventLineWriter::on_event(const Json& event) {
  const std::string line = event_mark + json_text(event) + '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return;
    }
  }
}

void EventLineReader::feed(std::string_view bytes) {
  for (;;) {
    const auto newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      pending_.append(bytes);
      return;
    }
    if (pending_.empty()) {
      line(bytes.substr(0, newline));
    } else {
      pending_.append(bytes.substr(0, newline));
      line(pending_);
      pending_.clear();
    }
    bytes.remove_prefix(newline + 1);
  }
}

void EventLineReader::end() {
  if (!pending_.empty()) on_noise_(str(pending_, "\n"));
  pending_.clear();
}

void EventLineReader::line(std::string_view text) {
  // Another process's unfinished line may stand before the mark.
  const auto mark = text.find(event_mark);
  if (mark != std::string_view::npos) {
    Json event = Json::parse(text.substr(mark + 1), nullptr, /*allow_exceptions=*/false);
    if (event.is_object() && event.contains("event")) {
      if (mark > 0) on_noise_(str(text.substr(0, mark), "\n"));
      on_event_(event);
      return;
    }
  }
  on_noise_(str(text, "\n"));
}

}  // namespace rankflow
