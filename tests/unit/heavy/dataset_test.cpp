#include "io/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "io/file.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, text, false);
}

using ::testing::HasSubstr;

struct Example {
  DatasetInfo info;
  std::vector<float> features;
  std::vector<std::int64_t> rows;

  Example() {
    info.rows = 25;
    info.rows_per_part = 10;
    info.columns = {{"features", DType::f32, {3}}, {"row", DType::i64, {}}};
    info.schema = {{"task", "classification"}};
    features.resize(75);
    std::iota(features.begin(), features.end(), 0.5f);
    rows.resize(25);
    std::iota(rows.begin(), rows.end(), 100);
  }
  void write(const std::string& folder) const {
    for (std::int64_t p = 0; p < info.parts(); ++p) {
      const auto begin = info.part_rows(p).begin;
      write_part(folder, info, p, {features.data() + begin * 3, rows.data() + begin});
    }
    write_dataset_info(folder, info);
  }
};

std::string message_of(const std::string& folder) {
  try {
    Dataset dataset(folder);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    return e.message();
  }
  return "no error";
}

TEST(Dataset, ASelectionIsADatasetOfItsRows) {
  TemporaryFolder folder;
  const Example example;
  example.write(folder.path());
  const Dataset all(folder.path());
  const Dataset some = all.select({3, 24, 9, 10});
  ASSERT_EQ(some.rows(), 4);
  EXPECT_EQ(some.info().rows_per_part, 10);
  std::vector<std::int64_t> rows(4), again(2);
  some.copy("row", {0, 4}, rows.data());
  EXPECT_THAT(rows, ::testing::ElementsAre(103, 124, 109, 110));
  some.gather("row", std::vector<std::int64_t>{2, 2}, again.data());
  EXPECT_THAT(again, ::testing::ElementsAre(109, 109));
  some.select({1, 0}).copy("row", {0, 2}, again.data());
  EXPECT_THAT(again, ::testing::ElementsAre(124, 103));
  std::vector<float> second;
  some.for_each_row("features", Range{1, 3},
                    [&](const std::byte* row) { second.push_back(reinterpret_cast<const float*>(row)[1]); });
  EXPECT_THAT(second, ::testing::ElementsAre(3 * 24 + 1.5F, 3 * 9 + 1.5F));
  some.will_need({0, 4});
  EXPECT_THROW(all.select({25}), Error);
  EXPECT_THROW(some.gather("row", std::vector<std::int64_t>{4}, again.data()), Error);
  EXPECT_EQ(all.select({}).rows(), 0);
}

TEST(Dataset, GathersAndCopiesAcrossParts) {
  TemporaryFolder folder;
  const Example example;
  example.write(folder.path());
  const Dataset dataset(folder.path());
  EXPECT_EQ(dataset.rows(), 25);
  EXPECT_EQ(dataset.info().schema, example.info.schema);

  std::vector<float> copied(75);
  dataset.copy("features", {0, 25}, copied.data());
  EXPECT_EQ(copied, example.features);
  std::vector<std::int64_t> some(8);
  dataset.copy("row", {7, 15}, some.data());
  EXPECT_EQ(some, (std::vector<std::int64_t>{107, 108, 109, 110, 111, 112, 113, 114}));

  const std::vector<std::int64_t> order{24, 0, 10, 9};
  std::vector<std::int64_t> gathered(4);
  dataset.gather("row", order, gathered.data());
  EXPECT_EQ(gathered, (std::vector<std::int64_t>{124, 100, 110, 109}));
}

TEST(Dataset, PartsAreTheSameBytesEachTime) {
  TemporaryFolder a, b;
  const Example example;
  example.write(a.path());
  example.write(b.path());
  for (const char* name : {"part-00000.h5", "part-00001.h5", "part-00002.h5", "dataset.json"}) {
    EXPECT_EQ(read_file(a / name), read_file(b / name)) << name;
    EXPECT_FALSE(read_file(a / name).empty()) << name;
  }
}

TEST(Dataset, AnEmptyOneHasNoParts) {
  TemporaryFolder folder;
  DatasetInfo info;
  info.columns = {{"row", DType::i64, {}}};
  write_dataset_info(folder.path(), info);
  EXPECT_EQ(Dataset(folder.path()).rows(), 0);
}

TEST(Dataset, RowsOutsideAreAnErrorAndNotAFault) {
  TemporaryFolder folder;
  Example().write(folder.path());
  const Dataset dataset(folder.path());
  std::vector<std::int64_t> out(26);
  EXPECT_THROW(dataset.gather("row", std::vector<std::int64_t>{25}, out.data()), Error);
  EXPECT_THROW(dataset.gather("row", std::vector<std::int64_t>{-1}, out.data()), Error);
  EXPECT_THROW(dataset.copy("row", {20, 26}, out.data()), Error);
  EXPECT_THROW(dataset.copy("colour", {0, 1}, out.data()), Error);
}

TEST(Dataset, TruncatedPartsAreRefusedBeforeMapping) {
  TemporaryFolder folder;
  Example().write(folder.path());
  const std::string path = folder / "part-00001.h5", whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); size += 128) {
    write_text(path, whole.substr(0, size));
    EXPECT_THAT(message_of(folder.path()), HasSubstr("part-00001.h5")) << size;
  }
}

TEST(Dataset, MissingPartsAndForeignFoldersAreRefused) {
  TemporaryFolder folder;
  EXPECT_THAT(message_of(folder.path()), HasSubstr("no dataset"));
  Example().write(folder.path());
  std::filesystem::remove(folder / "part-00002.h5");
  EXPECT_THAT(message_of(folder.path()), HasSubstr("part-00002.h5 is missing"));
  write_text(folder / "dataset.json", R"({"format": 1, "rows": "many"})");
  EXPECT_THAT(message_of(folder.path()), HasSubstr("dataset.json"));
}

/// Makes part 0 of a dataset of 4 rows of one f32 column `x` by other means than ours.
class CraftedPart : public ::testing::Test {
 protected:
  CraftedPart() {
    info_.rows = 4;
    info_.columns = {{"x", DType::f32, {}}};
    write_dataset_info(folder_.path(), info_);
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED);
    file_ = H5Fcreate((folder_ / "part-00000.h5").c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    H5Pclose(creation);
  }
  /// Adds the array with the given creation properties (which it closes).
  void add(const char* name, hid_t type, hsize_t rows, hid_t properties = H5P_DEFAULT) {
    const hid_t space = H5Screate_simple(1, &rows, nullptr);
    const hid_t dataset = H5Dcreate2(file_, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    ASSERT_GE(dataset, 0);
    H5Dclose(dataset);
    H5Sclose(space);
    if (properties != H5P_DEFAULT) H5Pclose(properties);
  }
  std::string message() {
    H5Fclose(file_);
    return message_of(folder_.path());
  }

  TemporaryFolder folder_;
  DatasetInfo info_;
  hid_t file_;
};

TEST_F(CraftedPart, WithoutRoomForItsDataIsRefused) {
  add("x", H5T_IEEE_F32LE, 4);  // HDF5 allocates at the first write, which never comes
  EXPECT_THAT(message(), HasSubstr("cut off"));
}

TEST_F(CraftedPart, OfAnotherTypeIsRefused) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  add("x", H5T_IEEE_F64LE, 4, properties);
  EXPECT_THAT(message(), HasSubstr("is f64 [4], but dataset.json says f32 [4]"));
}

TEST_F(CraftedPart, OfAnotherShapeIsRefused) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  add("x", H5T_IEEE_F32LE, 5, properties);
  EXPECT_THAT(message(), HasSubstr("is f32 [5], but dataset.json says f32 [4]"));
}

TEST_F(CraftedPart, WithBigEndianNumbersIsRefused) {
  add("x", H5T_IEEE_F32BE, 4);
  EXPECT_THAT(message(), HasSubstr("other than little-endian"));
}

TEST_F(CraftedPart, WithAFilterIsRefused) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk = 2;
  H5Pset_chunk(properties, 1, &chunk);
  H5Pset_deflate(properties, 9);
  add("x", H5T_IEEE_F32LE, 4, properties);
  EXPECT_THAT(message(), HasSubstr("only contiguous"));
}

TEST_F(CraftedPart, WithDataElsewhereIsRefused) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(properties, "/etc/passwd", 0, H5F_UNLIMITED);
  add("x", H5T_IEEE_F32LE, 4, properties);
  EXPECT_THAT(message(), HasSubstr("another file"));
}

TEST_F(CraftedPart, WithAnExternalLinkIsRefused) {
  H5Lcreate_external("elsewhere.h5", "/x", file_, "x", H5P_DEFAULT, H5P_DEFAULT);
  EXPECT_THAT(message(), HasSubstr("link"));
}

TEST_F(CraftedPart, ThatIsVirtualIsRefused) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t rows = 4;
  const hid_t space = H5Screate_simple(1, &rows, nullptr);
  H5Pset_virtual(properties, space, "elsewhere.h5", "/x", space);
  H5Sclose(space);
  add("x", H5T_IEEE_F32LE, 4, properties);
  EXPECT_THAT(message(), HasSubstr("virtual"));
}

}  // namespace
}  // namespace rankflow
