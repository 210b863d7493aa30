#include "steps/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "io/csv_text.h"
#include "steps/mini_batches.h"

namespace rankflow {
namespace {

TEST(EpochOrder, IsAPermutationThatSeedAndEpochDecide) {
  auto order = epoch_order(1000, 7, 3, true);
  EXPECT_EQ(order, epoch_order(1000, 7, 3, true));
  EXPECT_NE(order, epoch_order(1000, 7, 4, true));
  EXPECT_NE(order, epoch_order(1000, 8, 3, true));
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, epoch_order(1000, 7, 3, false));
  EXPECT_EQ(order.front(), 0);
  EXPECT_EQ(order.back(), 999);
}

TEST(EpochOrder, HasFixedValues) {
  // Another standard library, compiler or version must give the same order: these were written down once.
  EXPECT_EQ(epoch_order(8, 0, 0, true), (std::vector<std::int64_t>{0, 3, 1, 6, 2, 7, 4, 5}));
}

TEST(EpochOrder, PutsEveryRowEverywhereAboutEquallyOften) {
  std::vector<int> first(10);
  for (int epoch = 0; epoch < 5000; ++epoch)
    ++first[static_cast<std::size_t>(epoch_order(10, 1, epoch, true)[0])];
  for (const int n : first) EXPECT_NEAR(n, 500, 5 * std::sqrt(450));
}

TEST(WindowedOrder, IsAPermutationWhoseWindowsHoldTheirPiecesRows) {
  for (const std::int64_t rows : {1, 7, 100, 1000, 1003}) {
    for (const std::int64_t window : {1, 16, 100, 5000}) {
      const auto order = windowed_order(rows, 7, 3, window);
      auto sorted = order.rows;
      std::sort(sorted.begin(), sorted.end());
      ASSERT_EQ(sorted, epoch_order(rows, 0, 0, false)) << rows << " rows in windows of " << window;
      std::int64_t next = 0;
      for (const auto& w : order.windows) {
        EXPECT_EQ(w.positions.begin, next);
        next = w.positions.end;
        EXPECT_LE(w.positions.size(), std::max<std::int64_t>(window, 16) + 15);
        std::vector<std::int64_t> held;
        for (const Range& piece : w.pieces) {
          for (std::int64_t row = piece.begin; row < piece.end; ++row) held.push_back(row);
        }
        std::vector<std::int64_t> seen(order.rows.begin() + w.positions.begin,
                                       order.rows.begin() + w.positions.end);
        std::sort(held.begin(), held.end());
        std::sort(seen.begin(), seen.end());
        EXPECT_EQ(held, seen);
      }
      EXPECT_EQ(next, rows);
    }
  }
}

TEST(WindowedOrder, ChangesWithSeedAndEpochAndMixesTheWholeDataset) {
  const auto order = windowed_order(100'000, 7, 3, 1600);
  EXPECT_EQ(order.rows, windowed_order(100'000, 7, 3, 1600).rows);
  EXPECT_NE(order.rows, windowed_order(100'000, 7, 4, 1600).rows);
  EXPECT_NE(order.rows, windowed_order(100'000, 8, 3, 1600).rows);
  // The mean row of a window of 16 pieces lies within 5 standard deviations of the mean of 16 draws.
  for (const auto& w : order.windows) {
    double sum = 0;
    for (std::int64_t p = w.positions.begin; p < w.positions.end; ++p)
      sum += static_cast<double>(order.rows[static_cast<std::size_t>(p)]);
    const double deviation = 100'000 / std::sqrt(12.0 * static_cast<double>(w.pieces.size()));
    EXPECT_NEAR(sum / static_cast<double>(w.positions.size()), 50'000, 5 * deviation);
  }
  // Rows that were neighbours lie in one window, and not next to each other.
  std::int64_t neighbours = 0;
  for (std::size_t i = 1; i < order.rows.size(); ++i) neighbours += order.rows[i] == order.rows[i - 1] + 1;
  EXPECT_LT(neighbours, 100'000 / 1000);
}

TEST(WindowedOrder, HasFixedValues) {
  // Another standard library, compiler or version must give the same order: these were written down once.
  EXPECT_EQ(windowed_order(10, 0, 0, 32).rows, (std::vector<std::int64_t>{2, 7, 8, 6, 0, 3, 5, 1, 9, 4}));
  EXPECT_EQ(windowed_order(100, 0, 0, 32).windows[0].pieces[0], (Range{80, 82}));
}

TEST(BatchShard, JoinsToTheGlobalBatchForAnyNumberOfRanks) {
  const auto order = epoch_order(103, 1, 0, true);
  for (const int ranks : {1, 2, 3, 7, 50}) {
    std::vector<std::int64_t> joined;
    for (std::int64_t batch = 0; batch < ceil_div(103, 20); ++batch) {
      for (int rank = 0; rank < ranks; ++rank) {
        const auto shard = batch_shard(order, batch_range(103, 20, batch), ranks, rank);
        joined.insert(joined.end(), shard.begin(), shard.end());
      }
    }
    EXPECT_EQ(joined, order) << ranks;
  }
  EXPECT_EQ(batch_range(103, 20, 5), (Range{100, 103}));
}

TEST(MiniBatches, CoverAllRowsInOrderForAnyNumberOfRanks) {
  for (const std::int64_t rows : {0, 1, 999, 1000, 1001, 12345}) {
    for (const int ranks : {1, 2, 3, 4, 64}) {
      const MiniBatches mini_batches(rows, 100, ranks, 3);
      std::int64_t next = 0;
      for (std::int64_t round = 0; round < mini_batches.rounds(); ++round) {
        for (int rank = 0; rank < ranks; ++rank) {
          const Range mine = mini_batches.of(round, rank);
          for (std::int64_t i = mine.begin; i < mine.end; ++i) {
            const Range r = mini_batches.rows_of(i);
            EXPECT_EQ(r.begin, next);
            EXPECT_TRUE(r.size() == 100 || r.end == rows);
            next = r.end;
          }
        }
        EXPECT_EQ(mini_batches.rows_after(round), next);
      }
      EXPECT_EQ(next, rows);
    }
  }
}

TEST(CsvText, QuotesWhatNeedsItAndWritesNumbersThatReadBackTheSame) {
  std::string line;
  append_csv(line, "plain");
  append_csv(line, ",");
  append_csv(line, "say \"so\"");
  append_number(line, 0.1F);
  append_number(line, std::int64_t{-3});
  EXPECT_EQ(line, "plain\",\"\"say \"\"so\"\"\"0.1-3");
}

}  // namespace
}  // namespace rankflow
