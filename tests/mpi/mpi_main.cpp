// main() of every test program that runs on several ranks: starts MPI, prints rank 0's progress and every
// rank's failures, and makes the result common, so that a failure anywhere fails the test.
#include <gtest/gtest.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

std::unique_ptr<World>& world_holder() {
  static std::unique_ptr<World> world;
  return world;
}

/// In place of googletest's printer on all ranks but 0.
class FailurePrinter : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}

 private:
  // Kept here because googletest holds its lock while it reports a result.
  void OnTestStart(const testing::TestInfo& info) override {
    test_ = str(info.test_suite_name(), ".", info.name());
  }
  void OnTestEnd(const testing::TestInfo&) override { test_ = "outside a test"; }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const char* file = result.file_name() ? result.file_name() : "unknown file";
    std::cerr << str("rank ", rank_, ": ", test_, ": ", file, ":", result.line_number(), ": ",
                     result.message(), "\n");
  }

  int rank_;
  std::string test_ = "outside a test";
};

/// Why these ranks cannot be the ones that the test was registered with; "" where they can.
std::string wrong_size(const World& world) {
  const char* expected = std::getenv("RANKFLOW_EXPECTED_RANKS");
  if (!expected) return "RANKFLOW_EXPECTED_RANKS is not set: on how many ranks should this run?";
  if (str(world.size()) == expected) return {};
  return str("this runs on ", world.size(), " ranks, RANKFLOW_EXPECTED_RANKS says ", expected);
}

int run_all(World& world) {
  if (const std::string wrong = wrong_size(world); !wrong.empty()) {
    std::cerr << wrong << "\n";
    return EXIT_FAILURE;
  }
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (world.rank() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(world.rank()));  // googletest deletes it
  }
  const bool passed = RUN_ALL_TESTS() == 0;
  const auto& run = *testing::UnitTest::GetInstance();
  const bool complete = run.skipped_test_count() == 0 && run.test_to_run_count() > 0;
  if (!complete)
    std::cerr << str("rank ", world.rank(), ": ", run.skipped_test_count(), " tests skipped of ",
                     run.test_to_run_count(), ": a test that does not run is a failure\n");
  const bool all_passed = world.all().all_agree(passed && complete);
  if (!all_passed && passed && complete && world.rank() == 0) std::cerr << "tests failed on another rank\n";
  return all_passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

World& test_world() {
  return *world_holder();
}

}  // namespace rankflow

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    auto& world = rankflow::world_holder();
    world = rankflow::make_mpi_world();
    const int status = rankflow::run_all(*world);
    world->finalize();
    return status;
  } catch (const std::exception& e) {
    std::cerr << rankflow::describe(rankflow::as_error(e)) << "\n";
    return EXIT_FAILURE;
  }
}
