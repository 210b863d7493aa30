#include "steps/image_folder.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/table_input.h"
#include "io/tree.h"

namespace rankflow {
namespace {

/// Names with a dot, and what lies in folders with such a name, are left out of globs and tables, too.
bool is_hidden(const std::string& path) {
  return path.starts_with('.') || path.find("/.") != std::string::npos;
}

bool is_image_name(const std::string& name) {
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower.ends_with(".png") || lower.ends_with(".jpg") || lower.ends_with(".jpeg");
}

[[noreturn]] void fail(const std::string& message, const std::string& hint = {}) {
  throw Error(ExitStatus::bad_data, message, hint);
}

void number_classes(ImageFolder& folder, const std::vector<std::string>& labels) {
  folder.classes = labels;
  std::sort(folder.classes.begin(), folder.classes.end());
  folder.classes.erase(std::unique(folder.classes.begin(), folder.classes.end()), folder.classes.end());
  for (const std::string& label : labels) {
    const auto found = std::lower_bound(folder.classes.begin(), folder.classes.end(), label);
    folder.labels.push_back(found - folder.classes.begin());
  }
}

/// What a table says of the files, row by row.
void take_rows(ImageFolder& folder, const Table& table, const Categories& files, const Categories& labels) {
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < folder.files.size(); ++i) index.emplace(folder.files[i], i);
  folder.labels.assign(folder.files.size(), -1);
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const auto file = files.codes[static_cast<std::size_t>(row)],
               label = labels.codes[static_cast<std::size_t>(row)];
    if (file < 0) fail(str(table.place(row), " names no file"));
    const std::string& name = files.names[static_cast<std::size_t>(file)];
    const auto found = index.find(name);
    if (found == index.end())
      fail(str(table.place(row), " names ", in_quotes(name), ", which is no image in ", folder.root),
           "paths are relative to the folder of images");
    if (label < 0) fail(str(table.place(row), " has no label for ", name));
    if (folder.labels[found->second] >= 0) fail(str(table.place(row), " names ", name, " a second time"));
    folder.labels[found->second] = label;
  }
}

}  // namespace

Json to_json(const ImageFolder& folder) {
  Json json{{"root", folder.root},
            {"files", folder.files},
            {"classes", folder.classes},
            {"labels", folder.labels},
            {"other_files", folder.other_files}};
  if (folder.selection) json["selection"] = to_json(*folder.selection);
  return json;
}

ImageFolder image_folder_from_json(const Json& json) {
  ImageFolder folder{json.at("root"), json.at("files"), json.at("classes"), json.at("labels"),
                     json.at("other_files")};
  if (json.contains("selection")) folder.selection = selection_from_json(json.at("selection"));
  return folder;
}

ImageFolder list_image_folder(const std::string& root) {
  ImageFolder folder{.root = root};
  folder.selection = selection_at(root);
  for (TreeEntry& entry : list_tree(root)) {
    if (!is_utf8(entry.path)) fail(str(root, " has a file whose name is not UTF-8: ", in_quotes(entry.path)));
    if (is_image_name(entry.path) && !is_hidden(entry.path))
      folder.files.push_back(std::move(entry.path));
    else
      ++folder.other_files;
  }
  if (folder.files.empty()) {
    fail(
        str(root, " holds no image: none of its ", folder.other_files, " files ends in .png, .jpg or .jpeg"));
  }
  return folder;
}

void label_by_folder(ImageFolder& folder, const std::string& label) {
  const bool numbered = folder.selection && folder.selection->list;  // "2/cat/1.png"
  std::vector<std::string> labels;
  std::int64_t unlabelled = -1;
  for (const std::string& file : folder.files) {
    const auto begin = numbered ? file.find('/') + 1 : 0;
    const auto slash = file.find('/', begin);
    if (slash != std::string::npos)
      labels.push_back(file.substr(begin, slash - begin));
    else if (unlabelled < 0)
      unlabelled = &file - folder.files.data();
  }
  if (unlabelled >= 0 && labels.empty() && label == "auto") return;
  if (unlabelled >= 0) {
    fail(str(folder.path(unlabelled), " has no label: it lies in no folder named after its class"),
         "the input `labels`, or image: {label: none}");
  }
  number_classes(folder, labels);
}

void label_by_table(ImageFolder& folder, const std::string& path, const std::string& file_column,
                    const std::string& label_column, const std::string& scratch) {
  TableOptions options;
  options.missing = {""};
  const auto alone = make_self_communicator();
  TableInput input(*alone, path, options, scratch);
  input.settle(*alone, {}, std::numeric_limits<std::int64_t>::max());
  const Table table = input.whole();
  remove_tree(scratch);
  for (const std::string& column : {file_column, label_column}) {
    if (!table.has(column))
      fail(str(path, " has no column ", in_quotes(column), "; it has ", join(table.names(), ", ")),
           "image: {file_column: …, label_column: …}");
  }
  const Categories labels = categories_of(*table.at(label_column));
  take_rows(folder, table, categories_of(*table.at(file_column)), labels);
  const auto missing = std::count(folder.labels.begin(), folder.labels.end(), -1);
  if (missing > 0) {
    const auto first = std::find(folder.labels.begin(), folder.labels.end(), -1) - folder.labels.begin();
    fail(str(path, " has no label for ", missing, " of ", folder.files.size(), " images, the first is ",
             folder.files[static_cast<std::size_t>(first)]));
  }
  folder.classes = labels.names;
}

void use_classes(ImageFolder& folder, const std::vector<std::string>& classes) {
  std::vector<std::int64_t> numbers;
  for (const std::string& name : folder.classes) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) {
      fail(str(folder.root, ": label ", in_quotes(name), " is none of the ", classes.size(),
               " classes of the dataset given as `statistics`"));
    }
    numbers.push_back(found - classes.begin());
  }
  for (std::int64_t& label : folder.labels) label = numbers[static_cast<std::size_t>(label)];
  folder.classes = classes;
}

}  // namespace rankflow
