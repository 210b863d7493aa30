// How people name a registered dataset: `flights` and `flights@latest` are its newest version, `flights:3` is its third.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rankflow {

struct DatasetReference {
  std::string dataset;
  int version = 0;  // from 1; 0: the newest
};

/// Throws Error (configuration) where `text` is none of the three forms above, or the name can't be a dataset's.
DatasetReference parse_dataset_reference(const std::string& text);
/// Whether a text says by its form that a dataset is meant: NAME@latest or NAME:3. A name alone may as well be a file's.
bool looks_like_dataset_reference(std::string_view text);
/// "flights@latest", "flights:3".
std::string written(const DatasetReference& reference);

/// Throws Error (configuration) unless `name` can be a dataset's (is_plain_name).
void check_dataset_name(const std::string& name);

}  // namespace rankflow
