// Thousands of nearly right pipelines, expressions, manifests, records and safetensors files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "io/action_record.h"
#include "io/expression.h"
#include "io/manifest.h"
#include "io/safetensors.h"
#include "runtime/pipeline.h"
#include "steps/specs.h"
#include "tests/mutations.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

TEST(MutatedInputs, Pipelines) {
  const StepSpecs specs = all_step_specs();
  std::vector<std::string> valid;
  for (const char* name : {"minimal", "digits", "flights", "mnist"})
    valid.push_back(read_file(str(RANKFLOW_SOURCE_DIR, "/configs/", name, ".yaml")));
  const Mutations mutations(valid, {"${{",
                                    "}}",
                                    "${{inputs.",
                                    "${{steps.train.outputs.model}}",
                                    "${{parameters.x}}",
                                    "\n",
                                    "\n  ",
                                    "\n      ",
                                    ": ",
                                    "- ",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    "&a ",
                                    "*a",
                                    "<<: *a",
                                    "!!int ",
                                    "---\n",
                                    "|\n",
                                    ">-\n",
                                    "'",
                                    "\"",
                                    "\\",
                                    "#",
                                    "~",
                                    "null",
                                    "true",
                                    "1e999",
                                    "-1",
                                    ".nan",
                                    "0x7fffffffffffffff",
                                    "99999999999999999999",
                                    "type: ",
                                    "train",
                                    "after: ",
                                    "resources: {ranks: all}",
                                    "\xef\xbb\xbf",
                                    "\t"});
  expect_only_errors(mutations, 3000, {ExitStatus::configuration},
                     [&](const std::string& text) { parse_pipeline(text, "p.yaml", specs); });
}

TEST(MutatedInputs, CommandLineOverrides) {
  const StepSpecs specs = all_step_specs();
  const std::string pipeline = read_file(str(RANKFLOW_SOURCE_DIR, "/configs/digits.yaml"));
  const Mutations mutations({"train.epochs=3", "train.model={type: mlp, hidden: [8, 4]}",
                             "train.optimizer.learning_rate=0.1", "prepare.split={train: 0.8, test: 0.2}"},
                            {"=", ".", "{", "}", "[", "]", ":", ",", "${{parameters.x}}", "1e999", "-1", "''",
                             "train", "..", "type"});
  expect_only_errors(
      mutations, 2000, {ExitStatus::configuration, ExitStatus::usage}, [&](const std::string& text) {
        const auto equals = std::min(text.find('='), text.size());
        Overrides overrides;
        overrides.set.emplace_back(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
        parse_pipeline(pipeline, "p.yaml", specs, overrides);
      });
}

TEST(MutatedInputs, Expressions) {
  const Mutations mutations(
      {"date / 100 % 100", "not a > 1 and b == 2 or c", "-a * -(b + 1)", "if(x = 'it''s', .5, 1e3)",
       "`odd name!` != true", "max(round(sqrt(abs(delay))), log1p(length(lower(name))))",
       "is_missing(x) or y >= 9223372036854775807"},
      {"(",        ")",    ",",    "'",  "`",    "if(",   "not ",
       "-",        "and",  "or",   "<=", "!=",   "1e999", "99999999999999999999",
       "((((((((", "min(", "true", "..", "1.5e", "\\"});
  expect_only_errors(mutations, 5000, {ExitStatus::configuration},
                     [](const std::string& text) { columns_of(parse_expression(text)); });
}

TEST(MutatedInputs, ExpressionsOfAnyDepth) {
  for (const char* opening : {"(", "-", "not ", "abs("}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += opening;
    EXPECT_THROW(parse_expression(deep), Error) << opening;
    EXPECT_THROW(parse_expression(deep + "a"), Error) << opening;
  }
}

/// What is no manifest counts as absent; what is one leads nowhere outside of the artifact.
TEST(MutatedInputs, Manifests) {
  const std::string digest(64, 'a');
  const Manifest small{{{"model.json", 12, digest, false}}, {}};
  const Manifest large{
      {{"a/b/c.h5", 1'000'000, digest, false}, {"a/run.sh", 5, digest, true}, {"z", 0, digest, false}},
      {"a", "a/b", "e"}};
  Mutations mutations(
      {encode(small), encode(large)},
      {"..",      "../",      "/",         "\"",         "{",           "}",         "[",
       "]",       ",",        ":",         "null",       "-1",          "1e999",     "18446744073709551616",
       "\\u0000", "\"path\"", "\"bytes\"", "\"sha256\"", "\"folders\"", "\"format\""});
  int usable = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = mutations.next();
    const auto manifest = decode_manifest(text);
    if (!manifest) continue;
    ++usable;
    for (const auto& file : manifest->files) {
      EXPECT_FALSE(file.path.empty() || file.path.front() == '/') << text;
      EXPECT_EQ(str("/", file.path, "/").find("/../"), std::string::npos) << text;
    }
    EXPECT_TRUE(decode_manifest(encode(*manifest))) << text;
    decode_checks(encode_checks(*manifest));
  }
  EXPECT_GT(usable, 0);
  EXPECT_LT(usable, 4000);
}

/// A record is, byte for byte, what was written, or none.
TEST(MutatedInputs, ActionRecords) {
  const std::string fingerprint(64, 'f');
  const ActionRecord record{
      fingerprint, {{"model", std::string(64, 'b')}}, "run-1", {{"accuracy", 0.5}}, {{"ranks", 2}}};
  const std::string text = encode(record);
  Mutations mutations({text}, {"\"", "{", "}", ",", "0", "1", "null", "\"outputs\"", "..", " "});
  for (int i = 0; i < 3000; ++i) {
    const std::string mutated = mutations.next();
    EXPECT_EQ(decode_action_record(mutated, fingerprint).has_value(), mutated == text) << mutated;
  }
}

TEST(MutatedInputs, SafetensorsFiles) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  std::vector<std::string> valid;
  write_safetensors(path, {{"w", DType::f32, {2, 3}, data}}, {});
  valid.push_back(read_file(path));
  write_safetensors(path,
                    {{"a", DType::f32, {2}, data},
                     {"b.c", DType::f64, {1, 1}, data},
                     {"n", DType::i64, {}, data},
                     {"e", DType::f16, {0, 4}, data}},
                    {{"format", "pt"}});
  valid.push_back(read_file(path));
  const Mutations mutations(valid, {"\"dtype\"",
                                    "\"shape\"",
                                    "\"data_offsets\"",
                                    "__metadata__",
                                    "F32",
                                    "BF16",
                                    "I64",
                                    "[",
                                    "]",
                                    "{",
                                    "}",
                                    ",",
                                    ":",
                                    "-1",
                                    "0",
                                    "18446744073709551615",
                                    "4294967296",
                                    "1e30",
                                    "null",
                                    "\"",
                                    "\\ud800",
                                    " "});
  expect_only_errors(mutations, 3000, {ExitStatus::bad_data}, [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const SafetensorsFile file(path);
    std::uint64_t read = 0;
    for (const TensorBytes& t : file.tensors()) {
      for (std::uint64_t i = 0; i < t.bytes(); ++i)
        read += static_cast<std::uint64_t>(t.data[i]);  // all of it is there
    }
    EXPECT_LE(read, bytes.size() * 255);
  });
}

}  // namespace
}  // namespace rankflow
