#include "launchers/display.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "launchers/live_frame.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

/// A FILE that keeps what is written.
class TextFile {
 public:
  TextFile() : file_(open_memstream(&text_, &size_)) {}
  ~TextFile() {
    std::fclose(file_);
    std::free(text_);
  }
  std::FILE* get() { return file_; }
  std::string text() {
    std::fflush(file_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

struct Shown {
  TextFile out, err;
  double now = 1000;
  std::unique_ptr<RunObserver> display;

  explicit Shown(DisplayMode mode) {
    DisplayOptions options;
    options.mode = mode;
    options.width = [] { return 100; };
    options.clock = [this] { return now; };
    display = make_display(options, out.get(), err.get());
  }
  void event(double seconds_later, Json event) {
    now += seconds_later;
    display->on_event(event);
  }
};

Json run_started() {
  return {{"event", "run_started"},
          {"run", "r1"},
          {"pipeline", "flights"},
          {"ranks", 2},
          {"hosts", {"node1", "node2"}},
          {"steps",
           {{{"name", "prepare"}, {"decision", "reuse"}},
            {{"name", "train"}, {"decision", "run"}},
            {{"name", "score"}, {"decision", "undecided"}}}}};
}

Json progress(double done) {
  return {{"event", "step_progress"},
          {"step", "train"},
          {"done", done},
          {"total", 1000},
          {"unit", "samples"},
          {"rate", 45000.0 / 1000},
          {"text", "epoch 1/2"},
          {"metrics", {{"loss", 0.3125}}}};
}

void play(Shown& shown) {
  shown.event(0, run_started());
  shown.event(0, {{"event", "step_finished"},
                  {"step", "prepare"},
                  {"status", "reused"},
                  {"run", "r0"},
                  {"rows", 231083}});
  shown.event(1, {{"event", "step_started"}, {"step", "train"}, {"ranks", {0, 1}}, {"attempt", 1}});
  shown.event(2, progress(100));
  shown.event(9, progress(550));
  shown.event(1, {{"event", "heartbeat"}});
  shown.event(1, {{"event", "step_finished"},
                  {"step", "train"},
                  {"status", "done"},
                  {"seconds", 12.34},
                  {"ranks", 2},
                  {"rows", 1000},
                  {"metrics", {{"loss", 0.25}, {"accuracy", 0.98}, {"confusion", {1, 2}}}}});
}

TEST(Display, plain_lines) {
  Shown shown(DisplayMode::plain);
  play(shown);
  shown.event(1, {{"event", "step_started"}, {"step", "score"}, {"ranks", {1}}});
  shown.event(1, {{"event", "step_finished"},
                  {"step", "score"},
                  {"status", "failed"},
                  {"seconds", 1.0},
                  {"message", "row 7 has 3 columns"},
                  {"hint", "look at it"}});
  shown.event(0, {{"event", "run_finished"},
                  {"run", "r1"},
                  {"status", "failed"},
                  {"exit", 65},
                  {"seconds", 16.0},
                  {"message", "failed: score"}});
  EXPECT_EQ(shown.out.text(),
            "flights: 3 steps (2 to run, 1 reused) on 2 ranks of 2 hosts, run r1\n"
            "train: started on ranks 0-1\n"
            "train: 55 %, 10 s left, epoch 1/2, 45 samples/s, loss 0.3125\n"
            "train: done in 12.3 s, 1,000 rows, accuracy 0.98, loss 0.25\n"
            "score: started on rank 1\n"
            "\n"
            "step     status  ranks    time     rows  result                    made by run\n"
            "prepare  reused                 231,083                            r0\n"
            "train    done        2  12.3 s    1,000  accuracy 0.98, loss 0.25\n"
            "score    failed      1  1.00 s\n"
            "\n"
            "failed in 16.0 s: 1 step ran, 1 reused, 1 failed (run r1)\n");
  EXPECT_EQ(shown.err.text(), "rankflow: error: step \"score\": row 7 has 3 columns. Try: look at it\n");
}

TEST(Display, the_last_words_of_a_rank_are_an_error) {
  Shown shown(DisplayMode::quiet);
  shown.event(0, {{"event", "rank_failed"},
                  {"rank", 3},
                  {"host", "n7"},
                  {"message", "no memory"},
                  {"hint", "more of it"}});
  EXPECT_EQ(shown.err.text(), "rankflow: error: rank 3 (n7): no memory. Try: more of it\n");
}

TEST(Display, quiet_is_one_line) {
  Shown shown(DisplayMode::quiet);
  play(shown);
  shown.event(1,
              {{"event", "run_finished"}, {"run", "r1"}, {"status", "done"}, {"exit", 0}, {"seconds", 14.0}});
  EXPECT_EQ(shown.out.text(), "done in 14.0 s: 1 step ran, 1 reused (run r1)\n");
  EXPECT_EQ(shown.err.text(), "");
}

TEST(Display, json_is_the_events_without_heartbeats) {
  Shown shown(DisplayMode::json);
  play(shown);
  EXPECT_EQ(shown.out.text().find("heartbeat"), std::string::npos);
  EXPECT_EQ(Json::parse(shown.out.text().substr(0, shown.out.text().find('\n'))), run_started());
}

TEST(Display, nothing_to_do_is_said_so) {
  Shown shown(DisplayMode::plain);
  shown.event(0, {{"event", "run_started"},
                  {"run", "r2"},
                  {"pipeline", "p"},
                  {"ranks", 1},
                  {"steps", {{{"name", "a"}, {"decision", "reuse"}}}}});
  shown.event(0, {{"event", "step_finished"}, {"step", "a"}, {"status", "reused"}, {"run", "r1"}});
  shown.event(0,
              {{"event", "run_finished"}, {"run", "r2"}, {"status", "done"}, {"exit", 0}, {"seconds", 0.01}});
  EXPECT_NE(shown.out.text().find("nothing to do: all 1 step reused (run r2)\n"), std::string::npos)
      << shown.out.text();
}

TEST(Display, a_restart_shows_a_failure_once_and_keeps_what_was_done) {
  Shown shown(DisplayMode::plain);
  const Json failed = {
      {"event", "step_finished"}, {"step", "score"}, {"status", "failed"}, {"message", "bad"}};
  play(shown);
  shown.event(1, failed);
  shown.event(1, run_started());
  for (const char* step : {"prepare", "train"}) {
    shown.event(0, {{"event", "step_finished"}, {"step", step}, {"status", "reused"}, {"run", "r1"}});
  }
  shown.event(0, failed);
  shown.event(
      0, {{"event", "run_finished"}, {"run", "r1"}, {"status", "failed"}, {"exit", 1}, {"seconds", 20.0}});
  EXPECT_EQ(shown.err.text(), "rankflow: error: step \"score\": bad\n");
  EXPECT_NE(shown.out.text().find("1 step ran, 1 reused, 1 failed"), std::string::npos) << shown.out.text();
}

TEST(Display, live_redraws_in_place_and_scrolls_what_is_finished) {
  Shown shown(DisplayMode::live);
  play(shown);
  shown.event(1,
              {{"event", "run_finished"}, {"run", "r1"}, {"status", "done"}, {"exit", 0}, {"seconds", 14.0}});
  const auto text = shown.out.text();
  EXPECT_EQ(text.find("train: started"), std::string::npos) << "a running step is a line of the frame";
  EXPECT_NE(text.find("\x1b[1A\x1b[Jtrain  2 ranks  0 s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\x1b[2A\x1b[Jtrain: done in 12.3 s"), std::string::npos) << text;
  EXPECT_EQ(text.substr(text.rfind("done in")), "done in 14.0 s: 1 step ran, 1 reused (run r1)\n");
}

TEST(Display, live_redraws_at_most_ten_times_a_second) {
  Shown shown(DisplayMode::live);
  shown.event(0, run_started());
  shown.event(0.2, {{"event", "step_started"}, {"step", "train"}, {"ranks", {0}}});
  for (int i = 0; i < 1000; ++i) shown.event(0.001, progress(i));
  const auto text = shown.out.text();
  int frames = 0;
  for (std::size_t at = 0; (at = text.find("finished,", at)) != std::string::npos; ++at) ++frames;
  EXPECT_GE(frames, 9);
  EXPECT_LE(frames, 12);
}

TEST(Display, live_frame) {
  RunView view;
  view.apply(run_started(), 1000);
  view.apply({{"event", "step_started"}, {"step", "train"}, {"ranks", {0, 1}}}, 1000);
  view.apply(progress(550), 1010);
  view.apply({{"event", "step_started"}, {"step", "score"}, {"ranks", {3}}}, 1010);
  EXPECT_EQ(
      live_frame(view, 1075.9, 100, false),
      (std::vector<std::string>{
          "train  2 ranks  [###########.........] 55 %  10 s left  epoch 1/2  45 samples/s  loss 0.3125",
          "score  1 rank  1 min 05 s",
          "0 of 3 steps finished, 2 running, 1 waiting, 1 min 15 s",
      }));
  for (const auto& line : live_frame(view, 1075.9, 40, false)) EXPECT_LE(display_width(line), 39u);
}

TEST(TextTable, aligns_and_cuts) {
  TextTable table({{"name"}, {"n", true}, {"empty"}, {"text"}});
  table.add({{"a"}, {"1"}, {""}, {"ä long text"}});
  table.add({{"bcd"}, {"100"}, {""}, {"x", Color::green}});
  EXPECT_EQ(table.text(0, false), "name    n  text\na       1  ä long text\nbcd   100  x\n");
  EXPECT_EQ(table.text(16, false), "name    n  text\na       1  ä lo…\nbcd   100  x\n");
  EXPECT_NE(table.text(0, true).find("\x1b[32mx\x1b[0m"), std::string::npos);
}

TEST(RunView, texts) {
  EXPECT_EQ(ranks_text({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(ranks_text({}), "");
  EXPECT_EQ(metrics_text({{"zeta", 1}, {"loss", 0.5}, {"auc", 0.71}, {"note", "x"}, {"beta", true}}, 4),
            "auc 0.71, loss 0.5, beta yes, note x");
  EXPECT_EQ(
      metrics_text({{"loss", 0.5}, {"validation_auc", 0.7}, {"rows", 9}, {"samples_per_second", 41250.4}}),
      "validation_auc 0.7, loss 0.5, samples_per_second 41,250");
  EXPECT_EQ(metrics_text(nullptr), "");
}

TEST(RunView, many_reused_steps_are_summed_up) {
  std::vector<StepView> steps(100);
  for (auto& step : steps) step.name = "s", step.status = "reused";
  steps[99].status = "done";
  const auto table = steps_table(steps, 0, false, 3);
  EXPECT_NE(table.find("… and 96 more that were reused\n"), std::string::npos) << table;
  EXPECT_NE(table.find("done"), std::string::npos);
}

}  // namespace
}  // namespace rankflow
