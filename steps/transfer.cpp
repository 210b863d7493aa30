// The `transfer` step: files from one place to another, divided over the ranks.
#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/parallel.h"
#include "base/sha256.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/csv_text.h"
#include "io/file.h"
#include "io/remote_store.h"
#include "io/secret.h"
#include "io/selection.h"
#include "runtime/step.h"

namespace rankflow {
namespace {

constexpr int files_at_once = 4;  // of a rank: servers answer slowly, and several at a time
constexpr std::int64_t block = 4 << 20;

struct Copied {
  std::string path;
  std::int64_t bytes = 0;
  std::string sha256;
  bool was_there = false;
};

/// Where the step reads and where it writes.
struct Places {
  std::unique_ptr<RemoteStore> from, to;
  std::string from_name, to_name;  // for messages
  bool folders = false;            // both are of this machine
};

/// Whether `path` is `folder`, or lies below it; both without a '/' at the end.
bool is_within(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder == "/" ? folder : folder + "/");
}

/// Throws where the target lies inside the source: each run would copy what the last one wrote.
void check_apart(const std::string& source, const std::string& target) {
  if (!is_within(target, source)) return;
  throw Error(
      ExitStatus::configuration,
      str("to: ", target, target == source ? " is " : " lies inside ", source, ", which is to be copied"),
      "a place outside of it");
}

void check_folders_apart(const std::string& source, const std::string& target) {
  namespace fs = std::filesystem;
  std::vector<std::string> sources = {source};
  if (const auto selection = selection_at(source)) {
    for (const SelectionMember& member : selection->members) sources.push_back(member.path);
  }
  std::error_code problem;
  for (const std::string& folder : sources) {
    if (!fs::is_directory(folder, problem)) continue;
    check_apart(fs::canonical(folder).string(), fs::weakly_canonical(target).string());
  }
}

void check_urls_apart(const Location& source, const Location& target) {
  const UrlPattern from = pattern_of(source);
  if (source.endpoint != target.endpoint) return;
  if (from.pattern.empty() || from.pattern.find("**") != std::string::npos) {
    const auto trimmed = [](std::string url) {
      while (url.ends_with('/')) url.pop_back();
      return url;
    };
    check_apart(trimmed(from.folder), trimmed(target.url));
  }
}

/// The target's location, whose credentials may be in files that are named relative to the pipeline file.
Location target_of(const Json& to, const std::string& folder) {
  Location location = location_from_json(to);
  for (auto& [name, reference] : location.credentials) reference = reference_in(reference, folder);
  return location;
}

Places open_places(const StepContext& context) {
  Places places;
  places.from_name = context.inputs.at("data");
  const auto remote = context.parameters.find("remote_inputs");
  const bool from_url = remote != context.parameters.end();
  const Location source = from_url ? location_from_json(remote->at("data")) : Location{};
  places.from = from_url ? open_remote_store(source) : open_folder(places.from_name);
  const Json& to = context.parameters.at("to");
  if (to.contains("url")) {
    const Location target = target_of(to, context.folder);
    places.to_name = target.url;
    if (from_url) check_urls_apart(source, target);
    places.to = open_remote_store(target);
  } else {
    const std::string path = to.at("path");
    places.to_name = absolute_path(path[0] == '/' ? path : str(context.folder, "/", path));
    places.folders = !from_url;
    if (places.folders) check_folders_apart(places.from_name, places.to_name);
    places.to = open_folder(places.to_name);
  }
  return places;
}

/// What a single file is called: the last component of its path or URL.
std::string last_name(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

/// The path below the target that a file of the source goes to.
std::string target_path(const Places& places, const RemoteFile& file) {
  return file.path.empty() ? last_name(places.from_name) : file.path;
}

class Copier {
 public:
  Copier(const StepContext& context, Places& places, const std::map<std::string, std::int64_t>& there)
      : context_(context), places_(places), there_(there) {}

  Copied copy(const RemoteFile& file) {
    Copied copied{target_path(places_, file), file.size};
    const auto found = there_.find(copied.path);
    if (found != there_.end() && found->second < 0) {
      throw Error(ExitStatus::bad_data,
                  str(places_.to_name, "/", copied.path, " is there already, and is no regular file"),
                  "another `to`, or move it away");
    }
    if (found != there_.end() && found->second == file.size) {
      copied.sha256 = digest(*places_.from, file);
      copied.was_there = digest(*places_.to, {copied.path, file.size}) == copied.sha256;
      if (copied.was_there) {
        keep_executable(file, copied);
        return copied;
      }
    }
    if (found != there_.end() && context_.parameters.at("overwrite") != true) {
      throw Error(ExitStatus::bad_data,
                  str(places_.to_name, "/", copied.path, " is there already, with other content"),
                  "overwrite: true, or another `to`");
    }
    write(file, copied);
    keep_executable(file, copied);
    if (context_.parameters.at("verify") == true) verify(copied);
    return copied;
  }

 private:
  void stop_if_asked() const {
    if (context_.stop.requested()) throw Stopped();
  }

  void keep_executable(const RemoteFile& file, const Copied& copied) const {
    if (places_.folders) places_.to->set_executable(copied.path, file.executable);
  }

  std::string digest(RemoteStore& store, const RemoteFile& file) const {
    Sha256 hash;
    store.read(file, {0, file.size}, [&](std::span<const std::byte> bytes) {
      stop_if_asked();
      hash.update(bytes.data(), bytes.size());
    });
    return hash.finish();
  }

  /// Reads block by block and passes each on; memory holds one.
  void write(const RemoteFile& file, Copied& copied) {
    Sha256 hash;
    std::vector<std::byte> bytes;
    std::int64_t at = 0;
    places_.to->write(copied.path, [&]() -> std::span<const std::byte> {
      stop_if_asked();
      bytes.clear();
      const std::int64_t end = std::min(at + block, file.size);
      if (at < end) {
        places_.from->read(file, {at, end}, [&](std::span<const std::byte> part) {
          bytes.insert(bytes.end(), part.begin(), part.end());
        });
      }
      at = end;
      hash.update(bytes.data(), bytes.size());
      return bytes;
    });
    copied.sha256 = hash.finish();
  }

  void verify(const Copied& copied) const {
    if (digest(*places_.to, {copied.path, copied.bytes}) == copied.sha256) return;
    throw Error(ExitStatus::io, str(places_.to_name, "/", copied.path, " has other bytes than were written"),
                "the same command again");
  }

  const StepContext& context_;
  Places& places_;
  const std::map<std::string, std::int64_t>& there_;
};

std::string files_csv(const std::vector<Copied>& files) {
  std::string text = "path,bytes,sha256\n";
  for (const Copied& file : files) {
    append_csv(text, file.path);
    text += ',';
    append_number(text, file.bytes);
    text += ',' + file.sha256 + '\n';
  }
  return text;
}

class Transfer : public Step {
 public:
  void run(StepContext& context) override {
    Places places;
    Json plan;
    run_together(context.comm, [&] {
      places = open_places(context);
      if (context.first()) plan = look(places);
    });
    plan = Json::parse(context.comm.broadcast_text(context.first() ? plan.dump() : ""));
    std::vector<RemoteFile> files;
    for (const Json& file : plan.at("files")) files.push_back(remote_file_from_json(file));
    Json mine = Json::array();
    run_together(context.comm, [&] { mine = copy_mine(context, places, files, plan.at("there")); });
    const auto all = context.comm.all_gather_text(mine.dump());
    run_together(context.comm, [&] {
      if (context.first()) report(context, all);
    });
  }

 private:
  static Json look(Places& places) {
    Json files = Json::array();
    std::vector<std::string> paths;
    for (const RemoteFile& file : places.from->list()) {
      if (!is_utf8(file.path))
        throw Error(ExitStatus::bad_data,
                    str(places.from_name, ": the name ", in_quotes(file.path), " is not UTF-8"),
                    "another name");
      paths.push_back(target_path(places, file));
      files.push_back(to_json(file));
    }
    return {{"files", files}, {"there", places.to->sizes_of(paths)}};
  }

  static Json copy_mine(StepContext& context, Places& places, const std::vector<RemoteFile>& files,
                        const std::map<std::string, std::int64_t>& there) {
    const TimedSpan span(context.timeline, "copy", "transfer");
    std::vector<RemoteFile> mine;
    for (std::size_t i = static_cast<std::size_t>(context.comm.rank()); i < files.size();
         i += static_cast<std::size_t>(context.comm.size()))
      mine.push_back(files[i]);
    Copier copier(context, places, there);
    Json done = Json::array();
    std::mutex mutex;
    for_each_item(std::ssize(mine), files_at_once, [&](std::int64_t i) {
      const Copied copied = copier.copy(mine[static_cast<std::size_t>(i)]);
      const std::lock_guard lock(mutex);
      done.push_back({copied.path, copied.bytes, copied.sha256, copied.was_there});
      if (context.first())
        context.report.progress(static_cast<double>(done.size()), static_cast<double>(mine.size()), "files",
                                "copying", {});
    });
    return done;
  }

  static void report(StepContext& context, const std::vector<std::string>& ranks) {
    std::vector<Copied> all;
    std::int64_t bytes = 0, was_there = 0;
    for (const std::string& rank : ranks) {
      for (const Json& file : Json::parse(rank)) {
        all.push_back({file.at(0), file.at(1), file.at(2), file.at(3)});
        if (all.back().was_there)
          ++was_there;
        else
          bytes += all.back().bytes;
      }
    }
    std::sort(all.begin(), all.end(), [](const Copied& a, const Copied& b) { return a.path < b.path; });
    write_file_atomically(context.outputs.at("copied") + "/files.csv", files_csv(all), false);
    context.report.result("files", all.size());
    context.report.result("files_there_before", was_there);
    context.report.result("bytes_copied", bytes);
  }
};

}  // namespace

std::unique_ptr<Step> make_transfer() {
  return std::make_unique<Transfer>();
}

}  // namespace rankflow
