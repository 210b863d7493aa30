// The key `image` of a prepare step: what to make of a folder of images. The values here are the defaults.
#pragma once

#include <string>

#include "io/json.h"
#include "runtime/field.h"

namespace rankflow {

struct ImageKeys {
  std::int64_t height = 0, width = 0;  // 0: all images have one size
  int channels = 0;                    // 0: all have as many
  std::string label = "auto";
  std::string file_column = "file", label_column = "label";
  std::int64_t most_damaged = 0;
};

Field image_field();
/// Throws Error (configuration) where keys don't go together. `key`: the value of `image`, or null.
ImageKeys image_keys(const Json& key);

}  // namespace rankflow
