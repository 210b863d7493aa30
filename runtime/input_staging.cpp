#include "runtime/input_staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/remote_store.h"
#include "io/selection.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t piece_bytes = 64 << 20;
constexpr int pieces_at_once = 8;  // of a rank: servers answer slowly, and several at a time

/// A part of a file that one rank fetches.
struct Piece {
  std::size_t file;
  Range range;
};

std::vector<Piece> pieces_of(const std::vector<RemoteFile>& files) {
  std::vector<Piece> pieces;
  for (std::size_t f = 0; f < files.size(); ++f) {
    const std::int64_t size = files[f].size;
    std::int64_t at = 0;
    do {
      const std::int64_t end = size < 0 ? -1 : std::min(size, at + piece_bytes);
      pieces.push_back({f, {at, end}});
      at = end;
    } while (at < size);
  }
  return pieces;
}

/// What is written down of a file beside it: were it changed since, it would not be used.
Json stamp(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return nullptr;
  return {{"size", info.st_size}, {"seconds", info.st_mtim.tv_sec}, {"nanoseconds", info.st_mtim.tv_nsec}};
}

class Stager {
 public:
  Stager(StepContext& context, Store& store, const std::string& run, const RemoteInput& input)
      : context_(context),
        store_(store),
        run_(run),
        input_(input),
        location_(location_from_json(input.location)),
        target_(store.layout().staged(input.digest) + "/" + name_of(location_)) {}

  void stage() {
    run_together(context_.comm, [&] {
      if (context_.first() && !is_there()) begin();
    });
    const Json told = Json::parse(context_.comm.broadcast_text(
        context_.first() ? Json{{"folder", folder_}, {"files", listed_}}.dump() : ""));
    folder_ = told.at("folder");
    if (folder_.empty()) return;
    for (const Json& file : told.at("files")) files_.push_back(remote_file_from_json(file));
    run_together(context_.comm, [&] { fetch(); });
    if (!context_.comm.all_agree(!context_.stop.requested())) throw Stopped();
    run_together(context_.comm, [&] {
      if (context_.first()) finish();
    });
  }

 private:
  std::string data_folder(const std::string& below) const { return below + "/data/" + name_of(location_); }
  std::string path_of(const RemoteFile& file) const {
    return file.path.empty() ? data_folder(folder_) : data_folder(folder_) + "/" + file.path;
  }

  bool is_there() const {
    const auto known = try_read_json(target_ + "/staged.json");
    if (!known) return false;
    for (const auto& [path, before] : known->at("files").items()) {
      if (stamp(target_ + "/data/" + path) != before) return false;
    }
    return true;
  }

  /// Lists what is to be fetched and makes room for it in the store's folder of unfinished things.
  void begin() {
    remote_ = open_remote_store(location_);
    files_ = remote_->list();
    check_listing();
    staging_.emplace(store_.stage(run_));
    folder_ = staging_->path();
    for (const RemoteFile& file : files_) {
      listed_.push_back(to_json(file));
      const std::string path = path_of(file);
      make_directories(parent_of(path));
      File room(path, O_WRONLY | O_CREAT | O_EXCL);
      if (file.size > 0 && ::ftruncate(room.fd(), file.size) != 0)
        throw system_error("cannot write", path, errno);
      room.close();
    }
    files_.clear();
    context_.report.note(str("fetches ", shown(location_), " (", listed_.size(),
                             listed_.size() == 1 ? " file" : " files", ")"));
  }

  void check_listing() const {
    if (!location_.query.empty()) return;
    if (!location_.sha256.empty()) {
      if (files_.size() == 1 && files_[0].path.empty()) return;
      throw Error(ExitStatus::bad_data, str(shown(location_), " is a folder; a checksum is of one file"),
                  "leave out sha256");
    }
    if (listing_digest(files_) != input_.digest)
      throw Error(ExitStatus::bad_data, str(shown(location_), " changed since the run was planned"),
                  "the same command again");
  }

  void fetch() {
    const TimedSpan span(context_.timeline, "fetch " + shown(location_), "input");
    if (!remote_) remote_ = open_remote_store(location_);
    std::vector<Piece> mine;
    const auto pieces = pieces_of(files_);
    for (auto i = static_cast<std::size_t>(context_.comm.rank()); i < pieces.size();
         i += static_cast<std::size_t>(context_.comm.size()))
      mine.push_back(pieces[i]);
    std::size_t done = 0;
    std::mutex mutex;
    for_each_item(std::ssize(mine), pieces_at_once, [&](std::int64_t i) {
      if (context_.stop.requested()) return;
      fetch(mine[static_cast<std::size_t>(i)]);
      const std::lock_guard lock(mutex);
      ++done;
      if (context_.first())
        context_.report.progress(static_cast<double>(done), static_cast<double>(mine.size()), "pieces",
                                 "fetching", {});
    });
  }

  void fetch(const Piece& piece) {
    const RemoteFile& file = files_[piece.file];
    File out(path_of(file), O_WRONLY);
    if (::lseek(out.fd(), piece.range.begin, SEEK_SET) < 0)
      throw system_error("cannot write", out.path(), errno);
    if (piece.range.end != piece.range.begin) {
      remote_->read(file, piece.range, [&](std::span<const std::byte> bytes) {
        if (context_.stop.requested()) throw Stopped();
        out.write_all({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      });
    }
    out.sync();
    out.close();
  }

  void finish() {
    if (declared_digest(location_).empty()) {
      files_ = remote_->list();
      check_listing();
    } else if (!location_.sha256.empty()) {
      File file(data_folder(folder_), O_RDONLY);
      const std::string found = digest_of(file);
      if (found != location_.sha256) {
        throw Error(ExitStatus::bad_data,
                    str(shown(location_), " has the SHA-256 ", found, ", not ", location_.sha256),
                    "another version of the file, or another sha256");
      }
    }
    Json stamps = Json::object();
    for (const RemoteFile& file : files_) {
      const std::string path = path_of(file);
      stamps[path.substr((folder_ + "/data/").size())] = stamp(path);
    }
    if (!pattern_of(location_).pattern.empty()) {
      Selection matched;
      for (const RemoteFile& file : files_) matched.members.push_back({file.path, ""});
      describe_copy(matched, data_folder(folder_));
    }
    write_file_atomically(folder_ + "/staged.json",
                          Json{{"format", 1}, {"from", shown(location_)}, {"files", stamps}}.dump(1));
    make_directories(parent_of(target_));
    if (is_there()) return;  // another step staged it meanwhile, and may be reading
    remove_tree(target_);
    std::error_code problem;
    fs::rename(folder_, target_, problem);
    if (problem && !is_there()) throw system_error("cannot move to", target_, problem.value());
    if (!problem) staging_->release();
  }

  StepContext& context_;
  Store& store_;
  const std::string& run_;
  const RemoteInput& input_;
  Location location_;
  std::string target_;
  std::string folder_;  // where the files are put together; "" where they are there already
  std::vector<RemoteFile> files_;
  Json listed_ = Json::array();
  std::unique_ptr<RemoteStore> remote_;
  std::optional<Staging> staging_;  // of the first rank
};

}  // namespace

void fetch_inputs(StepContext& context, Store& store, const std::string& run,
                  const std::vector<RemoteInput>& inputs) {
  for (const RemoteInput& input : inputs) Stager(context, store, run, input).stage();
}

}  // namespace rankflow
