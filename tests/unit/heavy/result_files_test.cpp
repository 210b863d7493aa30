// Results on their way into files: tables as bytes, shards with their ledgers, and pieces of files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "io/file_range.h"
#include "io/result_format.h"
#include "io/result_ipc.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

ResultSchema schema_of_all_types() {
  ResultColumn matrix{"m", ResultType::real32, true, {"m_0", "m_1"}, {}};
  return {plain_column("row", ResultType::integer), plain_column("class", ResultType::integer, {"a,b", "c"}),
          plain_column("yes", ResultType::boolean), plain_column("x", ResultType::real64),
          plain_column("text", ResultType::text),   matrix};
}

ResultTable two_rows() {
  ResultTable table{2, {}};
  table.columns = {std::vector<std::int64_t>{1, 2},
                   std::vector<std::int64_t>{0, -1},
                   std::vector<std::uint8_t>{1, 0},
                   std::vector<double>{0.1, -2},
                   std::vector<std::string>{"say \"hi\"", ""},
                   std::vector<float>{1, 2, 3, 0.25}};
  return table;
}

TEST(ResultTable, ComesBackFromItsBytes) {
  const auto schema = schema_of_all_types();
  const std::string bytes = encoded(schema, two_rows());
  EXPECT_EQ(decoded(schema, 2, bytes).columns, two_rows().columns);
  EXPECT_EQ(to_json(result_schema(to_json(schema))), to_json(schema));
  EXPECT_THROW(decoded(schema, 2, bytes.substr(1)), Error);
  EXPECT_THROW(decoded(schema, 3, bytes), Error);
  EXPECT_THROW(decoded(schema, 1, bytes), Error);
}

/// Two rows in every type; the second has no value.
ResultSchema schema_with_gaps() {
  ResultSchema schema = {plain_column("i", ResultType::integer), plain_column("b", ResultType::boolean),
                         plain_column("t", ResultType::text), plain_column("x", ResultType::real64)};
  for (ResultColumn& column : schema) column.gaps = column.type != ResultType::real64;
  return schema;
}

ResultTable a_row_and_a_gap() {
  ResultTable table{2, {}, {{0, 1}, {0, 1}, {0, 1}, {}}};
  table.columns = {std::vector<std::int64_t>{7, 0}, std::vector<std::uint8_t>{1, 0},
                   std::vector<std::string>{"a", ""},
                   std::vector<double>{0.5, std::numeric_limits<double>::quiet_NaN()}};
  return table;
}

TEST(ResultTable, KeepsWhatIsMissing) {
  const auto schema = schema_with_gaps();
  const ResultTable back = decoded(schema, 2, encoded(schema, a_row_and_a_gap()));
  EXPECT_EQ(back.missing, a_row_and_a_gap().missing);
  EXPECT_EQ(to_json(result_schema(to_json(schema))), to_json(schema));

  ResultTable joined = a_row_and_a_gap().slice(schema, 0, 1);
  joined.missing.clear();  // a mini-batch in which all have a value
  joined.append(a_row_and_a_gap());
  joined.append(a_row_and_a_gap().slice(schema, 1, 2));
  EXPECT_EQ(joined.missing[0], (std::vector<std::uint8_t>{0, 0, 1, 1}));
  EXPECT_TRUE(joined.is_missing(2, 3));
  EXPECT_FALSE(joined.is_missing(3, 2)) << "NaN says it";
}

TEST(ResultTable, HasTypesThatServeAllMiniBatches) {
  using enum ResultType;
  EXPECT_EQ(common_type(integer, real32), real64);
  EXPECT_EQ(common_type(real32, real64), real64);
  EXPECT_EQ(common_type(missing, integer), integer);
  EXPECT_EQ(common_type(nan, integer), real64) << "as pandas joins them";
  EXPECT_EQ(common_type(text, nan), text);
  EXPECT_EQ(common_type(nan, missing), nan);
  EXPECT_EQ(common_type(boolean, integer), std::nullopt);
  EXPECT_EQ(common_type(text, real64), std::nullopt);
  // In whatever order they come.
  for (const auto a : {boolean, integer, real32, real64, text, missing, nan}) {
    for (const auto b : {boolean, integer, real32, real64, text, missing, nan}) {
      EXPECT_EQ(common_type(a, b), common_type(b, a));
      for (const auto c : {boolean, integer, real32, real64, text, missing, nan}) {
        const auto ab = common_type(a, b), bc = common_type(b, c);
        if (!ab || !bc) continue;
        EXPECT_EQ(common_type(*ab, c), common_type(a, *bc));
      }
    }
  }
}

TEST(ResultTable, IsReadInATypeThatServesOthersToo) {
  const ResultSchema none = {plain_column("c", ResultType::missing)},
                     texts = {plain_column("c", ResultType::text)},
                     whole = {plain_column("c", ResultType::integer)},
                     reals = {plain_column("c", ResultType::real64)};
  const ResultTable gaps{2, {std::vector<double>(2, std::numeric_limits<double>::quiet_NaN())}};
  const auto as_texts = decoded(texts, 2, encoded(none, gaps));
  EXPECT_EQ(std::get<std::vector<std::string>>(as_texts.columns[0]).size(), 2u);
  EXPECT_EQ(as_texts.missing[0], (std::vector<std::uint8_t>{1, 1}));
  EXPECT_TRUE((*common_schema(texts, none))[0].gaps);

  const ResultTable numbers{2, {std::vector<std::int64_t>{3, 0}}, {{0, 1}}};
  const auto as_reals = std::get<std::vector<double>>(decoded(reals, 2, encoded(whole, numbers)).columns[0]);
  EXPECT_EQ(as_reals[0], 3);
  EXPECT_TRUE(std::isnan(as_reals[1]));
  EXPECT_THROW(decoded(texts, 2, encoded(whole, numbers)), Error);
}

TEST(ResultTable, IsCutAndJoined) {
  const auto schema = schema_of_all_types();
  ResultTable all = empty_table(schema);
  all.append(two_rows().slice(schema, 0, 1));
  all.append(two_rows().slice(schema, 1, 2));
  EXPECT_EQ(all.rows, 2);
  EXPECT_EQ(all.columns, two_rows().columns);
}

TEST(ResultFormat, TextsSayWhatIsMissing) {
  const auto schema = schema_of_all_types();
  std::string csv, lines;
  make_result_format("csv")->append(schema, two_rows(), csv);
  EXPECT_EQ(csv, "1,\"a,b\",true,0.1,\"say \"\"hi\"\"\",1,2\n2,,false,-2,,3,0.25\n");
  make_result_format("jsonl")->append(schema, two_rows(), lines);
  EXPECT_EQ(lines.substr(lines.find('\n') + 1),
            "{\"row\":2,\"class\":null,\"yes\":false,\"x\":-2,\"text\":\"\",\"m_0\":3,\"m_1\":0.25}\n");
}

TEST(ResultFormat, GapsAreEmptyOrNull) {
  std::string csv, lines;
  make_result_format("csv")->append(schema_with_gaps(), a_row_and_a_gap(), csv);
  EXPECT_EQ(csv, "7,true,a,0.5\n,,,\n");
  make_result_format("jsonl")->append(schema_with_gaps(), a_row_and_a_gap(), lines);
  EXPECT_EQ(lines.substr(lines.find('\n') + 1), "{\"i\":null,\"b\":null,\"t\":null,\"x\":null}\n");
}

TEST(ResultIpc, BringsGapsBack) {
  const IpcTable back = from_ipc(to_ipc(schema_with_gaps(), a_row_and_a_gap()));
  EXPECT_EQ(to_json(back.schema), to_json(schema_with_gaps()));
  EXPECT_EQ(back.table.missing, a_row_and_a_gap().missing);
  EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(back.table.columns[3])[1]));

  const ResultSchema reals = {plain_column("x", ResultType::real64)};
  const ResultTable none{1, {std::vector<double>{0}}, {{1}}};
  EXPECT_EQ(from_ipc(to_ipc(reals, none)).schema[0].type, ResultType::nan);
}

TEST(ResultIpc, BringsPlainColumnsBack) {
  ResultSchema schema = {plain_column("i", ResultType::integer), plain_column("x", ResultType::real64),
                         plain_column("t", ResultType::text), plain_column("b", ResultType::boolean)};
  ResultTable table{2, {}};
  table.columns = {std::vector<std::int64_t>{1, 2}, std::vector<double>{0.5, -1},
                   std::vector<std::string>{"a", "b"}, std::vector<std::uint8_t>{0, 1}};
  const IpcTable back = from_ipc(to_ipc(schema, table));
  EXPECT_EQ(to_json(back.schema), to_json(schema));
  EXPECT_EQ(back.table.columns, table.columns);
  EXPECT_THROW(from_ipc("no stream"), Error);
}

TEST(ResultShard, LedgersTellWhatIsWhole) {
  TemporaryFolder folder;
  const Json about = {{"format", 1}};
  ShardWriter writer(folder.path(), about);
  writer.write({0, 2}, 20, {{"csv", "first"}}, Json::object());
  const auto second = writer.write({5, 6}, 10, {{"csv", "second"}}, {{"sum", 0.1}});
  EXPECT_EQ(read_piece(second.sections.at("csv")), "second");
  EXPECT_EQ(read_ledgers(folder.path(), about).size(), 2u);
  EXPECT_TRUE(read_ledgers(folder.path(), {{"format", 2}}).empty());
  EXPECT_TRUE(read_ledgers(folder / "missing", about).empty());

  std::string ledger;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".ledger") ledger = entry.path();
  }
  const std::string text = read_file(ledger);
  write_file_atomically(ledger, text.substr(0, text.size() - 5), false);
  const auto chunks = read_ledgers(folder.path(), about);
  ASSERT_EQ(chunks.size(), 1u) << "a line that was cut off";
  EXPECT_EQ(chunks[0].units, (Range{0, 2}));
  EXPECT_TRUE(is_whole(chunks[0]));
  File(chunks[0].sections.at("csv").path, O_WRONLY).write_all("F");
  EXPECT_FALSE(is_whole(chunks[0]));
}

TEST(FileRange, CopiesToAnyPlace) {
  TemporaryFolder folder;
  write_file_atomically(folder / "from", "0123456789", false);
  File to(folder / "to", O_RDWR | O_CREAT);
  resize(to, 8);
  write_at(to, 6, "yz");
  const File from(folder / "from", O_RDONLY);
  copy_range(from, 3, to, 1, 4);
  to.close();
  EXPECT_EQ(read_file(folder / "to"), std::string("\0"
                                                  "3456\0yz",
                                                  8));
  const File again(folder / "to", O_RDWR);
  EXPECT_THROW(copy_range(from, 8, again, 0, 4), Error) << "the file has two more bytes only";
}

}  // namespace
}  // namespace rankflow
