// Small datasets whose answer can be learnt, for tests of steps. The same bytes everywhere (std::mt19937_64
// and arithmetic alone).
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "io/file.h"

namespace rankflow {

struct ToyDataset {
  DatasetInfo info;
  std::vector<float> features, numbers;  // numbers: the target of regression
  std::vector<std::int64_t> categories, classes, row;
  std::vector<std::uint8_t> images;

  void write(const std::string& folder) const {
    make_directories(folder);
    for (std::int64_t part = 0; part < info.parts(); ++part) {
      std::vector<const void*> data;
      for (const auto& column : info.columns) {
        data.push_back(start(column.name) +
                       info.part_rows(part).begin * static_cast<std::int64_t>(column.row_bytes()));
      }
      write_part(folder, info, part, data);
    }
    write_dataset_info(folder, info);
  }

 private:
  const char* start(const std::string& column) const {
    const void* p = column == "features"     ? static_cast<const void*>(features.data())
                    : column == "categories" ? static_cast<const void*>(categories.data())
                    : column == "images"     ? static_cast<const void*>(images.data())
                    : column == "row"        ? static_cast<const void*>(row.data())
                    : numbers.empty()        ? static_cast<const void*>(classes.data())
                                             : static_cast<const void*>(numbers.data());
    return static_cast<const char*>(p);
  }
};

/// Draws from [0, 1) that every library gives alike.
class ToyRandom {
 public:
  explicit ToyRandom(std::uint64_t seed) : generator_(seed) {}
  float uniform() { return static_cast<float>(generator_() >> 40) * 0x1p-24F; }
  float around(float centre) { return centre + uniform() + uniform() + uniform() - 1.5F; }
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(n));
  }

 private:
  std::mt19937_64 generator_;
};

inline ToyDataset toy_frame(std::int64_t rows, bool classification, std::vector<std::string> classes) {
  ToyDataset toy;
  toy.info.rows = rows;
  toy.info.rows_per_part = 64;
  toy.info.schema = {{"task", classification ? "classification" : "regression"}, {"target", "answer"}};
  if (classification) toy.info.schema["classes"] = classes;
  for (std::int64_t i = 0; i < rows; ++i) toy.row.push_back(10 + 2 * i);
  return toy;
}

inline void add_columns(ToyDataset& toy, std::vector<ColumnInfo> columns) {
  toy.info.columns = std::move(columns);
  toy.info.columns.push_back({"target", toy.numbers.empty() ? DType::i64 : DType::f32, {}});
  toy.info.columns.push_back({"row", DType::i64, {}});
}

inline Json toy_features(int n) {
  Json features;
  for (int i = 0; i < n; ++i)
    features.push_back({{"name", "x" + std::to_string(i)}, {"mean", 0.5 * i}, {"scale", 2.0}});
  return features;
}

/// Clouds of points in four dimensions, one for each of `classes` classes.
inline ToyDataset toy_clouds(std::int64_t rows, int classes, std::uint64_t seed) {
  std::vector<std::string> names;
  for (int c = 0; c < classes; ++c) names.push_back("cloud, " + std::to_string(c));
  ToyDataset toy = toy_frame(rows, true, names);
  ToyRandom random(seed);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t c = random.below(classes);
    toy.classes.push_back(c);
    for (int f = 0; f < 4; ++f) toy.features.push_back(random.around(f == c ? 1.2F : 0));
  }
  toy.info.schema["features"] = toy_features(4);
  add_columns(toy, {{"features", DType::f32, {4}}});
  return toy;
}

/// 1x8x8 images with one bright quadrant of four.
inline ToyDataset toy_images(std::int64_t rows, std::uint64_t seed) {
  ToyDataset toy = toy_frame(rows, true, {"nw", "ne", "sw", "se"});
  ToyRandom random(seed);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t c = random.below(4);
    toy.classes.push_back(c);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        const bool bright = c == 2 * (y / 4) + x / 4;
        toy.images.push_back(static_cast<std::uint8_t>((bright ? 60 : 0) + 150 * random.uniform()));
      }
    }
  }
  add_columns(toy, {{"images", DType::u8, {1, 8, 8}}});
  return toy;
}

/// Two categories whose combination decides (a linear model can't), and two features that say nothing.
inline ToyDataset toy_table(std::int64_t rows, std::uint64_t seed) {
  ToyDataset toy = toy_frame(rows, true, {"no", "yes"});
  ToyRandom random(seed);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t a = 1 + random.below(2), b = 1 + random.below(3);
    toy.categories.insert(toy.categories.end(), {a, b});
    toy.classes.push_back(((a + b) % 2 == 0) != (random.uniform() < 0.05F));
    for (int f = 0; f < 2; ++f) toy.features.push_back(random.around(0));
  }
  toy.info.schema["features"] = toy_features(2);
  toy.info.schema["categories"] = {{{"name", "a"}, {"vocabulary", {"p", "q"}}},
                                   {{"name", "b"}, {"vocabulary", {"u", "v", "w"}}}};
  add_columns(toy, {{"features", DType::f32, {2}}, {"categories", DType::i64, {2}}});
  return toy;
}

/// answer = 5,000 + 300 x0 - 200 x1, and a little noise.
inline ToyDataset toy_numbers(std::int64_t rows, std::uint64_t seed) {
  ToyDataset toy = toy_frame(rows, false, {});
  ToyRandom random(seed);
  for (std::int64_t i = 0; i < rows; ++i) {
    const float x0 = random.around(0), x1 = random.around(0);
    toy.features.insert(toy.features.end(), {x0, x1});
    toy.numbers.push_back(5000 + 300 * x0 - 200 * x1 + random.around(0));
  }
  toy.info.schema["features"] = toy_features(2);
  add_columns(toy, {{"features", DType::f32, {2}}});
  return toy;
}

}  // namespace rankflow
