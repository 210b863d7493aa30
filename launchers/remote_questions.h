// What rankflow asks of a program with the libraries for object stores: rankflow-rank answers in a process of its own. A question
// is the word and JSON, `rankflow-rank WORD QUESTION`; the answer is JSON on standard output, {"error": …} where there is none.
#pragma once

#include <string>

#include "io/location.h"
#include "runtime/delivery.h"

namespace rankflow {

/// A Location → {"digest": …} of its listing (io/remote_store.h).
inline constexpr const char* list_remote_word = "--list-remote";
/// {"store": root, "delivery": …} → {"copied": …}.
inline constexpr const char* deliver_word = "--deliver";

inline bool is_question(const std::string& word) {
  return word == list_remote_word || word == deliver_word;
}

/// The digest of a listing. Throws Error as listing does.
std::string list_remote(const Location& location);
/// Publishes to an object store (runtime/object_delivery.h).
bool deliver_through_rank(const StoreLayout& store, const Delivery& delivery);

}  // namespace rankflow
