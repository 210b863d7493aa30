#include "steps/image_takeover.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/file_changed.h"
#include "steps/known_files.h"

namespace rankflow {
namespace {

constexpr std::size_t digest_length = 64;

/// Of one row, in the digests of all.
std::string_view digest_of_row(std::string_view digests, std::int64_t row) {
  return digests.substr(static_cast<std::size_t>(row) * digest_length, digest_length);
}

/// Where the rows with these digests lie; `before` and `places` are of the earlier rows. -1: in none of the earlier datasets.
std::vector<std::int64_t> places_of(std::string_view digests, std::string_view before,
                                    const std::vector<std::int64_t>& places) {
  std::vector<std::int64_t> known;
  for (std::int64_t row = 0; row < std::ssize(places); ++row) {
    if (places[static_cast<std::size_t>(row)] >= 0) known.push_back(row);
  }
  std::sort(known.begin(), known.end(), [&](std::int64_t a, std::int64_t b) {
    return digest_of_row(before, a) < digest_of_row(before, b);
  });
  std::vector<std::int64_t> found;
  for (std::size_t at = 0; at < digests.size(); at += digest_length) {
    const std::string_view wanted = digests.substr(at, digest_length);
    const auto row = std::lower_bound(
        known.begin(), known.end(), wanted,
        [&](std::int64_t a, std::string_view digest) { return digest_of_row(before, a) < digest; });
    const bool same = row != known.end() && digest_of_row(before, *row) == wanted;
    found.push_back(same ? places[static_cast<std::size_t>(*row)] : -1);
  }
  return found;
}

}  // namespace

ImageTakeover::ImageTakeover(StepContext& context, std::shared_ptr<const ImageFolder> folder,
                             const ColumnInfo& images)
    : folder_(std::move(folder)) {
  const TimedSpan span(context.timeline, "recognise", "prepare");
  std::vector<std::string> paths;
  for (std::int64_t row = 0; row < std::ssize(folder_->files); ++row) paths.push_back(folder_->path(row));
  run_together(context.comm, [&] {
    for (auto i = static_cast<std::size_t>(context.comm.rank()); i < paths.size();
         i += static_cast<std::size_t>(context.comm.size())) {
      if (!stamp_of(paths[i], stamps_.emplace_back())) throw system_error("cannot read", paths[i], ENOENT);
    }
  });
  for (const std::string& digest : digests_of(context.comm, paths)) digests_ += digest;
  if (!context.earlier) return;
  run_together(context.comm, [&] { open(context, images); });
}

void ImageTakeover::open(const StepContext& context, const ColumnInfo& images) {
  std::vector<std::string> folders;
  for (const auto& [split, folder] : context.outputs) folders.push_back(context.earlier->outputs.at(split));
  auto rows = std::make_unique<EarlierRows>(folders);
  for (OutputColumn& column : rows->columns(0, rows->info())) {
    if (column.info.name == images.name) earlier_ = std::move(column);
  }
  if (earlier_.info.dtype != images.dtype || earlier_.info.shape != images.shape) {
    obstacle_ = "the first image has another size or other channels than in the earlier run";
    return;
  }
  const std::string& before = context.earlier->notes.at("digests").get_ref<const std::string&>();
  places_ =
      places_of(digests_, before, rows->places(static_cast<std::int64_t>(before.size() / digest_length)));
  rows_ = std::move(rows);
}

void ImageTakeover::copy(std::int64_t row, std::byte* out) const {
  earlier_.fill(std::span(&places_[static_cast<std::size_t>(row)], 1), out);
}

void ImageTakeover::check_unchanged(Communicator& comm) const {
  run_together(comm, [&] {
    for (std::size_t i = 0; i < stamps_.size(); ++i) {
      const std::string path = folder_->path(static_cast<std::int64_t>(i) * comm.size() + comm.rank());
      FileStamp now;
      if (!stamp_of(path, now) || !(now == stamps_[i])) throw file_changed(path);
    }
  });
}

void ImageTakeover::finish(StepContext& context) const {
  check_unchanged(context.comm);
  if (!context.first()) return;
  context.notes = {{"digests", digests_}};
  const auto taken = std::count_if(places_.begin(), places_.end(), [](auto place) { return place >= 0; });
  say_taken_over(context, taken, std::ssize(folder_->files), obstacle_);
}

}  // namespace rankflow
