#include "io/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "io/file.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, text, false);
}

using ::testing::HasSubstr;

std::string message_of(const std::string& path) {
  try {
    read_tensor_file(path);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    return e.message();
  }
  return "no error";
}

const std::vector<float> weights{1.5f, -2.0f, 3.25f, 0.0f, 5.0f, 6.0f};
const std::int64_t counter = 42;
const std::vector<std::uint8_t> state(5056, 7);

std::vector<TensorView> some_tensors() {
  return {{"layer.0.weight", DType::f32, {2, 3}, weights.data()},
          {"layer.1.num_batches_tracked", DType::i64, {}, &counter},
          {"random state", DType::u8, {5056}, state.data()},
          {"empty", DType::f64, {0, 4}, nullptr}};
}

TEST(TensorFile, GivesBackWhatWasWritten) {
  TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  write_tensor_file(path, some_tensors(), {{"epoch", 3}});
  const TensorFile file = read_tensor_file(path);
  EXPECT_EQ(file.attributes, Json({{"epoch", 3}}));
  ASSERT_EQ(file.tensors.size(), 4u);
  EXPECT_EQ(file.tensors[0].name, "layer.0.weight");
  EXPECT_EQ(file.tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(file.tensors[0].data.data(), weights.data(), 24), 0);
  EXPECT_TRUE(file.find("layer.1.num_batches_tracked")->shape.empty());
  EXPECT_EQ(std::memcmp(file.find("layer.1.num_batches_tracked")->data.data(), &counter, 8), 0);
  EXPECT_EQ(file.find("empty")->shape, (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(file.find("nothing"), nullptr);
}

TEST(TensorFile, SameContentGivesSameBytesAndNoTemporaryStays) {
  TemporaryFolder folder;
  // More than eight tensors and a long attribute make HDF5 use its dense and variable-length storage.
  std::vector<TensorView> tensors;
  for (int i = 0; i < 100; ++i)
    tensors.push_back({"p" + std::to_string(i), DType::f32, {2, 3}, weights.data()});
  const Json attributes{{"text", std::string(200'000, 'x')}};
  write_tensor_file(folder / "a.h5", tensors, attributes);
  write_tensor_file(folder / "b.h5", tensors, attributes);
  EXPECT_EQ(read_file(folder / "a.h5"), read_file(folder / "b.h5"));
  EXPECT_EQ(read_tensor_file(folder / "a.h5").tensors[99].name, "p99");
  EXPECT_EQ(read_tensor_file(folder / "a.h5").attributes, attributes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

/// Writes where no file may get larger than `bytes`, and ends with the status of the error that comes of it.
[[noreturn]] void write_within(std::int64_t bytes, const std::string& path) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
  setrlimit(RLIMIT_FSIZE, &limit);
  try {
    write_tensor_file(path, some_tensors(), {{"text", std::string(20'000, 'x')}});
  } catch (const Error& e) {
    std::fputs(describe(e).c_str(), stderr);
    std::exit(code(e.status()));  // where HDF5 would write again what it could not
  }
  std::exit(0);
}

TEST(TensorFileDeathTest, AFullDiskIsNamedAndNoCrash) {
  TemporaryFolder folder;
  for (const std::int64_t bytes : {500, 1500, 3000, 12'000, 24'000}) {
    EXPECT_EXIT(write_within(bytes, folder / "a.h5"), testing::ExitedWithCode(code(ExitStatus::io)),
                "cannot write .*a.h5.*: File too large")
        << bytes;
  }
}

TEST(TensorFile, EveryTruncationIsRefused) {
  TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  write_tensor_file(path, some_tensors(), {{"epoch", 3}});
  const std::string whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); size += 64) {
    write_text(path, whole.substr(0, size));
    EXPECT_NE(message_of(path), "no error") << size;
  }
}

TEST(TensorFile, AFlippedByteOfDataIsRefused) {
  TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  write_tensor_file(path, some_tensors(), {{"epoch", 3}});
  std::string bytes = read_file(path);
  const std::size_t at = bytes.find(std::string(5056, 7));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 100] ^= 1;
  write_text(path, bytes);
  EXPECT_THAT(message_of(path), HasSubstr("checksum"));
}

TEST(TensorFile, OtherFilesAreRefused) {
  TemporaryFolder folder;
  write_text(folder / "text", "hello");
  EXPECT_THAT(message_of(folder / "text"), HasSubstr(folder / "text"));
  EXPECT_THAT(message_of(folder / "missing"), HasSubstr("missing"));
}

TEST(TensorFile, AnUnwritableFolderIsAnIoErrorWithThePath) {
  TemporaryFolder folder;
  try {
    write_tensor_file(folder / "no/such/a.h5", some_tensors(), {});
    FAIL() << "was written";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::io);
    EXPECT_THAT(e.message(), HasSubstr("no/such/a.h5"));
  }
}

}  // namespace
}  // namespace rankflow
