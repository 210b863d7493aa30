// What rankflow asks of a program with the libraries for object stores: rankflow-rank answers in a process of its own. A question
// is the word and JSON, `rankflow-rank WORD QUESTION`; the answer is JSON on standard output, {"error": …} where there is none.
#pragma once

#include <string>
#include <vector>

#include "io/dataset_registry.h"
#include "io/location.h"
#include "runtime/delivery.h"

namespace rankflow {

/// A Location → {"digest": …, "files": [{path, size, version}]}: its listing (io/remote_store.h).
inline constexpr const char* list_remote_word = "--list-remote";
/// {"store": root, "delivery": …} → {"copied": …}.
inline constexpr const char* deliver_word = "--deliver";
/// {"location": …, "to": path} → {}: what lies there is at the path.
inline constexpr const char* copy_remote_word = "--copy-remote";

inline bool is_question(const std::string& word) {
  return word == list_remote_word || word == deliver_word || word == copy_remote_word;
}

/// The digest of a listing. Throws Error as listing does.
std::string list_remote(const Location& location);
/// The same with the files, whose paths are "" and below it.
struct RemoteListing {
  std::string digest;
  std::vector<DatasetFile> files;
};
RemoteListing files_at(const Location& location);
/// Copies all that lies at the location to `path`, where nothing is yet (io/remote_copy.h).
void copy_remote_to(const Location& location, const std::string& path);
/// Publishes to an object store (runtime/object_delivery.h).
bool deliver_through_rank(const StoreLayout& store, const Delivery& delivery);

}  // namespace rankflow
