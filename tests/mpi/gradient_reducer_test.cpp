// Gradients of real ranks: both ways of reducing give what one rank computes by itself, in the same bits.
#include "collectives/gradient_reducer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "base/text.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

using Overlap = GradientReducerOptions::Overlap;

constexpr std::int64_t kSizes[] = {1000, 3, 70'000, 1, 128, 4096, 16};

std::vector<GradientPiece> pieces_from_the_back() {
  std::int64_t end = std::accumulate(std::begin(kSizes), std::end(kSizes), std::int64_t{0});
  std::vector<GradientPiece> pieces;
  for (auto it = std::rbegin(kSizes); it != std::rend(kSizes); ++it) {
    pieces.push_back({{end - *it, end}});
    end -= *it;
  }
  return pieces;
}

std::size_t elements() {
  return static_cast<std::size_t>(std::accumulate(std::begin(kSizes), std::end(kSizes), std::int64_t{0}));
}

/// Small whole numbers: every order of summing gives the same.
template <typename T>
void fill(std::vector<T>& values, int rank, int pass) {
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>((i * 7 + static_cast<std::size_t>(rank * 3 + pass)) % 23);
}

template <typename T>
std::vector<T> sum_over_ranks(int ranks, int pass) {
  std::vector<T> total(elements()), one(elements());
  for (int r = 0; r < ranks; ++r) {
    fill(one, r, pass);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += one[i];
  }
  return total;
}

template <typename T>
struct Buffer {
  std::shared_ptr<std::vector<T>> values = std::make_shared<std::vector<T>>(elements());
  std::shared_ptr<void> memory() const { return {values, values->data()}; }
};

template <typename T>
void expect_sums(const GradientReducerOptions& options, int passes) {
  Communicator& all = test_world().all();
  const Buffer<T> buffer;
  const auto pieces = pieces_from_the_back();
  GradientReducer reducer(all, buffer.memory(), pieces, options);
  std::mt19937 random(static_cast<unsigned>(all.rank()));
  std::vector<std::size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  for (int pass = 0; pass < passes; ++pass) {
    fill(*buffer.values, all.rank(), pass);
    // Each rank in an order of its own, and some pieces never.
    std::shuffle(order.begin(), order.end(), random);
    const std::size_t comes = random() % (order.size() + 1);
    for (std::size_t i = 0; i < comes; ++i) reducer.ready(order[i]);
    // Nothing of the reducer's is in the way of the group.
    EXPECT_EQ(all.all_reduce_value(1, ReduceOp::sum), all.size());
    reducer.finish();
    ASSERT_TRUE(*buffer.values == sum_over_ranks<T>(all.size(), pass))
        << reducer.description() << ", pass " << pass;
  }
  const auto said = all.all_gather_text(reducer.description());
  for (const auto& text : said) EXPECT_EQ(text, said[0]);
  reducer.close();
}

TEST(GradientReducer, InlineGivesTheSum) {
  expect_sums<float>({.first_bucket_bytes = 1000, .bucket_bytes = 20'000, .overlap = Overlap::never}, 5);
}

TEST(GradientReducer, TheThreadGivesTheSum) {
  for (std::int64_t bytes : {1, 1000, 20'000, 1'000'000})
    expect_sums<float>({.first_bucket_bytes = bytes, .bucket_bytes = bytes, .overlap = Overlap::always}, 20);
}

TEST(GradientReducer, ATrialGivesTheSumAndEndsAlike) {
  expect_sums<float>({.first_bucket_bytes = 1000, .bucket_bytes = 20'000, .cores = 2},
                     OverlapTrial::warm_up + 2 * OverlapTrial::passes_each + 3);
}

TEST(GradientReducer, OneRankWithoutASpareCoreDecidesForAll) {
  Communicator& all = test_world().all();
  if (all.size() == 1) return;
  const Buffer<float> buffer;
  GradientReducer reducer(all, buffer.memory(), pieces_from_the_back(), {.cores = all.rank() == 1 ? 1 : 8});
  EXPECT_NE(reducer.description().find("no core is spare"), std::string::npos) << reducer.description();
  reducer.close();
}

TEST(GradientReducer, Doubles) {
  for (Overlap overlap : {Overlap::never, Overlap::always})
    expect_sums<double>({.dtype = DType::f64, .wire = DType::f64, .overlap = overlap}, 3);
}

TEST(GradientReducer, HalvesOnTheWire) {
  for (DType wire : {DType::bf16, DType::f16})
    for (Overlap overlap : {Overlap::never, Overlap::always})
      expect_sums<float>({.wire = wire, .first_bucket_bytes = 1000, .overlap = overlap}, 3);
}

TEST(GradientReducer, BothWaysGiveTheSameBits) {
  Communicator& all = test_world().all();
  std::vector<std::vector<float>> results;
  for (Overlap overlap : {Overlap::never, Overlap::always}) {
    const Buffer<float> buffer;
    std::mt19937 random(static_cast<unsigned>(all.rank()) + 1);
    std::normal_distribution<float> normal;
    for (float& x : *buffer.values) x = normal(random);
    GradientReducer reducer(all, buffer.memory(), pieces_from_the_back(),
                            {.first_bucket_bytes = 1000, .bucket_bytes = 20'000, .overlap = overlap});
    reducer.finish();
    reducer.close();
    results.push_back(*buffer.values);
  }
  EXPECT_TRUE(results[0] == results[1]);
}

TEST(GradientReducer, AccumulatesWithoutCommunication) {
  Communicator& all = test_world().all();
  const Buffer<float> buffer;
  GradientReducer reducer(all, buffer.memory(), pieces_from_the_back(), {.overlap = Overlap::always});
  for (int part = 0; part < 3; ++part) {
    reducer.set_communication(part == 2);
    for (float& x : *buffer.values) x += static_cast<float>(all.rank() + part);
    for (std::size_t p = 0; p < std::size(kSizes); ++p) reducer.ready(p);
    reducer.finish();
  }
  const int ranks = all.size();
  const auto expected = static_cast<float>(3 * ranks * (ranks - 1) / 2 + 3 * ranks);
  EXPECT_TRUE(
      std::all_of(buffer.values->begin(), buffer.values->end(), [&](float x) { return x == expected; }));
  reducer.close();
}

}  // namespace
}  // namespace rankflow
