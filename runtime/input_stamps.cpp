#include "runtime/input_stamps.h"

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "io/file_changed.h"
#include "io/tree.h"

namespace rankflow {
namespace {

std::map<std::string, FileStamp> stamps_at(const std::vector<std::string>& paths) {
  std::map<std::string, FileStamp> stamps;
  const auto note = [&](const std::string& file) {
    if (FileStamp stamp; stamp_of(file, stamp)) stamps[file] = stamp;
  };
  for (const std::string& path : paths) {
    std::error_code problem;
    if (!std::filesystem::is_directory(path, problem)) {
      note(path);
      continue;
    }
    for (const TreeEntry& entry : list_tree(path)) note(str(path, "/", entry.path));
  }
  return stamps;
}

}  // namespace

InputStamps::InputStamps(std::vector<std::string> paths)
    : paths_(std::move(paths)), stamps_(stamps_at(paths_)) {}

void InputStamps::check_unchanged() const {
  const auto now = stamps_at(paths_);
  if (now == stamps_) return;
  const auto differs = [](const auto& some, const auto& others) -> std::string {
    for (const auto& [file, stamp] : some) {
      const auto other = others.find(file);
      if (other == others.end() || !(other->second == stamp)) return file;
    }
    return "";
  };
  const std::string lost = differs(stamps_, now);
  throw file_changed(lost.empty() ? differs(now, stamps_) : lost);
}

}  // namespace rankflow
