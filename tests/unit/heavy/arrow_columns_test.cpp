#include "io/arrow_columns.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "io/arrow_result.h"
#include "tests/unit/heavy/table_fixture.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;

/// The values of a decimal type as a table keeps them.
template <typename Builder, typename Value>
std::vector<double> kept(const std::shared_ptr<arrow::DataType>& type,
                         const std::vector<std::int64_t>& unscaled) {
  Builder builder(type);
  for (const std::int64_t u : unscaled) check_arrow(builder.Append(Value(u)), "append");
  const auto array = value_of(builder.Finish(), "finish");
  return numbers(Table({{"a", array->length(), 0}}, {"a"},
                       {kept_column(std::make_shared<arrow::ChunkedArray>(array), "a.parquet", "a")}),
                 "a");
}

TEST(ArrowColumns, DecimalsAreTheNearestNumbers) {
  std::vector<std::int64_t> cents;
  for (std::int64_t i = -20000; i < 20000; ++i) cents.push_back(i);
  const auto as_128 = kept<arrow::Decimal128Builder, arrow::Decimal128>(arrow::decimal128(10, 2), cents);
  const auto as_256 = kept<arrow::Decimal256Builder, arrow::Decimal256>(arrow::decimal256(40, 2), cents);
  for (std::size_t i = 0; i < cents.size(); ++i) {
    ASSERT_EQ(as_128[i], std::stod(str(cents[i], "e-2"))) << cents[i];
    ASSERT_EQ(as_256[i], as_128[i]) << cents[i];
  }
  const std::vector<std::int64_t> large{9007199254740993,
                                        -123456789012345678};  // not exact as numbers themselves
  EXPECT_EQ((kept<arrow::Decimal128Builder, arrow::Decimal128>(arrow::decimal128(38, 3), large)),
            (std::vector<double>{9007199254740.993, -123456789012345.678}));
  EXPECT_EQ((kept<arrow::Decimal128Builder, arrow::Decimal128>(arrow::decimal128(38, 30), {35})),
            (std::vector<double>{35e-30}));
}

TEST(ArrowColumns, OnlyZeroAndOneAreBooleans) {
  arrow::Int64Builder builder;
  check_arrow(builder.AppendValues({1, 0, 2}), "append");
  const auto integers = std::make_shared<arrow::ChunkedArray>(value_of(builder.Finish(), "finish"));
  EXPECT_THAT(message_of(ExitStatus::bad_data,
                         [&] { kept_column(integers, "a.parquet", "a", ColumnType::boolean, 0); }),
              HasSubstr("a.parquet: row 3: column \"a\": \"2\" is no boolean"));
}

}  // namespace
}  // namespace rankflow
