#include "runtime/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>

#include "base/text.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

std::string failure(const std::string& text, const YamlLimits& limits = {}) {
  try {
    parse_yaml(text, "p.yaml", limits);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    return e.what();
  }
  return "no error";
}

TEST(Yaml, ReadsTheCoreSchema) {
  const Node root = parse_yaml(R"(
a: 1
b: [1.5, -2, 0x10, 0o17, 1e3, .5]
c: {d: true, e: False, f: null, g: ~}
h: "3"
i: yes
j: |
  two
  lines
k: 1.2.3
l: x-
m:
)",
                               "p.yaml");
  EXPECT_EQ(root.to_json(), Json::parse(R"({"a": 1, "b": [1.5, -2, 16, 15, 1000.0, 0.5],
    "c": {"d": true, "e": false, "f": null, "g": null}, "h": "3", "i": "yes", "j": "two\nlines\n", "k": "1.2.3",
    "l": "x-", "m": null})"));
}

TEST(Yaml, AByteOrderMarkIsNoPartOfTheText) {
  const Node tree = parse_yaml(
      "\xEF\xBB\xBF"
      "a: 1\n",
      "f.yaml");
  ASSERT_NE(tree.find("a"), nullptr);
  EXPECT_EQ(tree.find("a")->text, "1");
}

TEST(Yaml, RemembersPlaces) {
  const Node root = parse_yaml("a: 1\nb:\n  - x\n  - {c: y}\n", "p.yaml");
  const Node* b = root.find("b");
  EXPECT_EQ(b->items[0].line, 3);
  EXPECT_EQ(b->items[0].column, 5);
  EXPECT_EQ(b->items[1].find("c")->line, 4);
  EXPECT_EQ(b->items[1].find("c")->column, 9);
  EXPECT_EQ(root.find("nothing"), nullptr);
}

TEST(Yaml, PointsInsideTextsThatStandAsTheyAre) {
  const Node root = parse_yaml("a: \"ü${{x}}\"\nb: ü${{x}}\nc: \"\\u00fc${{x}}\"\n", "p.yaml");
  EXPECT_EQ(mark_of(*root.find("a"), "p.yaml", 2).column, 6);
  EXPECT_EQ(mark_of(*root.find("b"), "p.yaml", 2).column, 5);
  EXPECT_EQ(mark_of(*root.find("c"), "p.yaml", 2).column, 4);  // escapes: the value's start
}

TEST(Yaml, AliasesStandForWhatTheyName) {
  const Node root = parse_yaml("a: &x {b: [1, 2]}\nc: *x\nd: [&y z, *y]\n", "p.yaml");
  EXPECT_EQ(root.to_json(), Json::parse(R"({"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": ["z", "z"]})"));
}

TEST(Yaml, AnEmptyDocumentIsNull) {
  EXPECT_EQ(parse_yaml("", "p.yaml").kind, Node::Kind::null);
  EXPECT_EQ(parse_yaml("# nothing\n---\n", "p.yaml").kind, Node::Kind::null);
}

TEST(Yaml, RoundTripsJson) {
  const Json value = Json::parse(R"({"a": [1, 2.5, "3", null, true, {"b": "true"}], "c": -0.1, "d": 1e300})");
  EXPECT_EQ(Node::from_json(value).to_json(), value);
}

TEST(Yaml, RefusesWhatItDoesNotSupport) {
  EXPECT_EQ(failure("a: 1\na: 2\n"), "p.yaml:2:1: the key \"a\" stands here twice (first on line 1)");
  EXPECT_EQ(failure("a: !!str 5\n"),
            "p.yaml:1:4: the tag \"tag:yaml.org,2002:str\" is not supported: types follow from the keys");
  EXPECT_EQ(failure("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "p.yaml:3:3: merge keys (<<) are not supported; write the keys out");
  EXPECT_EQ(failure("a: 1\n---\nb: 2\n"), "p.yaml:2:1: a second document starts here; a file holds one");
  EXPECT_EQ(failure("[a]: 1\n"), "p.yaml:1:1: a key must be text, not a list");
  EXPECT_EQ(failure("? {a: b}\n: 1\n"), "p.yaml:1:3: a key must be text, not a mapping");
  EXPECT_EQ(failure("\"\": 1\n"), "p.yaml:1:1: a key is empty");
  EXPECT_EQ(failure("a: &x [*x]\n"), "p.yaml:1:8: the alias *x stands inside the value that it names");
  EXPECT_EQ(failure("a: *x\n"),
            "p.yaml:1:4: the alias *x names no anchor above it (text that starts with * must be in quotes)");
  EXPECT_EQ(failure("a: \"b\\0c\"\n"), "p.yaml:1:4: text can't hold a NUL character");
  EXPECT_EQ(failure(std::string("a: b\0c\n", 7)), "p.yaml:1:5: not YAML: control characters are not allowed");
  EXPECT_EQ(failure("a: 1\nb: \xff\n"), "p.yaml:2:1: this line is not UTF-8");
}

TEST(Yaml, SyntaxErrorsSayWhereAndWhatToDo) {
  EXPECT_EQ(failure("a: [1, 2\nb: 3\n"),
            "p.yaml:2:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence that "
            "starts on line 1");
  EXPECT_EQ(failure("a:\n\tb: 1\n"),
            "p.yaml:2:1: not YAML: found character that cannot start any token (YAML is "
            "indented with spaces: this is a tab)");
  EXPECT_EQ(failure("a: {b: ${{inputs.x}}}\n"),
            "p.yaml:1:9: not YAML: did not find expected ',' or '}' (inside [ ] and { } a binding must be in "
            "quotes: "
            "\"${{…}}\")");
  EXPECT_EQ(failure("a: @x\n"),
            "p.yaml:1:4: not YAML: found character that cannot start any token (text that starts with @ must "
            "be in quotes)");
  EXPECT_EQ(failure("a: *.py\n"),
            "p.yaml:1:5: not YAML: did not find expected alphabetic or numeric character (text that starts "
            "with * must "
            "be in quotes)");
  EXPECT_EQ(failure("a: \"b\n"),
            "p.yaml:2:1: not YAML: found unexpected end of stream, while scanning a quoted scalar that "
            "starts on line 1");
}

TEST(Yaml, NumbersThatJsonCannotHoldAreErrors) {
  auto convert = [](const std::string& text) {
    try {
      parse_yaml(text, "p.yaml").to_json("p.yaml");
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(convert("a: .nan"), "p.yaml:1:4: a number must be finite, not .nan");
  EXPECT_EQ(convert("a: -.inf"), "p.yaml:1:4: a number must be finite, not -.inf");
  EXPECT_EQ(convert("a: 1e999"), "p.yaml:1:4: a number must be finite, not 1e999");
  EXPECT_EQ(convert("a: 9223372036854775808"),
            "p.yaml:1:4: the integer 9223372036854775808 doesn't fit into 64 bits");
  EXPECT_EQ(convert("a: 9223372036854775807"), "no error");
}

TEST(Yaml, BoundsAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = str("*a", i - 1);
    bomb += str("a", i, ": &a", i, " [");
    for (int k = 0; k < 10; ++k) bomb += str(k ? ", " : "", before);
    bomb += "]\n";
  }
  EXPECT_THAT(failure(bomb), ::testing::HasSubstr("more than 500,000 values"));
  // Few nodes, much text.
  std::string wide = str("a: &a \"", std::string(1 << 20, 'x'), "\"\nb: [*a");
  for (int i = 0; i < 100; ++i) wide += ", *a";
  EXPECT_THAT(failure(wide + "]\n"), ::testing::HasSubstr("16.8 MB"));
}

TEST(Yaml, BoundsDepthAndSize) {
  EXPECT_EQ(failure(std::string(100'000, '[')), "p.yaml:1:65: nested more than 64 levels deep");
  EXPECT_EQ(failure("a: [1, 2, 3]", {.nodes = 4}),
            "p.yaml:1:8: more than 4 values or 16.8 MB, aliases counted as what they stand for");
  EXPECT_EQ(failure("a: 12345", {.bytes = 4}), "p.yaml: 8 B of text; 4 B are the most");
}

TEST(Yaml, LoadsRegularFilesOnly) {
  TemporaryFolder folder;
  auto load = [](const std::string& path) {
    try {
      return load_yaml(path).to_json().dump();
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return std::string(e.what());
    }
  };
  const std::string file = folder / "a.yaml", fifo = folder / "fifo", large = folder / "large";
  write_file_atomically(file, "a: 1\n", false);
  EXPECT_EQ(load(file), R"({"a":1})");
  EXPECT_EQ(load(folder / "missing"), str("\"", folder / "missing", "\" does not exist"));
  EXPECT_EQ(load(folder.path()), folder.path() + " is a folder, not a file");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(load(fifo), fifo + " is not a regular file");
  // A sparse file: its size is looked at, not read.
  write_file_atomically(large, "", false);
  ASSERT_EQ(truncate(large.c_str(), 1'000'000'000), 0);
  EXPECT_EQ(load(large), large + " has 1.0 GB; 16.8 MB are the most");
}

}  // namespace
}  // namespace rankflow
