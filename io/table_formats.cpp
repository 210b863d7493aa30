#include "io/table_formats.h"

#include <sstream>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace

const std::vector<TableFormat>& table_formats() {
  static const std::vector<TableFormat> formats{
#define RANKFLOW_TABLE_FORMAT(name, text, suffixes, help) {#name, text, words_of(suffixes), help},
#include "io/table_formats.inc"
#undef RANKFLOW_TABLE_FORMAT
  };
  return formats;
}

std::string without_compression(const std::string& path, std::string* compression) {
  for (const auto& [suffix, name] : {std::pair<std::string, std::string>{".gz", "gzip"}, {".zst", "zstd"}}) {
    if (!path.ends_with(suffix)) continue;
    if (compression) *compression = name;
    return path.substr(0, path.size() - suffix.size());
  }
  if (compression) compression->clear();
  return path;
}

const TableFormat* format_of_path(const std::string& path) {
  const std::string plain = without_compression(path);
  for (const TableFormat& format : table_formats()) {
    for (const std::string& suffix : format.suffixes) {
      if (plain.ends_with(suffix)) return &format;
    }
  }
  return nullptr;
}

const TableFormat& format_of_table(const std::string& path, const std::string& name) {
  const TableFormat* by_suffix = name.empty() ? format_of_path(path) : nullptr;
  if (by_suffix) return *by_suffix;
  // No suffix of the format: folders of tables hold other files that are called so.
  const bool json = without_compression(path).ends_with(".json");
  for (const TableFormat& format : table_formats()) {
    if (format.name == (!name.empty() ? name : json ? "jsonl" : "csv")) return format;
  }
  throw Error(ExitStatus::internal, str("there is no format ", name));
}

}  // namespace rankflow
