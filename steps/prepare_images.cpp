#include "steps/prepare_images.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/idx.h"
#include "io/optional_key.h"
#include "steps/image_split.h"
#include "steps/prepare_image_folder.h"

namespace rankflow {
namespace {

struct Loaded {
  std::shared_ptr<IdxArray> images, labels;  // shared with the columns that write them; labels may be absent
  std::vector<std::string> classes;
  std::map<std::string, std::vector<std::int64_t>> splits;
};

void check_images(const IdxArray& images, const std::string& path) {
  if (images.shape.size() != 3 && images.shape.size() != 4) {
    throw Error(ExitStatus::bad_data,
                str(path, " holds an array of ", images.shape.size(),
                    " dimensions; images have 3 (rows, height, width) or 4 (rows, channels, height, width)"));
  }
  if (images.values.empty()) throw Error(ExitStatus::bad_data, str(path, " holds no image"));
}

void check_labels(const IdxArray& labels, const IdxArray& images, const std::string& path) {
  if (labels.shape.size() != 1)
    throw Error(ExitStatus::bad_data,
                str(path, " holds no list of labels: it has ", labels.shape.size(), " dimensions"));
  if (labels.shape[0] != images.shape[0]) {
    throw Error(ExitStatus::bad_data,
                str(path, " has ", labels.shape[0], " labels, but there are ", images.shape[0], " images"));
  }
}

std::vector<std::string> classes_of(const IdxArray& labels, const StepContext& context) {
  const int largest = *std::max_element(labels.values.begin(), labels.values.end());
  if (auto it = context.inputs.find("statistics"); it != context.inputs.end()) {
    const Json schema = read_dataset_info(it->second).schema;
    const auto classes = schema.value("classes", std::vector<std::string>{});
    if (largest >= static_cast<int>(classes.size())) {
      throw Error(ExitStatus::bad_data,
                  str(context.inputs.at("labels"), ": label ", largest, " is none of the ", classes.size(),
                      " classes of the dataset given as `statistics`"));
    }
    return classes;
  }
  std::vector<std::string> classes;
  for (int label = 0; label <= largest; ++label) classes.push_back(str(label));
  return classes;
}

Loaded load(const StepContext& context) {
  Loaded loaded;
  const std::string& path = context.inputs.at("images");
  loaded.images = std::make_shared<IdxArray>(read_idx(path));
  check_images(*loaded.images, path);
  if (auto it = context.inputs.find("labels"); it != context.inputs.end()) {
    loaded.labels = std::make_shared<IdxArray>(read_idx(it->second));
    check_labels(*loaded.labels, *loaded.images, it->second);
    loaded.classes = classes_of(*loaded.labels, context);
  }
  std::vector<std::int64_t> rows(static_cast<std::size_t>(loaded.images->shape[0]));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<std::int64_t> labels;
  if (loaded.labels) labels.assign(loaded.labels->values.begin(), loaded.labels->values.end());
  loaded.splits = split_images(context.parameters, rows, labels);
  return loaded;
}

OutputColumn images_column(std::shared_ptr<IdxArray> images) {
  ColumnInfo info{"images", DType::u8, {images->shape.begin() + 1, images->shape.end()}};
  if (info.shape.size() == 2) info.shape.insert(info.shape.begin(), 1);  // one channel
  const std::size_t bytes = info.row_bytes();
  return {info, [images = std::move(images), bytes](std::span<const std::int64_t> rows, std::byte* out) {
            for (std::int64_t row : rows) {
              std::memcpy(out, images->values.data() + static_cast<std::size_t>(row) * bytes, bytes);
              out += bytes;
            }
          }};
}

OutputColumn labels_column(std::shared_ptr<IdxArray> labels) {
  return {{"target", DType::i64, {}},
          [labels = std::move(labels)](std::span<const std::int64_t> rows, std::byte* out) {
            auto* to = reinterpret_cast<std::int64_t*>(out);
            for (std::int64_t row : rows) *to++ = labels->values[static_cast<std::size_t>(row)];
          }};
}

PreparedData prepare_idx(StepContext& context) {
  Loaded loaded;
  run_together(context.comm, [&] {
    const TimedSpan span(context.timeline, "read", "prepare");
    loaded = load(context);
  });
  PreparedData data;
  data.summary = {{"rows_read", loaded.images->shape[0]}, {"rows_dropped", Json::object()}};
  data.columns.push_back(images_column(loaded.images));
  if (loaded.labels) {
    data.columns.push_back(labels_column(loaded.labels));
    data.schema = {{"task", "classification"}, {"target", "label"}, {"classes", loaded.classes}};
  }
  data.columns.push_back(row_column());
  data.splits = std::move(loaded.splits);
  return data;
}

}  // namespace

PreparedData prepare_images(StepContext& context) {
  bool folder = false;
  run_together(context.comm, [&] {
    folder = std::filesystem::is_directory(context.inputs.at("images"));
    if (!folder && given(context.parameters, "image")) {
      throw Error(ExitStatus::configuration,
                  "`image` is for folders of images; those of an IDX file have one size", "leave it out");
    }
    if (!folder && given(context.parameters, "carry"))
      throw Error(ExitStatus::configuration, "`carry` is for folders of images; an IDX file names none",
                  "leave it out");
  });
  return folder ? prepare_image_folder(context) : prepare_idx(context);
}

}  // namespace rankflow
