// Secrets by reference: a pipeline says where a password is, never what it is. `env:NAME` is an environment variable, `file:PATH` a
// file that nobody but its owner can read (mode 0600).
#pragma once

#include <string>

namespace rankflow {

/// Throws Error (configuration) where `reference` is neither form; `key` starts the message. What is shown is never the text
/// itself: it may be a secret that was written by mistake.
void check_reference(const std::string& key, const std::string& reference);

/// The reference with a relative path of a file taken as one below `folder`.
std::string reference_in(const std::string& reference, const std::string& folder);

/// The secret, without the line end at the end of a file. Throws Error: configuration where the variable is not set, permission
/// where others may read the file, io where it is missing.
std::string secret_of(const std::string& reference);

}  // namespace rankflow
