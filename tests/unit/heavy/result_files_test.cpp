// Results on their way into files: tables as bytes, shards with their ledgers, and pieces of files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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
  const std::string bytes = encoded(two_rows());
  EXPECT_EQ(decoded(schema, 2, bytes).columns, two_rows().columns);
  EXPECT_EQ(to_json(result_schema(to_json(schema))), to_json(schema));
  EXPECT_THROW(decoded(schema, 2, bytes.substr(1)), Error);
  EXPECT_THROW(decoded(schema, 3, bytes), Error);
  EXPECT_THROW(decoded(schema, 1, bytes), Error);
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
