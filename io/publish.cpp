// The writing half of the store: staging directories, and the one rename that publishes them.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/manifest.h"
#include "io/store.h"

namespace rankflow {
namespace {

constexpr mode_t kRecordMode = 0664;

void write_new_file(const std::string& path, const std::string& text, Durability durability) {
  File file(path, O_WRONLY | O_CREAT | O_EXCL, kRecordMode);
  file.write_all(text);
  if (durability == Durability::now) file.sync();
  file.close();
}

}  // namespace

Staging::~Staging() {
  if (path_.empty()) return;
  try {
    remove_tree(path_);
  } catch (const Error& e) {
    // It is a temporary that nobody reads; the error that led here is on its way to the user.
    log::warning(str("a temporary stays behind: ", e.message()));
  }
}

Staging::Staging(Staging&& other) noexcept : path_(std::move(other.path_)) {
  other.path_.clear();
}

Staging& Staging::operator=(Staging&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

Staging Store::stage(const std::string& owner) {
  Staging staging(str(layout_.temporary(), "/", unique_suffix(), owner.empty() ? "" : ".", owner));
  make_directories(staging.data());
  return staging;
}

std::string Store::publish(Staging staging, const Json& producer, Durability durability) {
  const Manifest manifest = describe_folder(staging.data());
  const std::string text = encode(manifest);
  const std::string digest = sha256(text);
  // The same content may be there already; then none of it has to go to disk again.
  if (check_artifact(digest, Verify::content).empty()) return digest;
  if (durability == Durability::now) sync_folder(staging.data(), manifest);
  // Names of programs and hosts need not be UTF-8.
  write_new_file(staging.path() + "/producer.json",
                 producer.dump(1, ' ', false, Json::error_handler_t::replace) + "\n", durability);
  write_new_file(staging.path() + "/manifest.json", text, durability);
  if (durability == Durability::now) sync_directory(staging.path());
  move_into_place(staging, digest, durability);
  return digest;
}

void Store::make_parent(const std::string& path, const std::string& above, Durability durability) {
  const std::string parent = parent_of(path);
  if (exists(parent)) return;
  make_directories(parent);
  if (durability == Durability::now) sync_directory(above);
}

void Store::move_into_place(Staging& staging, const std::string& digest, Durability durability) {
  const std::string target = layout_.artifact(digest);
  make_parent(target, layout_.artifacts(), durability);
  // Each turn either ends or has seen another process put a damaged copy in our way.
  constexpr int kTurns = 5;
  for (int turn = 1; std::rename(staging.path().c_str(), target.c_str()) != 0; ++turn) {
    const int why = errno;
    const bool taken = why == ENOTEMPTY || why == EEXIST;
    // Whoever brought it, the content is there. (Or it was us: NFS can lose the answer to a rename that was
    // done.)
    if (check_artifact(digest, Verify::content).empty()) return;
    if (!taken || turn == kTurns) throw system_error(str("cannot move ", staging.path(), " to"), target, why);
    set_aside(digest);
  }
  staging.release();
  if (durability == Durability::now) sync_directory(parent_of(target));
}

void Store::sync() {
  File root(layout_.root, O_RDONLY | O_DIRECTORY);
  if (syncfs(root.fd()) != 0) throw system_error("cannot bring to disk (syncfs)", layout_.root, errno);
  root.close();
}

}  // namespace rankflow
