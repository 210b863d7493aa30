#include "steps/prepare_image_folder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/parallel.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/carried.h"
#include "io/csv_text.h"
#include "io/file.h"
#include "io/image_file.h"
#include "io/image_resize.h"
#include "io/optional_key.h"
#include "steps/image_folder.h"
#include "steps/image_keys.h"
#include "steps/image_split.h"
#include "steps/image_takeover.h"

namespace rankflow {
namespace {

// Decoding is divided over the ranks by parts: small data sets need several, large ones not too many files.
constexpr std::int64_t part_bytes = 16 << 20, most_parts = 1024;

/// What every image of the dataset is to be. `resize`: others are brought to that size, instead of refused.
struct Target {
  ImageSize size;
  bool resize = false, convert = false;
};

struct Damaged {
  std::int64_t row = 0;
  std::string why;
};

using Folder = std::shared_ptr<const ImageFolder>;
using Earlier = std::shared_ptr<const ImageTakeover>;

ImageFolder find_images(const StepContext& context, const ImageKeys& keys) {
  ImageFolder folder = list_image_folder(context.inputs.at("images"));
  if (auto labels = context.inputs.find("labels"); labels != context.inputs.end()) {
    label_by_table(folder, labels->second, keys.file_column, keys.label_column,
                   context.outputs.begin()->second + "/.labels");
  } else if (keys.label != "none") {
    label_by_folder(folder, keys.label);
  }
  if (auto it = context.inputs.find("statistics"); it != context.inputs.end() && !folder.classes.empty()) {
    use_classes(folder, read_dataset_info(it->second).schema.value("classes", std::vector<std::string>{}));
  }
  return folder;
}

/// As the keys say; what they leave open, the first image that can be read decides.
Target choose_target(const ImageFolder& folder, const ImageKeys& keys) {
  Target target{.resize = keys.height > 0, .convert = keys.channels > 0};
  if (!target.resize || !target.convert) {
    std::optional<Error> first;
    for (std::int64_t row = 0; row < std::ssize(folder.files) && target.size.channels == 0; ++row) {
      try {
        target.size = read_image_size(folder.path(row));
      } catch (const Error& e) {
        if (e.status() != ExitStatus::bad_data || keys.most_damaged == 0) throw;
        if (!first) first = e;
      }
    }
    if (target.size.channels == 0) throw *first;
  }
  if (target.resize) target.size.height = keys.height, target.size.width = keys.width;
  if (target.convert) target.size.channels = keys.channels;
  return target;
}

Image fitting(const std::string& path, const Target& target) {
  Image image = read_image(path);
  const ImageSize found = image.size;
  if (!target.convert && found.channels != target.size.channels) {
    throw Error(ExitStatus::bad_data,
                str(path, " has ", found.channels, found.channels == 1 ? " channel" : " channels",
                    "; the first image has ", target.size.channels),
                "image: {channels: 3} or {channels: 1}");
  }
  if (!target.resize && (found.height != target.size.height || found.width != target.size.width)) {
    throw Error(ExitStatus::bad_data,
                str(path, " has ", found.height, " × ", found.width, " pixels; the first image has ",
                    target.size.height, " × ", target.size.width),
                "image: {height: …, width: …} brings all to one size");
  }
  image = with_channels(std::move(image), target.size.channels);
  return target.resize ? resized(image, target.size.height, target.size.width) : std::move(image);
}

/// [height, width, channels] → [channels, height, width].
void copy_planes(const Image& image, std::byte* out) {
  const auto channels = static_cast<std::size_t>(image.size.channels),
             pixels = image.values.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < pixels; ++i) *out++ = std::byte{image.values[i * channels + c]};
  }
}

ColumnInfo images_info(const Target& target) {
  return {"images", DType::u8, {target.size.channels, target.size.height, target.size.width}};
}

OutputColumn images_column(const Folder& folder, const Target& target, const Earlier& earlier, int threads) {
  const ColumnInfo info = images_info(target);
  const std::size_t bytes = info.row_bytes();
  return {info,
          [folder, target, earlier, threads, bytes](std::span<const std::int64_t> rows, std::byte* out) {
            for_each_item(std::ssize(rows), threads, [&](std::int64_t i) {
              const std::int64_t row = rows[static_cast<std::size_t>(i)];
              std::byte* const to = out + static_cast<std::size_t>(i) * bytes;
              if (earlier->knows(row))
                earlier->copy(row, to);
              else
                copy_planes(fitting(folder->path(row), target), to);
            });
          }};
}

OutputColumn labels_column(const Folder& folder) {
  return {{"target", DType::i64, {}}, [folder](std::span<const std::int64_t> rows, std::byte* out) {
            auto* to = reinterpret_cast<std::int64_t*>(out);
            for (std::int64_t row : rows) *to++ = folder->labels[static_cast<std::size_t>(row)];
          }};
}

/// The column `file`: paths below the folder.
OutputColumn files_column(const Folder& folder) {
  std::size_t longest = 1;
  for (const std::string& file : folder->files) {
    if (!is_utf8(file))
      throw Error(ExitStatus::bad_data,
                  str("the name ", in_quotes(file), " is no UTF-8, as texts in datasets are"),
                  "rename it, or leave `carry` out");
    longest = std::max(longest, file.size());
  }
  return {column_info({"file", ColumnType::text}, static_cast<std::int64_t>(longest)),
          [folder, longest](std::span<const std::int64_t> rows, std::byte* out) {
            std::memset(out, 0, rows.size() * longest);
            for (const std::int64_t row : rows) {
              const std::string& file = folder->files[static_cast<std::size_t>(row)];
              std::memcpy(out, file.data(), file.size());
              out += longest;
            }
          }};
}

/// Decodes this rank's share of the images that the earlier run did not, and returns those that can't be.
std::vector<Damaged> damaged_of_mine(const StepContext& context, const ImageFolder& folder,
                                     const Target& target, const ImageTakeover& earlier) {
  std::vector<std::int64_t> unknown;
  for (std::int64_t row = 0; row < std::ssize(folder.files); ++row) {
    if (!earlier.knows(row)) unknown.push_back(row);
  }
  const Range mine = partition(std::ssize(unknown), context.comm.size(), context.comm.rank());
  const auto row_of = [&](std::int64_t i) { return unknown[static_cast<std::size_t>(mine.begin + i)]; };
  std::vector<std::string> why(static_cast<std::size_t>(mine.size()));
  for_each_item(mine.size(), context.threads, [&](std::int64_t i) {
    if (context.stop.requested()) return;
    try {
      fitting(folder.path(row_of(i)), target);
    } catch (const Error& e) {
      if (e.status() != ExitStatus::bad_data) throw;
      why[static_cast<std::size_t>(i)] = e.message();
    }
  });
  std::vector<Damaged> damaged;
  for (std::int64_t i = 0; i < mine.size(); ++i) {
    if (!why[static_cast<std::size_t>(i)].empty())
      damaged.push_back({row_of(i), std::move(why[static_cast<std::size_t>(i)])});
  }
  return damaged;
}

/// Collective: the damaged images of all ranks. Throws Error (bad_data) where there are more than `most`.
std::vector<Damaged> find_damaged(StepContext& context, const ImageFolder& folder, const Target& target,
                                  const ImageTakeover& earlier, std::int64_t most) {
  const TimedSpan span(context.timeline, "look for damaged images", "prepare");
  Json mine = Json::array();
  run_together(context.comm, [&] {
    for (const Damaged& d : damaged_of_mine(context, folder, target, earlier)) mine.push_back({d.row, d.why});
  });
  if (!context.comm.all_agree(!context.stop.requested())) throw Stopped();
  std::vector<Damaged> all;
  for (const std::string& text : context.comm.all_gather_text(mine.dump())) {
    for (const Json& d : Json::parse(text)) all.push_back({d.at(0), d.at(1)});
  }
  if (std::ssize(all) > most) {
    throw Error(ExitStatus::bad_data,
                str(all.size(), " images are damaged, more than image.most_damaged (", most,
                    "); the first: ", all[0].why, all.size() > 1 ? str("; ", all[1].why) : std::string()));
  }
  return all;
}

std::function<void(const std::string&, std::span<const std::int64_t>)> lists(const Folder& folder,
                                                                             std::vector<Damaged> damaged) {
  return [folder, damaged = std::move(damaged)](const std::string& to, std::span<const std::int64_t> rows) {
    std::string text = "row,file\n";
    for (std::int64_t row : rows) {
      append_number(text, row);
      text += ',';
      append_csv(text, folder->files[static_cast<std::size_t>(row)]);
      text += '\n';
    }
    write_file_atomically(to + "/files.csv", text, false);
    if (damaged.empty()) return;
    text = "row,file,reason\n";
    for (const Damaged& d : damaged) {
      append_number(text, d.row);
      text += ',';
      append_csv(text, folder->files[static_cast<std::size_t>(d.row)]);
      text += ',';
      append_csv(text, d.why);
      text += '\n';
    }
    write_file_atomically(to + "/damaged.csv", text, false);
  };
}

std::vector<std::int64_t> rows_without(std::int64_t count, const std::vector<Damaged>& damaged) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  std::erase_if(rows, [&](std::int64_t row) {
    return std::binary_search(damaged.begin(), damaged.end(), Damaged{row, {}},
                              [](const Damaged& a, const Damaged& b) { return a.row < b.row; });
  });
  return rows;
}

std::int64_t rows_per_part(std::int64_t rows, std::size_t row_bytes) {
  return std::max<std::int64_t>(
      {1, part_bytes / static_cast<std::int64_t>(row_bytes), ceil_div(rows, most_parts)});
}

}  // namespace

PreparedData prepare_image_folder(StepContext& context) {
  const ImageKeys keys = image_keys(context.parameters.value("image", Json()));
  std::string found;
  run_together(context.comm, [&] {
    const TimedSpan span(context.timeline, "list", "prepare");
    if (context.first()) found = to_json(find_images(context, keys)).dump();
  });
  const Folder folder = std::make_shared<const ImageFolder>(
      image_folder_from_json(Json::parse(context.comm.broadcast_text(std::move(found)))));
  Target target;
  run_together(context.comm, [&] { target = choose_target(*folder, keys); });
  const auto earlier = std::make_shared<const ImageTakeover>(context, folder, images_info(target));
  std::vector<Damaged> damaged;
  if (keys.most_damaged > 0) damaged = find_damaged(context, *folder, target, *earlier, keys.most_damaged);

  const std::int64_t count = std::ssize(folder->files);
  PreparedData data;
  data.summary = {{"rows_read", count}, {"rows_dropped", Json::object()}};
  if (!damaged.empty()) data.summary["rows_dropped"]["damaged"] = damaged.size();
  if (folder->other_files > 0) data.summary["other_files"] = folder->other_files;
  data.columns.push_back(images_column(folder, target, earlier, context.threads));
  data.most_rows_per_part = rows_per_part(count, data.columns[0].info.row_bytes());
  if (!folder->labels.empty()) {
    data.columns.push_back(labels_column(folder));
    data.schema = {{"task", "classification"}, {"target", "label"}, {"classes", folder->classes}};
  }
  data.columns.push_back(row_column());
  run_together(context.comm, [&] {
    if (given(context.parameters, "carry")) {
      data.columns.push_back(files_column(folder));
      data.schema["carried"] = to_json({CarriedColumn{"file", ColumnType::text}});
    }
    data.splits = split_images(context.parameters, rows_without(count, damaged), folder->labels);
  });
  data.beside = lists(folder, std::move(damaged));
  data.finish = [earlier](StepContext& c) { earlier->finish(c); };
  return data;
}

}  // namespace rankflow
