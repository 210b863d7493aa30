// The reducer with a second rank that is made up: what is reduced, in which order, on which thread, and what
// happens where a collective fails or never ends. tests/mpi/gradient_reducer_test.cpp has real ranks.
#include "collectives/gradient_reducer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "tests/unit/light/lonely_communicator.h"

namespace rankflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Overlap = GradientReducerOptions::Overlap;

struct Seen {
  std::size_t count;
  DType type;
  bool on_callers_thread;
  friend bool operator==(const Seen&, const Seen&) = default;
};

/// What tests and the thread share.
struct Peer {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Seen> seen;
  int fail_at = -1;     // the call that throws
  bool hold = false;    // calls wait until it is false
  bool inside = false;  // a call waits
  std::thread::id caller = std::this_thread::get_id();

  void wait_until_inside() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside; });
  }
  void release() {
    const std::lock_guard lock(mutex);
    hold = false;
    changed.notify_all();
  }
  /// Waits for a number of calls: the thread makes them in its own time.
  void wait_for_calls(std::size_t calls) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return seen.size() >= calls; });
  }
};

/// Two ranks that bring the same: sums double.
class Doubling : public LonelyCommunicator {
 public:
  explicit Doubling(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
  int size() const override { return 2; }
  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override {
    if (op != ReduceOp::sum) return;  // agreements
    std::unique_lock lock(peer_->mutex);
    peer_->inside = true;
    peer_->changed.notify_all();
    peer_->changed.wait(lock, [&] { return !peer_->hold; });
    peer_->inside = false;
    if (peer_->fail_at == static_cast<int>(peer_->seen.size()))
      throw Error(ExitStatus::internal, "the network is gone");
    if (type == DType::f32)
      for (std::size_t i = 0; i < count; ++i) static_cast<float*>(data)[i] *= 2;
    peer_->seen.push_back({count, type, std::this_thread::get_id() == peer_->caller});
    peer_->changed.notify_all();
  }
  std::unique_ptr<Communicator> split(int) override { return std::make_unique<Doubling>(peer_); }

 private:
  std::shared_ptr<Peer> peer_;
};

class GradientReducerTest : public testing::Test {
 protected:
  /// Four pieces of 10, 20, 30 and 40 elements from back to front, a bucket for each.
  std::unique_ptr<GradientReducer> make(Overlap overlap, int cores = 4, std::int64_t bucket_bytes = 4,
                                        DType wire = DType::f32) {
    Doubling group(peer_);
    return std::make_unique<GradientReducer>(
        group, gradients(), std::vector<GradientPiece>{{{90, 100}}, {{70, 90}}, {{40, 70}}, {{0, 40}}},
        GradientReducerOptions{.wire = wire,
                               .first_bucket_bytes = 4,
                               .bucket_bytes = bucket_bytes,
                               .overlap = overlap,
                               .cores = cores,
                               .timeline = &timeline_});
  }
  std::shared_ptr<void> gradients() const { return {values_, values_->data()}; }
  std::vector<std::size_t> counts() const {
    std::vector<std::size_t> all;
    for (const Seen& s : peer_->seen) all.push_back(s.count);
    return all;
  }

  std::shared_ptr<Peer> peer_ = std::make_shared<Peer>();
  std::shared_ptr<std::vector<float>> values_ = std::make_shared<std::vector<float>>(100, 1.0F);
  Timeline timeline_;
};

TEST_F(GradientReducerTest, ReducesInlineWhereNoCoreIsSpare) {
  auto reducer = make(Overlap::measured, 1);
  EXPECT_FALSE(reducer->wants_ready());
  reducer->ready(0);
  EXPECT_TRUE(peer_->seen.empty());
  reducer->finish();
  EXPECT_THAT(counts(), ElementsAre(10, 20, 30, 40));
  for (const Seen& s : peer_->seen) EXPECT_TRUE(s.on_callers_thread);
  EXPECT_THAT(*values_, testing::Each(2.0F));
  EXPECT_EQ(reducer->description(),
            "4 buckets of up to 160 B in f32, after backward: no core is spare for a thread");
  reducer->close();
}

TEST_F(GradientReducerTest, StartsBucketsInOrderWhateverTheOrderOfPieces) {
  auto reducer = make(Overlap::always);
  EXPECT_TRUE(reducer->wants_ready());
  std::vector<std::size_t> order = {0, 1, 2, 3};
  do {
    peer_->seen.clear();
    for (std::size_t piece : order) reducer->ready(piece);
    reducer->finish();
    ASSERT_THAT(counts(), ElementsAre(10, 20, 30, 40));
    for (const Seen& s : peer_->seen) ASSERT_FALSE(s.on_callers_thread);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(reducer->times().passes, 24);
  EXPECT_GT(reducer->times().reduced, 0);
  reducer->close();
}

TEST_F(GradientReducerTest, ABucketTravelsWhileOthersAreMissing) {
  auto reducer = make(Overlap::always);
  reducer->ready(1);
  reducer->ready(0);
  peer_->wait_for_calls(2);
  EXPECT_THAT(counts(), ElementsAre(10, 20));
  reducer->finish();
  EXPECT_THAT(*values_, testing::Each(2.0F));
  reducer->close();
}

TEST_F(GradientReducerTest, WhatNeverCameIsReducedAsItStands) {
  auto reducer = make(Overlap::always);
  for (std::size_t i = 40; i < 70; ++i) (*values_)[i] = 0;
  reducer->ready(3);
  reducer->ready(0);
  reducer->finish();
  EXPECT_THAT(counts(), ElementsAre(10, 20, 30, 40));
  EXPECT_EQ((*values_)[39], 2);
  EXPECT_EQ((*values_)[40], 0);
  reducer->close();
}

TEST_F(GradientReducerTest, RefusesAPieceThatIsReadyTwice) {
  auto reducer = make(Overlap::always);
  reducer->ready(2);
  EXPECT_THROW(reducer->ready(2), Error);
  reducer->finish();
  reducer->ready(2);  // the next pass
  reducer->finish();
  reducer->close();
}

TEST_F(GradientReducerTest, PassesWithoutCommunicationReduceNothing) {
  for (Overlap overlap : {Overlap::never, Overlap::always}) {
    peer_->seen.clear();
    auto reducer = make(overlap);
    reducer->set_communication(false);
    EXPECT_FALSE(reducer->wants_ready());
    reducer->ready(0);
    reducer->ready(0);
    reducer->finish();
    EXPECT_TRUE(peer_->seen.empty());
    reducer->set_communication(true);
    reducer->ready(0);
    reducer->finish();
    EXPECT_EQ(peer_->seen.size(), 4U);
    reducer->close();
  }
}

TEST_F(GradientReducerTest, AFailureOnTheThreadSurfacesInFinish) {
  auto reducer = make(Overlap::always);
  peer_->fail_at = 1;
  reducer->ready(0);
  reducer->ready(1);
  try {
    reducer->finish();
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "the network is gone");
  }
}

TEST_F(GradientReducerTest, IsLeftWhileACollectiveNeverEnds) {
  auto reducer = make(Overlap::always);
  peer_->hold = true;
  reducer->ready(0);
  peer_->wait_until_inside();
  std::weak_ptr<std::vector<float>> memory = values_;
  values_.reset();
  reducer.reset();
  EXPECT_FALSE(memory.expired()) << "the collective still writes to it";
  // Not needed for anything but a clean end of this process.
  peer_->release();
  peer_->wait_for_calls(1);
}

TEST_F(GradientReducerTest, TriesBothWaysAndSaysWhichPays) {
  auto reducer = make(Overlap::measured);
  EXPECT_THAT(reducer->description(), HasSubstr("measuring"));
  for (int pass = 0; pass < OverlapTrial::warm_up + 2 * OverlapTrial::passes_each; ++pass) {
    peer_->seen.clear();
    EXPECT_EQ(reducer->wants_ready(), pass % 2 == 1);
    reducer->finish();
    ASSERT_THAT(counts(), ElementsAre(10, 20, 30, 40));
    EXPECT_EQ(peer_->seen[0].on_callers_thread, pass % 2 == 0);
  }
  EXPECT_THAT(reducer->description(), HasSubstr("measured: "));
  reducer->finish();
  reducer->close();
}

TEST_F(GradientReducerTest, SendsHalvesWhereAsked) {
  Doubling group(peer_);
  GradientReducer reducer(group, gradients(), {{{10, 100}}, {{0, 10}, true}},
                          {.wire = DType::bf16, .overlap = Overlap::never});
  (*values_)[5] = (*values_)[50] = 1.001F;
  reducer.finish();
  EXPECT_THAT(peer_->seen, ElementsAre(Seen{90, DType::bf16, true}, Seen{10, DType::f32, true}));
  EXPECT_EQ((*values_)[5], 2.002F);
  EXPECT_EQ((*values_)[50], 1.0F) << "rounded on the way";
  EXPECT_THAT(reducer.description(), HasSubstr("in bf16"));
  reducer.close();
}

TEST_F(GradientReducerTest, ShowsBucketsInTheTimeline) {
  auto reducer = make(Overlap::always);
  reducer->finish();
  reducer->close();
  EXPECT_THAT(timeline_.events_json(0), HasSubstr("\"bucket 3\",\"cat\":\"communication\""));
}

TEST_F(GradientReducerTest, OneRankReducesNothing) {
  const auto group = make_self_communicator();
  GradientReducer reducer(*group, gradients(), {{{0, 100}}},
                          {.wire = DType::f16, .overlap = Overlap::always});
  EXPECT_FALSE(reducer.wants_ready());
  (*values_)[7] = 1.0001F;
  reducer.ready(0);
  reducer.finish();
  EXPECT_EQ((*values_)[7], 1.0001F);
  EXPECT_EQ(reducer.description(), "none: one rank has nobody to reduce with");
  reducer.close();
}

TEST_F(GradientReducerTest, RefusesTypesThatDoNotFit) {
  const auto group = make_self_communicator();
  for (const auto& [dtype, wire] : {std::pair(DType::f64, DType::bf16), std::pair(DType::i32, DType::i32),
                                    std::pair(DType::f32, DType::f64)}) {
    EXPECT_THROW(GradientReducer(*group, gradients(), {{{0, 50}}}, {.dtype = dtype, .wire = wire}), Error);
  }
}

}  // namespace
}  // namespace rankflow
