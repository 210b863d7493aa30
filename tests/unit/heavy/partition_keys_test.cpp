// Partitions of a dataset by its categories.
#include "steps/partition_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/toy_dataset.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Partitioned : public testing::Test {
 protected:
  TemporaryFolder folder_;

  Dataset write(const ToyDataset& toy) {
    toy.write(folder_ / "data");
    return Dataset(folder_ / "data");
  }
  std::string message(const std::function<void()>& make) {
    try {
      make();
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was thrown";
  }
};

TEST_F(Partitioned, EveryRowIsInThePartitionOfItsKey) {
  auto toy = toy_table(200, 1);  // a: p, q; b: u, v, w
  toy.categories[2 * 7] = 0;     // unknown
  const Dataset data = write(toy);
  const PartitionKeys keys(data.info(), {"b", "a"});
  const auto found = partitions_of(data, keys);
  ASSERT_EQ(found.all.size(), 6u);
  EXPECT_EQ(found.without_key, 1);
  EXPECT_THAT(found.all[0].key, ElementsAre("u", "p"));
  EXPECT_THAT(found.all[1].key, ElementsAre("u", "q"));
  EXPECT_THAT(found.all[5].key, ElementsAre("w", "q"));
  std::size_t rows = 0;
  for (const auto& partition : found.all) {
    rows += partition.rows.size();
    EXPECT_TRUE(std::is_sorted(partition.rows.begin(), partition.rows.end()));
    for (const auto row : partition.rows) {
      const auto* codes = &toy.categories[2 * static_cast<std::size_t>(row)];
      EXPECT_EQ(keys.key(*keys.number(codes)), partition.key);
      EXPECT_EQ(keys.number(codes), keys.number(partition.key));
    }
  }
  EXPECT_EQ(rows, 199u);
  EXPECT_FALSE(keys.number(PartitionKey{"u", "r"}));
}

TEST_F(Partitioned, NamesWhatIsNoCategory) {
  const Dataset data = write(toy_table(20, 1));
  EXPECT_THAT(message([&] { PartitionKeys(data.info(), {"x0"}); }), HasSubstr("no category \"x0\""));
  DatasetInfo many = data.info();
  many.schema["categories"] = Json::array();
  std::vector<std::string> names, vocabulary(1 << 16);
  for (int i = 0; i < 4; ++i) {
    names.push_back("c" + std::to_string(i));
    many.schema["categories"].push_back({{"name", names.back()}, {"vocabulary", vocabulary}});
  }
  EXPECT_THAT(message([&] { PartitionKeys(many, names); }), HasSubstr("combinations"));
}

}  // namespace
}  // namespace rankflow
