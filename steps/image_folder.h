// A folder of PNG and JPEG files as rows: which files there are, in which order, and what class each is of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/selection.h"

namespace rankflow {

struct ImageFolder {
  std::string root;
  std::vector<std::string> files;    // below the root, sorted by their bytes: row i is file i
  std::vector<std::string> classes;  // empty where nothing is known of labels
  std::vector<std::int64_t> labels;  // of each file, an index of `classes`
  std::int64_t other_files = 0;      // that are no images by their names
  std::optional<Selection> selection = std::nullopt;  // where the root is one

  /// Where a file lies, as the user knows it.
  std::string path(std::int64_t row) const {
    const std::string& file = files[static_cast<std::size_t>(row)];
    return selection ? place_in(*selection, file) : root + "/" + file;
  }
};

/// As one rank tells it to the others.
Json to_json(const ImageFolder& folder);
ImageFolder image_folder_from_json(const Json& json);

/// Files ending in .png, .jpg or .jpeg, in any case of letters, at any depth. Throws Error (bad_data) where there is none or a name
/// is not UTF-8, and as list_tree does (FIFOs, links that lead elsewhere).
ImageFolder list_image_folder(const std::string& root);

/// The label of a file in "cat/black/1.png" is "cat"; the number of a list's element before that is no part of it. Classes are sorted. `label` "folder": a file right in the root is an Error
/// (bad_data); "auto": where all files are, there are no labels.
void label_by_folder(ImageFolder& folder, const std::string& label);

/// Labels from a table with a column of files, relative to the folder, and one of labels. Throws Error (bad_data) where a
/// file of the folder is not in it, or twice, or a row names a file that is not in the folder or has no label. `scratch`: a
/// folder for what has to be unpacked.
void label_by_table(ImageFolder& folder, const std::string& table, const std::string& file_column,
                    const std::string& label_column, const std::string& scratch);

/// Numbers classes as another dataset's schema does. Throws Error (bad_data) where that lacks one.
void use_classes(ImageFolder& folder, const std::vector<std::string>& classes);

}  // namespace rankflow
