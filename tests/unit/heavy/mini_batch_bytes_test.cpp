// A mini-batch goes to another process and is the same there.
#include "steps/mini_batch_bytes.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace rankflow {
namespace {

RowTable table() {
  return {2,
          {{.name = "small", .values = std::vector<std::uint8_t>{1, 250}},
           {.name = "yes", .values = std::vector<std::uint8_t>{1, 0}, .missing = {0, 1}, .boolean = true},
           {.name = "count", .values = std::vector<std::int64_t>{-1, 1LL << 60}},
           {.name = "kind",
            .values = std::vector<std::int64_t>{1, -1},
            .categories = {"a", "b"},
            .missing = {0, 1}},
           {.name = "pixels", .values = std::vector<float>{1, 2, 3, 4}, .labels = {"p0", "p1"}},
           {.name = "price", .values = std::vector<double>{0.5, -0.0}},
           {.name = "text", .values = std::vector<std::string>{"", "a\nb"}}}};
}

TEST(MiniBatchBytes, AreTheSameMiniBatch) {
  const MiniBatch sent{40, table(), {}};
  const MiniBatch got = mini_batch_from(message_of(sent));
  EXPECT_EQ(got.first_row, 40);
  EXPECT_EQ(got.table.rows, 2);
  ASSERT_EQ(got.table.columns.size(), sent.table.columns.size());
  for (std::size_t c = 0; c < sent.table.columns.size(); ++c) {
    const RowColumn &a = sent.table.columns[c], &b = got.table.columns[c];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.values, b.values) << a.name;
    EXPECT_EQ(a.labels, b.labels) << a.name;
    EXPECT_EQ(a.categories, b.categories) << a.name;
    EXPECT_EQ(a.missing, b.missing) << a.name;
    EXPECT_EQ(a.boolean, b.boolean) << a.name;
  }
}

TEST(MiniBatchBytes, ArePathsWhereThereIsNoTable) {
  const MiniBatch got = mini_batch_from(message_of({3, {2, {}}, {"a/1.png", "b/2.png"}}));
  EXPECT_EQ(got.paths, (std::vector<std::string>{"a/1.png", "b/2.png"}));
  EXPECT_EQ(got.table.rows, 2);
}

TEST(MiniBatchBytes, ThatAreCutOffAreRefused) {
  ChildMessage message = message_of({0, table(), {}});
  message.payload.pop_back();
  EXPECT_THROW(mini_batch_from(message), Error);
}

}  // namespace
}  // namespace rankflow
