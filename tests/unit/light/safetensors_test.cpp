// Files of named tensors as other programs read and write them; what is wrong with a file is found before any of it
// is used.
#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

class Safetensors : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::vector<float> weight_ = {1.5F, -2, 3, 0.25F, 5, 6};
  std::int64_t count_ = 7;
  std::uint8_t flag_ = 1;

  template <typename T>
  static const std::byte* bytes(const T* data) {
    return reinterpret_cast<const std::byte*>(data);
  }
  std::vector<TensorBytes> tensors() const {
    return {{"layer.weight", DType::f32, {2, 3}, bytes(weight_.data())},
            {"count", DType::i64, {}, bytes(&count_)},
            {"flag", DType::boolean, {1}, bytes(&flag_)},
            {"empty", DType::f16, {0, 4}, nullptr}};
  }
  /// A file with this header and `data_bytes` bytes of data.
  std::string file(const std::string& header, std::size_t data_bytes) const {
    const std::uint64_t length = header.size();
    std::string content(reinterpret_cast<const char*>(&length), sizeof length);
    content += header;
    content.append(data_bytes, '\0');
    const std::string path = folder_ / "crafted.safetensors";
    write_file_atomically(path, content, false);
    return path;
  }
  static std::string failure(const std::string& path) {
    try {
      const SafetensorsFile read(path);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::bad_data) << e.message();
      EXPECT_THAT(e.message(), HasSubstr(path));
      return e.message();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }
};

TEST_F(Safetensors, ReadsWhatItWrote) {
  const std::string path = folder_ / "a.safetensors";
  write_safetensors(path, tensors(), {{"format", "pt"}});
  const SafetensorsFile read(path);
  EXPECT_EQ(read.metadata(), (std::map<std::string, std::string>{{"format", "pt"}}));
  ASSERT_EQ(read.tensors().size(), 4U);
  const TensorBytes& count = read.tensors()[0];  // the widest type first
  EXPECT_EQ(count.name, "count");
  EXPECT_TRUE(count.shape.empty());
  EXPECT_EQ(std::memcmp(count.data, &count_, sizeof count_), 0);
  const TensorBytes& weight = read.tensors()[1];
  EXPECT_EQ(weight.dtype, DType::f32);
  EXPECT_EQ(weight.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(weight.data, weight_.data(), weight.bytes()), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(count.data) % 8, 0U) << "data are aligned";
}

TEST_F(Safetensors, OrderOfTensorsChangesNoByte) {
  auto reversed = tensors();
  std::reverse(reversed.begin(), reversed.end());
  write_safetensors(folder_ / "a", tensors(), {});
  write_safetensors(folder_ / "b", reversed, {});
  EXPECT_EQ(read_file(folder_ / "a"), read_file(folder_ / "b"));
}

TEST_F(Safetensors, NoTensorsAtAll) {
  write_safetensors(folder_ / "none", {}, {});
  EXPECT_TRUE(SafetensorsFile(folder_ / "none").tensors().empty());
}

TEST_F(Safetensors, RefusesToWriteANameTwice) {
  auto twice = tensors();
  twice.push_back(twice[0]);
  EXPECT_THROW(write_safetensors(folder_ / "twice", twice, {}), Error);
}

TEST_F(Safetensors, EveryCutIsSeen) {
  const std::string path = folder_ / "whole";
  write_safetensors(path, tensors(), {{"format", "pt"}});
  const std::string whole = read_file(path);
  const std::string cut = folder_ / "cut";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file_atomically(cut, whole.substr(0, size), false);
    failure(cut);
  }
  write_file_atomically(cut, whole + "x", false);
  EXPECT_THAT(failure(cut), HasSubstr("bytes"));
}

TEST_F(Safetensors, RefusesWhatDoesNotAddUp) {
  const auto entry = [](const char* dtype, const char* shape, const char* offsets) {
    return str("{\"dtype\":\"", dtype, "\",\"shape\":", shape, ",\"data_offsets\":", offsets, "}");
  };
  const std::string good = entry("F32", "[2]", "[0,8]");
  EXPECT_EQ(SafetensorsFile(file("{\"a\":" + good + "}", 8)).tensors().size(), 1U);
  const std::vector<std::pair<std::string, const char*>> bad = {
      {"{\"a\":" + good + ",\"a\":" + good + "}", "twice"},
      {"{\"a\":" + entry("F32", "[3]", "[0,8]") + "}", "do not fit"},
      {"{\"a\":" + entry("F32", "[2]", "[0,9]") + "}", "cut off"},
      {"{\"a\":" + entry("F32", "[2]", "[8,0]") + "}", "do not fit"},
      {"{\"a\":" + entry("F32", "[2]", "[-8,0]") + "}", "data_offsets"},
      {"{\"a\":" + entry("F32", "[-2]", "[0,8]") + "}", "shape"},
      {"{\"a\":" + entry("F32", "[1.5]", "[0,8]") + "}", "shape"},
      {"{\"a\":" + entry("F32", "[4611686018427387904,4,2]", "[0,8]") + "}", "impossible shape"},
      {"{\"a\":" + entry("F8_E4M3", "[8]", "[0,8]") + "}", "F8_E4M3"},
      {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "dtype"},
      {"{\"a\":" + entry("F32", "[1]", "[0,4]") + "}", "take 4 bytes"},
      {"{\"a\":" + entry("F32", "[1]", "[0,4]") + ",\"b\":" + entry("F32", "[1]", "[0,4]") + "}",
       "begins at"},
      {"{\"a\":" + entry("F32", "[1]", "[4,8]") + "}", "begins at"},
      {"[]", "no JSON object"},
      {"{\"a\":3}", "a"},
      {"{\"a\"", "no safetensors file"},
      {"{\"__metadata__\":{\"a\":1},\"a\":" + good + "}", "no safetensors file"}};
  for (const auto& [header, expected] : bad)
    EXPECT_THAT(failure(file(header, 8)), HasSubstr(expected)) << header;
}

TEST_F(Safetensors, HeaderLengthIsNotTrusted) {
  std::string content(8, '\xff');
  write_file_atomically(folder_ / "huge", content + "{}", false);
  EXPECT_THAT(failure(folder_ / "huge"), HasSubstr("header"));
}

}  // namespace
}  // namespace rankflow
