#include "io/selection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::string_view folder_name = "/files";

std::string description_of(const std::string& folder) {
  return parent_of(folder) + "/selection.json";
}

void link_members(const Selection& selection, const std::string& folder) {
  make_directories(folder);
  for (const SelectionMember& member : selection.members) {
    const std::string link = str(folder, "/", member.name);
    make_directories(parent_of(link));
    if (::symlink(member.path.c_str(), link.c_str()) != 0)
      throw system_error("cannot make the link", link, errno);
  }
}

}  // namespace

Json to_json(const Selection& selection) {
  Json members = Json::array();
  for (const auto& member : selection.members)
    members.push_back({{"name", member.name}, {"path", member.path}});
  return {{"list", selection.list}, {"members", std::move(members)}};
}

Selection selection_from_json(const Json& json) {
  Selection selection{json.at("list"), {}};
  for (const Json& member : json.at("members"))
    selection.members.push_back({member.at("name"), member.at("path")});
  return selection;
}

std::optional<Selection> selection_at(const std::string& path) {
  if (!path.ends_with(folder_name)) return std::nullopt;
  const auto json = try_read_json(description_of(path));
  if (!json) return std::nullopt;
  try {
    Selection selection = selection_from_json(*json);
    for (SelectionMember& member : selection.members) {
      if (member.path.empty()) member.path = str(path, "/", member.name);
    }
    return selection;
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(description_of(path), " is damaged: ", e.what()));
  }
}

std::string place_in(const Selection& selection, const std::string& below) {
  const auto& members = selection.members;
  for (std::size_t end = below.find('/');; end = below.find('/', end + 1)) {
    const std::string name = below.substr(0, end);
    const auto found =
        std::lower_bound(members.begin(), members.end(), name,
                         [](const SelectionMember& m, const std::string& wanted) { return m.name < wanted; });
    if (found != members.end() && found->name == name) return found->path + below.substr(name.size());
    if (end == std::string::npos) return "";
  }
}

std::string selection_folder(const Selection& selection, const StoreLayout& store) {
  return store.selection(sha256("rankflow selection 1\n" + to_json(selection).dump())) +
         std::string(folder_name);
}

void make_selection(const Selection& selection, const StoreLayout& store) {
  const std::string folder = selection_folder(selection, store), place = parent_of(folder);
  if (exists(description_of(folder))) return;
  const std::string aside = str(store.temporary(), "/", unique_suffix());
  try {
    link_members(selection, aside + std::string(folder_name));
    write_file_atomically(description_of(aside + std::string(folder_name)),
                          to_json(selection).dump(1) + "\n");
    make_directories(parent_of(place));
    // Where another process was faster, the same is there already.
    if (std::rename(aside.c_str(), place.c_str()) != 0 && !exists(description_of(folder)))
      throw system_error(str("cannot move ", aside, " to"), place, errno);
  } catch (...) {
    remove_tree(aside);
    throw;
  }
  remove_tree(aside);
}

void describe_copy(const Selection& selection, const std::string& folder) {
  Selection copy = selection;
  for (SelectionMember& member : copy.members) member.path.clear();
  write_file_atomically(description_of(folder), to_json(copy).dump(1) + "\n", false);
}

}  // namespace rankflow
