// What the checked communicator says, with a second rank that is made up: the MPI tests have real ones.
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "tests/unit/light/lonely_communicator.h"

namespace rankflow {
namespace {

/// Two ranks, of which the other one's part of every all-gather is recorded beforehand.
class PairWithRecording : public LonelyCommunicator {
 public:
  explicit PairWithRecording(std::string other) : other_(std::move(other)) {}
  int size() const override { return 2; }
  void all_gather(const void* in, std::size_t bytes, void* out) override {
    ASSERT_EQ(bytes, other_.size());
    std::memcpy(out, in, bytes);
    std::memcpy(static_cast<char*>(out) + bytes, other_.data(), bytes);
  }

 private:
  std::string other_;
};

/// Records what a rank tells the others about its call.
class Recorder : public PairWithRecording {
 public:
  explicit Recorder(std::string& told) : PairWithRecording(""), told_(told) {}
  int size() const override { return 1; }
  void all_gather(const void* in, std::size_t bytes, void* out) override {
    told_.assign(static_cast<const char*>(in), bytes);
    std::memcpy(out, in, bytes);
  }

 private:
  std::string& told_;
};

TEST(CheckedCommunicator, NamesBothSidesAndDoesNotMakeTheCall) {
  std::string told;
  make_checked(std::make_unique<Recorder>(told))->barrier();
  auto checked = make_checked(std::make_unique<PairWithRecording>(told));
  double value = 0;
  try {
    checked->all_reduce(&value, 1, DType::f64, ReduceOp::max);
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::internal);
    EXPECT_EQ(
        e.message(),
        "ranks of a group make different collective calls: rank 0 makes call 0 all_reduce(max of 1 f64), "
        "rank 1 makes call 0 barrier()");
  }
}

TEST(CheckedCommunicator, LetsEqualCallsThrough) {
  std::string told;
  make_checked(std::make_unique<Recorder>(told))->barrier();
  EXPECT_NO_THROW(make_checked(std::make_unique<PairWithRecording>(told))->barrier());
}

TEST(CheckedCommunicator, CountsCalls) {
  std::string told;
  auto recorder = make_checked(std::make_unique<Recorder>(told));
  recorder->barrier();
  recorder->barrier();
  EXPECT_THROW(make_checked(std::make_unique<PairWithRecording>(told))->barrier(), Error)
      << "the other rank's second call against our first";
}

}  // namespace
}  // namespace rankflow
