#include "io/store.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/manifest.h"

namespace rankflow {
namespace {

// Topics of the file memory.
constexpr char kSummary = 's';
constexpr char kChecks = 'c';
constexpr char kNames = 'n';

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777);
  return text;
}

std::string user_name(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry ? entry->pw_name : str("uid ", uid);
}

/// "user ann; /data has mode 0755 and owner root", for the nearest folder that exists.
std::string access_text(std::string path) {
  struct stat s {};
  while (stat(path.c_str(), &s) != 0 && path != parent_of(path)) path = parent_of(path);
  return str("user ", user_name(geteuid()), "; ", path, " has mode ", octal(s.st_mode), " and owner ",
             user_name(s.st_uid));
}

void refuse_if_open_to_everyone(const std::string& path) {
  struct stat s {};
  if (stat(path.c_str(), &s) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    throw system_error("cannot look at", path, errno);
  }
  if ((s.st_mode & S_IWOTH) && !(s.st_mode & S_ISVTX)) {
    throw Error(ExitStatus::permission,
                str("the store folder ", path, " may be written by everyone (mode ", octal(s.st_mode),
                    ", owner ", user_name(s.st_uid), "): anyone could put results into it"),
                str("chmod o-w ", path));
  }
}

void require_writable(const std::string& folder) {
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return;
  const Error e = system_error("cannot write in the store folder", folder, errno);
  throw Error(e.status(), str(e.message(), " (", access_text(folder), ")"), e.hint());
}

/// nullopt where the manifest is missing or its text is not the one that `digest` belongs to.
std::optional<Manifest> read_manifest(const std::string& path, const std::string& digest) {
  if (!exists(path)) return std::nullopt;
  const std::string text = read_file(path);
  return sha256(text) == digest ? decode_manifest(text) : std::nullopt;
}

std::string no_manifest(const StoreLayout& layout, const std::string& digest) {
  if (!exists(layout.artifact(digest))) return str("the artifact ", digest, " is not in the store");
  return str(layout.manifest(digest), " is missing, damaged or of another artifact");
}

std::string digest_of_names(const std::string& folder) {
  return sha256(list_names(folder));
}

}  // namespace

Store::Store(std::string root, FileMemory& memory) : layout_{absolute_path(root)}, memory_(memory) {
  refuse_if_open_to_everyone(layout_.root);
}

void Store::prepare_for_writing() {
  for (const auto& folder : {layout_.root, layout_.actions(), layout_.artifacts(), layout_.checkpoints(),
                             layout_.damaged(), layout_.runs(), layout_.temporary()}) {
    try {
      make_directories(folder);
    } catch (const Error& e) {
      throw Error(e.status(), str("cannot prepare the store: ", e.message(), " (", access_text(folder), ")"),
                  e.hint());
    }
    refuse_if_open_to_everyone(folder);
    require_writable(folder);
  }
}

std::optional<ActionRecord> Store::find_action(const std::string& fingerprint) {
  if (!is_digest(fingerprint)) return std::nullopt;
  const auto check = [&](const std::string& path) {
    const auto record = decode_action_record(read_file(path), fingerprint);
    return record ? summarize(*record) : "";
  };
  std::optional<std::string> summary;
  try {
    summary = memory_.fact_if_exists(layout_.action(fingerprint), kSummary, check);
  } catch (const Error& e) {
    if (e.status() != ExitStatus::bad_data) throw;
    // Another process replaced the record meanwhile. Records are replaced whole, so this read needs no stamp.
    summary = check(layout_.action(fingerprint));
  }
  if (!summary || summary->empty()) return std::nullopt;
  return from_summary(*summary, fingerprint);
}

std::optional<ActionRecord> Store::find_usable(const std::string& fingerprint, std::string* problem) {
  auto record = find_action(fingerprint);
  if (!record) return std::nullopt;
  for (const auto& [output, digest] : record->outputs) {
    const std::string wrong = check_artifact(digest, Verify::content);
    if (wrong.empty()) continue;
    std::string said = str("output ", output, ": ", wrong);
    try {
      set_aside(digest);
    } catch (const Error& e) {
      said += str("; it can't be set aside: ", e.message());
    }
    if (problem) *problem = said;
    return std::nullopt;
  }
  return record;
}

std::optional<ActionRecord> Store::put_action(const ActionRecord& record, Durability durability) {
  if (!is_digest(record.fingerprint)) {
    throw Error(ExitStatus::internal, str("not a fingerprint: ", record.fingerprint));
  }
  auto former = find_action(record.fingerprint);
  const std::string path = layout_.action(record.fingerprint);
  make_parent(path, layout_.actions(), durability);
  write_file_atomically(path, encode(record), durability == Durability::now);
  if (former && former->outputs == record.outputs) former.reset();
  return former;
}

std::string Store::check_presence(const std::string& digest) {
  const auto manifest = read_manifest(layout_.manifest(digest), digest);
  if (!manifest) return no_manifest(layout_, digest);
  for (const auto& file : manifest->files) {
    const std::string path = str(layout_.artifact_data(digest), "/", file.path);
    FileStamp stamp;
    if (!stamp_of(path, stamp)) return str(path, " is missing");
    if (stamp.size != file.bytes) return str(path, " has ", stamp.size, " bytes instead of ", file.bytes);
  }
  return "";
}

std::string Store::check_content(const std::string& digest) {
  const auto checks = memory_.fact_if_exists(layout_.manifest(digest), kChecks, [&](const std::string& path) {
    const auto manifest = read_manifest(path, digest);
    return manifest ? encode_checks(*manifest) : "";
  });
  if (!checks || checks->empty()) return no_manifest(layout_, digest);
  const std::string data = layout_.artifact_data(digest) + "/";
  for (const Check& check : decode_checks(*checks)) {
    const std::string path = check.path == "/" ? data : str(data, check.path);
    const auto found = check.is_folder() ? memory_.fact_if_exists(path, kNames, digest_of_names)
                                         : memory_.digest_if_exists(path);
    if (!found) return str(path, " is missing");
    if (*found == check.sha256) continue;
    return str(path, check.is_folder() ? " holds other files than the manifest says"
                                       : " has other bytes than were published");
  }
  return "";
}

std::string Store::check_artifact(const std::string& digest, Verify how) {
  if (!is_digest(digest)) return str("\"", digest, "\" is no digest");
  try {
    return how == Verify::content ? check_content(digest) : check_presence(digest);
  } catch (const Error& e) {
    // A FIFO where a file should be, or bytes that change as they are read: as wrong as other bytes.
    if (e.status() != ExitStatus::bad_data) throw;
    return e.message();
  }
}

std::string Store::artifact_path(const std::string& digest) {
  using std::chrono::milliseconds;
  if (!is_digest(digest)) throw Error(ExitStatus::internal, str("not a digest: ", digest));
  milliseconds waited{0};
  for (milliseconds pause{5}; !exists(layout_.manifest(digest)); pause *= 2) {
    if (waited > milliseconds{2000}) {
      throw Error(ExitStatus::io, str("the artifact ", digest, " is not in the store ", layout_.root),
                  "run the pipeline again: the step that makes it will run");
    }
    std::this_thread::sleep_for(pause);
    waited += pause;
    // Opening a folder makes an NFS client ask the server again (close-to-open consistency).
    for (const auto& folder :
         {layout_.artifacts(), parent_of(layout_.artifact(digest)), layout_.artifact(digest)}) {
      std::error_code ignored_missing;
      std::filesystem::directory_iterator refresh(folder, ignored_missing);
    }
  }
  return layout_.artifact_data(digest);
}

void Store::set_aside(const std::string& digest) {
  if (!is_digest(digest)) throw Error(ExitStatus::internal, str("not a digest: ", digest));
  const std::string from = layout_.artifact(digest);
  if (!exists(from)) return;
  make_directories(layout_.damaged());
  const std::string to = str(layout_.damaged(), "/", digest, ".", unique_suffix());
  if (rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
    throw system_error("cannot set aside", from, errno);
}

std::string default_store() {
  const char* root = std::getenv("RANKFLOW_STORE");
  return absolute_path(root && *root ? root : ".rankflow");
}

}  // namespace rankflow
