#include "io/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "rankflow artifact 1";
constexpr mode_t kFolderMode = 02775;

bool stays_inside(const std::string& path) {
  const auto parts = split(path, '/');
  const bool climbs = std::any_of(parts.begin(), parts.end(),
                                  [](const auto& p) { return p.empty() || p == "." || p == ".."; });
  return !climbs && path.find('\0') == std::string::npos;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  fs::directory_iterator entries(folder, problem);
  for (; !problem && entries != fs::directory_iterator(); entries.increment(problem)) {
    names.push_back(entries->path().filename().string());
  }
  if (problem) throw system_error("cannot list", folder, problem.value());
  std::sort(names.begin(), names.end());
  return names;
}

struct stat look_at(const std::string& path) {
  struct stat s {};
  if (lstat(path.c_str(), &s) != 0) throw system_error("cannot look at", path, errno);
  return s;
}

void check_publishable(const std::string& path, const struct stat& s) {
  const auto refuse = [&](const char* what, const char* hint) {
    throw Error(ExitStatus::bad_data, str("the output ", path, " ", what), hint);
  };
  if (!is_utf8(path)) refuse("has a name that is not UTF-8", "another name");
  if (S_ISLNK(s.st_mode))
    refuse("is a symbolic link: it would lead elsewhere once published", "copy the file");
  if (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode))
    refuse("is neither a file nor a folder", "write plain files");
  if (S_ISREG(s.st_mode) && s.st_nlink > 1) {
    refuse("is a hard link: its other name could change it once published", "copy the file");
  }
}

Manifest::File describe_file(const std::string& folder, const std::string& path) {
  // O_NOFOLLOW, O_NONBLOCK: it could have been exchanged for a link or a FIFO since it was looked at.
  File file(folder + "/" + path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat s {};
  if (fstat(file.fd(), &s) != 0) throw system_error("cannot look at", file.path(), errno);
  check_publishable(file.path(), s);
  const bool executable = (s.st_mode & S_IXUSR) != 0;
  const std::string digest = digest_of(file);
  if (fchmod(file.fd(), executable ? 0555 : 0444) != 0)
    throw system_error("cannot set the mode of", file.path(), errno);
  file.close();
  return {path, static_cast<std::uint64_t>(s.st_size), digest, executable};
}

void describe(const std::string& root, const std::string& below, Manifest& out) {
  const std::string folder = root + (below.empty() ? "" : "/" + below);
  if (chmod(folder.c_str(), kFolderMode) != 0) throw system_error("cannot set the mode of", folder, errno);
  for (const auto& name : names_in(folder)) {
    const std::string path = below.empty() ? name : below + "/" + name;
    const auto s = look_at(root + "/" + path);
    check_publishable(root + "/" + path, s);
    if (S_ISDIR(s.st_mode)) {
      out.folders.push_back(path);
      describe(root, path, out);
    } else {
      out.files.push_back(describe_file(root, path));
    }
  }
}

/// What list_names() should give for the data folder ("") and each of `manifest.folders`.
std::map<std::string, std::string> expected_names(const Manifest& manifest) {
  std::vector<std::pair<std::string, bool>> all;
  for (const auto& f : manifest.files) all.emplace_back(f.path, false);
  for (const auto& f : manifest.folders) all.emplace_back(f, true);
  // Whole paths order like the names do within one folder.
  std::sort(all.begin(), all.end());
  std::map<std::string, std::string> texts = {{"", ""}};
  for (const auto& f : manifest.folders) texts[f];
  for (const auto& [path, is_folder] : all) {
    const auto slash = path.rfind('/');
    std::string& text = slash == std::string::npos ? texts[""] : texts[path.substr(0, slash)];
    text += slash == std::string::npos ? path : path.substr(slash + 1);
    if (is_folder) text += '/';
    text += '\0';
  }
  return texts;
}

}  // namespace

std::string encode(const Manifest& manifest) {
  Json files = Json::array();
  for (const auto& f : manifest.files) {
    Json file = {{"path", f.path}, {"bytes", f.bytes}, {"sha256", f.sha256}};
    if (f.executable) file["executable"] = true;
    files.push_back(std::move(file));
  }
  Json json = {{"format", kFormat}, {"files", std::move(files)}};
  if (!manifest.folders.empty()) json["folders"] = manifest.folders;
  return json.dump() + "\n";
}

std::optional<Manifest> decode_manifest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  try {
    if (json.at("format") != kFormat) return std::nullopt;
    Manifest manifest;
    for (const auto& f : json.at("files")) {
      manifest.files.push_back({f.at("path"), f.at("bytes"), f.at("sha256"), f.value("executable", false)});
      if (!stays_inside(manifest.files.back().path)) return std::nullopt;
    }
    manifest.folders = json.value("folders", std::vector<std::string>());
    const bool inside = std::all_of(manifest.folders.begin(), manifest.folders.end(), stays_inside);
    return inside ? std::optional(std::move(manifest)) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;  // a field is missing or of another type
  }
}

Manifest describe_folder(const std::string& folder) {
  Manifest manifest;
  describe(folder, "", manifest);
  const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  std::sort(manifest.files.begin(), manifest.files.end(), by_path);
  std::sort(manifest.folders.begin(), manifest.folders.end());
  return manifest;
}

void sync_folder(const std::string& folder, const Manifest& manifest) {
  for (const auto& f : manifest.files) {
    File file(folder + "/" + f.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    file.sync();
    file.close();
  }
  // Backwards: a folder sorts before what it holds.
  for (auto below = manifest.folders.rbegin(); below != manifest.folders.rend(); ++below)
    sync_directory(folder + "/" + *below);
  sync_directory(folder);
}

std::string list_names(const std::string& folder) {
  std::string text;
  for (const auto& name : names_in(folder)) {
    const mode_t mode = look_at(folder + "/" + name).st_mode;
    text += name;
    if (!S_ISREG(mode)) text += S_ISDIR(mode) ? '/' : '?';
    text += '\0';
  }
  return text;
}

std::string encode_checks(const Manifest& manifest) {
  std::string text;
  const auto add = [&text](const std::string& digest, const std::string& path) {
    text += digest;
    text += path;
    text += '\0';
  };
  for (const auto& [folder, names] : expected_names(manifest)) add(sha256(names), folder + "/");
  for (const auto& f : manifest.files) add(f.sha256, f.path);
  return text;
}

std::vector<Check> decode_checks(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  std::vector<Check> checks;
  while (text.size() > kDigits) {
    const std::size_t end = text.find('\0', kDigits);
    checks.push_back({text.substr(0, kDigits), text.substr(kDigits, end - kDigits)});
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return checks;
}

}  // namespace rankflow
