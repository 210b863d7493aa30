#include "io/json.h"

#include "base/error.h"
#include "io/json_text.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

TEST(Json, ReadsAFile) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", R"({"b": [1, 2.5, "x"], "a": null})");
  EXPECT_EQ(read_json(folder / "a").dump(), R"({"a":null,"b":[1,2.5,"x"]})");
  EXPECT_EQ(try_read_json(folder / "a")->size(), 2u);
}

TEST(Json, NamesTheFileThatIsNone) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "{\"b\": ");
  try {
    read_json(folder / "a");
    FAIL() << "read half an object";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    EXPECT_NE(e.message().find(folder / "a"), std::string::npos) << e.message();
  }
}

TEST(Json, TakesADamagedRecordAsAbsent) {
  TemporaryFolder folder;
  EXPECT_FALSE(try_read_json(folder / "missing"));
  const std::string text = R"({"a": [1, 2, {"b": "c"}]})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    write_file_atomically(folder / "a", text.substr(0, length), /*durable=*/false);
    EXPECT_FALSE(try_read_json(folder / "a")) << length;
  }
  write_file_atomically(folder / "a", "\"\xff\"");
  EXPECT_FALSE(try_read_json(folder / "a"));
}

TEST(Json, SaysWhatIsNoUtf8) {
  const std::string text = json_text({{"error", "caf\xe9"}});
  EXPECT_EQ(text, "{\"error\":\"caf\xef\xbf\xbd\"}");
  EXPECT_EQ(Json::parse(text).at("error"), "caf\xef\xbf\xbd");
}

TEST(Json, SurvivesDeepNesting) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", std::string(1'000'000, '['));
  EXPECT_FALSE(try_read_json(folder / "a"));
}

}  // namespace
}  // namespace rankflow
