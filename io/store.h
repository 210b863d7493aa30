// The store: action records and content-addressed artifacts on shared storage, published atomically, trusted
// only while their bytes are what the manifest says. See store_layout.h for the paths.
#pragma once

#include <optional>
#include <string>

#include "io/action_record.h"
#include "io/file_memory.h"
#include "io/json.h"
#include "io/store_layout.h"

namespace rankflow {

/// A directory being written, on the store's file system. Removed by the destructor unless published or
/// released. One made by another rank is adopted by its path.
class Staging {
 public:
  explicit Staging(std::string path) : path_(std::move(path)) {}
  ~Staging();
  Staging(Staging&&) noexcept;
  Staging& operator=(Staging&&) noexcept;
  /// Where the output's files go.
  std::string data() const { return path_ + "/data"; }
  const std::string& path() const { return path_; }
  /// The directory belongs to someone else now: it was renamed, or another process will publish it.
  void release() { path_.clear(); }

 private:
  std::string path_;
};

enum class Verify {
  presence,  // the manifest is the digest's own, and every file has its size
  content,   // … and its SHA-256, and nothing else is there; remembered by stamp where nothing changed
};

/// When what is published survives a power failure. Other processes see it at once in either case, and what a
/// failure tears is noticed by its checksums and made again: only work can be lost, never right results.
enum class Durability {
  now,    // fsync of everything before the call returns
  later,  // with the next sync(): where many small steps would spend most of their time in fsync
};

class Store {
 public:
  /// Opens the store at `root`; nothing is created. Throws Error: permission where it is writable by
  /// everyone.
  Store(std::string root, FileMemory& memory);

  const StoreLayout& layout() const { return layout_; }
  /// Creates what is missing and checks that it can be written; throws Error (io, permission) with path,
  /// user, mode.
  void prepare_for_writing();

  /// The record of a fingerprint, without its details; a missing, cut off or foreign one is nullopt.
  std::optional<ActionRecord> find_action(const std::string& fingerprint);
  /// The record, provided that every output's artifact is whole; a damaged artifact is set aside (where the
  /// store can be written), `problem` says so, and the answer is nullopt. Costs a few stat(2) calls where
  /// nothing changed.
  std::optional<ActionRecord> find_usable(const std::string& fingerprint, std::string* problem = nullptr);
  /// Replaces the record atomically. Returns the former record where its outputs differ.
  std::optional<ActionRecord> put_action(const ActionRecord& record, Durability durability = Durability::now);

  /// A fresh directory for one output, with an empty data/ folder. `owner` (a run's id) ends its name, so
  /// that what a killed run left can be told from what a living one is writing.
  Staging stage(const std::string& owner = {});
  /// Manifest, checksums, fsync of files and folders, rename. Returns the digest. Loses a race gracefully:
  /// the first copy stays. On any error the temporary is removed and the error thrown; fsync is never
  /// retried. Throws Error: bad_data for links, FIFOs and names that are not UTF-8, io, permission.
  std::string publish(Staging staging, const Json& producer, Durability durability = Durability::now);
  /// Brings all that this host published with Durability::later to disk (syncfs: one call instead of eight
  /// per step).
  void sync();

  /// Empty when the artifact is whole, otherwise what is wrong with it. Throws Error where that can't be
  /// told: io, permission.
  std::string check_artifact(const std::string& digest, Verify how);
  /// Folder with the artifact's files; throws Error (io) where it is not there after refreshing the parent
  /// for two seconds (NFS shows another host's rename late).
  std::string artifact_path(const std::string& digest);
  /// Moves a damaged artifact to damaged/, so that the next run makes it again. Fine where it is gone
  /// already.
  void set_aside(const std::string& digest);

 private:
  std::string check_presence(const std::string& digest);
  std::string check_content(const std::string& digest);
  void make_parent(const std::string& path, const std::string& above, Durability durability);
  void move_into_place(Staging& staging, const std::string& digest, Durability durability);

  StoreLayout layout_;
  FileMemory& memory_;
};

/// $RANKFLOW_STORE or ./.rankflow, as an absolute path.
std::string default_store();

}  // namespace rankflow
