#include "steps/image_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace rankflow {
namespace {

std::vector<std::int64_t> rows_up_to(std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Json keys(const std::string& type, const Json& column = "label") {
  Json rule{{"type", type}};
  if (!column.is_null()) rule["column"] = column;
  return {{"split", {{"train", 0.7}, {"validation", 0.1}, {"test", 0.2}}}, {"split_by", rule}, {"seed", 3}};
}

TEST(ImageSplit, EveryLabelIsDividedByTheFractions) {
  // Labels of 100, 50 and 10 images, mixed.
  std::vector<std::int64_t> labels(160, 0);
  for (std::size_t i = 0; i < 160; ++i) labels[i] = i % 16 == 0 ? 2 : i % 16 <= 5 ? 1 : 0;
  const auto splits = split_images(keys("stratified"), rows_up_to(160), labels);
  std::vector<std::int64_t> all;
  for (const auto& [name, fraction] : {std::pair("train", 0.7), {"validation", 0.1}, {"test", 0.2}}) {
    const auto& rows = splits.at(name);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    for (std::int64_t label = 0; label < 3; ++label) {
      const auto is = [&](std::int64_t row) { return labels[static_cast<std::size_t>(row)] == label; };
      const auto of_all = std::count(labels.begin(), labels.end(), label);
      EXPECT_NEAR(std::count_if(rows.begin(), rows.end(), is), fraction * static_cast<double>(of_all), 0.51)
          << name << " " << label;
    }
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, rows_up_to(160)) << "each row once";
  EXPECT_EQ(split_images(keys("stratified"), rows_up_to(160), labels), splits);
  Json other = keys("stratified");
  other["seed"] = 4;
  EXPECT_NE(split_images(other, rows_up_to(160), labels), splits);
}

TEST(ImageSplit, WhatImagesLackIsRefused) {
  const std::vector<std::int64_t> labels(10, 0);
  EXPECT_THROW(split_images(keys("hash"), rows_up_to(10), labels), Error);
  EXPECT_THROW(split_images(keys("stratified", "colour"), rows_up_to(10), labels), Error);
  EXPECT_THROW(split_images(keys("stratified"), rows_up_to(10), {}), Error);
  EXPECT_EQ(split_images(keys("random", nullptr), rows_up_to(10), {}).size(), 3u);
  EXPECT_EQ(split_images({{"seed", 0}}, rows_up_to(10), {}).at("data"), rows_up_to(10));
}

}  // namespace
}  // namespace rankflow
