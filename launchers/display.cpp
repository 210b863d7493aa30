#include "launchers/display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "base/text.h"
#include "io/json_text.h"
#include "launchers/live_frame.h"
#include "launchers/run_view.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

constexpr double progress_line_every = 10;  // seconds, per step
constexpr double redraw_every = 0.1;        // seconds

class JsonDisplay : public RunObserver {
 public:
  explicit JsonDisplay(std::FILE* out) : out_(out) {}
  void on_event(const Json& event) override {
    if (event.value("event", "") == "heartbeat") return;
    const std::string line = json_text(event) + '\n';
    std::fwrite(line.data(), 1, line.size(), out_);
    std::fflush(out_);
  }

 private:
  std::FILE* out_;
};

/// Plain lines and quiet; the live display adds the frame below them.
class TextDisplay : public RunObserver {
 public:
  TextDisplay(DisplayOptions options, std::FILE* out, std::FILE* err)
      : options_(std::move(options)), out_(out), err_(err) {
    if (!options_.clock) options_.clock = monotonic_seconds;
  }
  ~TextDisplay() override { erase_frame(); }

  void on_event(const Json& event) override {
    const double now = options_.clock();
    const StepView* step = view_.apply(event, now);
    const auto kind = event.value("event", "");
    if (kind == "run_started") on_run_started(event);
    if (kind == "step_started" && step) on_step_started(*step);
    if (kind == "step_progress" && step) on_step_progress(*step, now);
    if (kind == "step_finished" && step) on_step_finished(*step);
    if (kind == "note") on_note(event);
    if (kind == "rank_failed") on_rank_failed(event);
    if (kind == "run_finished") return on_run_finished(event);
    if (live() && now - drawn_at_ >= redraw_every) redraw(now);
  }

 private:
  bool live() const { return options_.mode == DisplayMode::live; }
  bool quiet() const { return options_.mode == DisplayMode::quiet; }

  /// Lines of a live display wait for the next redraw, so that a thousand short steps don't flicker.
  void line(const std::string& text) {
    if (quiet()) return;
    if (live()) {
      waiting_ += text + "\n";
    } else {
      std::fputs((text + "\n").c_str(), out_);
      std::fflush(out_);
    }
  }

  void error(const std::string& message) {
    flush_lines();
    print_error(err_, message);
  }

  void erase_frame() {
    if (frame_lines_ == 0) return;
    std::fputs(str("\x1b[", frame_lines_, "A\x1b[J").c_str(), out_);
    std::fflush(out_);
    frame_lines_ = 0;
  }

  void flush_lines() {
    erase_frame();
    std::fputs(waiting_.c_str(), out_);
    std::fflush(out_);
    waiting_.clear();
  }

  void redraw(double now) {
    const auto frame = live_frame(view_, now, static_cast<std::size_t>(options_.width()), options_.color);
    std::string text = frame_lines_ ? str("\x1b[", frame_lines_, "A\x1b[J") : "";
    text += waiting_;
    for (const auto& l : frame) text += l + "\n";
    waiting_.clear();
    std::fwrite(text.data(), 1, text.size(), out_);
    std::fflush(out_);
    frame_lines_ = frame.size();
    drawn_at_ = now;
  }

  void on_run_started(const Json& event) {
    std::size_t reused = 0, left = 0;
    for (const auto& step : event.value("steps", Json::array())) {
      reused += step.value("decision", "") == "reuse";
      left += step.value("decision", "") == "leave";
    }
    const std::size_t chosen = view_.steps().size() - left;
    line(str(view_.pipeline(), ": ", counted(chosen, "step"), " (", chosen - reused, " to run, ", reused,
             " reused) on ", counted(static_cast<std::size_t>(view_.ranks()), "rank"),
             view_.hosts() > 1 ? str(" of ", view_.hosts(), " hosts") : "", ", run ", view_.run()));
  }

  void on_step_started(const StepView& step) {
    if (live()) return;
    line(str(step.name, ": started",
             step.ranks.empty() ? "" : str(" on rank", step.ranks.size() > 1 ? "s " : " "),
             ranks_text(step.ranks), step.attempt > 1 ? str(", attempt ", step.attempt) : ""));
    last_progress_[step.name] = step.started;
  }

  void on_step_progress(const StepView& step, double now) {
    if (live()) return;
    double& last = last_progress_[step.name];
    if (now - last < progress_line_every) return;
    last = now;
    line(str(step.name, ": ", join(progress_parts(step), ", ")));
  }

  void on_step_finished(const StepView& step) {
    if (step.status == "failed") {
      const bool named = step.message.find(str("\"", step.name, "\"")) != std::string::npos;
      error(named ? step.message
                  : str("step \"", step.name, "\": ", step.message.empty() ? "failed" : step.message));
      return;
    }
    if (step.status == "reused" || step.status == "left") return;
    std::string text = str(step.name, ": ", colored(step.status, status_color(step.status), options_.color));
    if (step.began()) text += str(" in ", human_seconds(step.seconds));
    if (step.rows) text += str(", ", counted(static_cast<std::size_t>(*step.rows), "row"));
    if (const auto metrics = metrics_text(step.metrics); !metrics.empty()) text += str(", ", metrics);
    if (!step.message.empty()) text += str(": ", step.message);
    line(text);
  }

  void on_rank_failed(const Json& event) {
    const auto hint = event.value("hint", "");
    error(str("rank ", event.value("rank", 0), " (", event.value("host", ""),
              "): ", event.value("message", ""), hint.empty() ? "" : str(". Try: ", hint)));
  }

  void on_note(const Json& event) {
    const auto text = event.value("text", "");
    if (event.value("level", "") == "warning") {
      flush_lines();
      std::fputs(str("rankflow: warning: ", text, "\n").c_str(), err_);
    } else {
      line(text);
    }
  }

  void on_run_finished(const Json& event) {
    flush_lines();
    const std::size_t reused = view_.count("reused"), ran = view_.count("done"),
                      failed = view_.count("failed");
    const bool nothing_ran = reused > 0 && ran + failed == 0 && event.value("status", "") == "done";
    if (!quiet()) {
      const std::size_t width = live() ? static_cast<std::size_t>(options_.width()) : 0;
      const auto table = steps_table(view_.steps(), width, options_.color);
      std::fputs((table.empty() ? table : str("\n", table, "\n")).c_str(), out_);
    }
    const auto status = event.value("status", "");
    const std::size_t skipped = view_.count("skipped");
    std::string last =
        nothing_ran ? "nothing to do" : str(status, " in ", human_seconds(event.value("seconds", 0.0)));
    last += str(": ", nothing_ran ? "all " : "", nothing_ran ? "" : str(counted(ran, "step"), " ran, "),
                nothing_ran ? counted(reused, "step") : str(reused), " reused",
                failed ? str(", ", failed, " failed") : "", skipped ? str(", ", skipped, " skipped") : "",
                view_.run().empty() ? "" : str(" (run ", view_.run(), ")"));
    // A failed step's message stands above already.
    if (const auto message = event.value("message", ""); !message.empty() && failed == 0)
      print_error(err_, message);
    std::fputs(str(colored(last, status_color(status), options_.color), "\n").c_str(), out_);
    std::fflush(out_);
  }

  static Color status_color(const std::string& status) {
    return status == "done" ? Color::green : status == "failed" ? Color::red : Color::yellow;
  }

  DisplayOptions options_;
  std::FILE* out_;
  std::FILE* err_;
  RunView view_;
  std::map<std::string, double> last_progress_;
  std::string waiting_;
  std::size_t frame_lines_ = 0;
  double drawn_at_ = -1e9;
};

}  // namespace

std::unique_ptr<RunObserver> make_display(DisplayOptions options, std::FILE* out, std::FILE* err) {
  if (options.mode == DisplayMode::json) return std::make_unique<JsonDisplay>(out);
  return std::make_unique<TextDisplay>(std::move(options), out, err);
}

DisplayOptions choose_display(std::FILE* out, bool quiet, bool json, const std::string& color) {
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  const int fd = fileno(out);
  auto columns = [fd]() -> int {
    winsize size{};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
  };
  DisplayOptions options;
  const bool terminal = isatty(fd) && columns() > 0 && variable("TERM") != "dumb";
  options.mode = json       ? DisplayMode::json
                 : quiet    ? DisplayMode::quiet
                 : terminal ? DisplayMode::live
                            : DisplayMode::plain;
  options.color = color == "always" || (color != "never" && terminal && variable("NO_COLOR").empty());
  // A terminal made very narrow while we run must not stop the display.
  options.width = [columns] { return std::max(20, columns()); };
  return options;
}

Terminal terminal_of_tables(const std::string& color) {
  const DisplayOptions display = choose_display(stdout, false, false, color);
  return {display.mode == DisplayMode::live ? static_cast<std::size_t>(display.width()) : 0, display.color};
}

void print_error(std::FILE* err, const std::string& described) {
  std::fputs(str("rankflow: error: ", described, "\n").c_str(), err);
  std::fflush(err);
}

}  // namespace rankflow
