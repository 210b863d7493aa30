// Files and folders of several places that are read as one input: what a glob or a list names. On disk it is a folder of links,
// so that whatever reads a folder reads it, and beside that a file that says which they are and in which order:
//
//   ROOT/files/NAME…       links, each to a file or folder (in a copy: these themselves)
//   ROOT/selection.json    {list, members: [{name, path}, …]}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/store_layout.h"

namespace rankflow {

struct SelectionMember {
  std::string name;  // below the selection's folder, with '/'
  std::string path;  // absolute: where it lies
};

struct Selection {
  // Of a list: the names begin with the number of their element ("1/a.csv", "2/b.csv"; an element that is a folder is called "3"),
  // so that their order is the list's. Otherwise they are the paths below the part of a glob that has no wildcard.
  bool list = false;
  // In the order in which they are read, which is that of their names' bytes; none lies in another.
  std::vector<SelectionMember> members;
};

Json to_json(const Selection& selection);
Selection selection_from_json(const Json& json);

/// The selection whose folder `path` is; nullopt for any other path. Throws Error (bad_data) where its description is damaged.
std::optional<Selection> selection_at(const std::string& path);
/// Where what the selection calls `below` lies; "" where it has nothing of that name.
std::string place_in(const Selection& selection, const std::string& below);

/// Where the folder of a selection is in a store, whether it was made or not: it depends on the names and places of the members.
std::string selection_folder(const Selection& selection, const StoreLayout& store);
/// Makes that folder where it is missing. Throws Error (io, permission).
void make_selection(const Selection& selection, const StoreLayout& store);
/// Says beside a folder, which must be called "files", that it holds copies of the selection's members.
void describe_copy(const Selection& selection, const std::string& folder);

}  // namespace rankflow
