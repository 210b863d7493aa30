// What holds for all pipelines of a site or person: named places for data, and where copies on a node's own disk go.
//
// The site file is YAML: $RANKFLOW_SITE where that is set, otherwise ~/.config/rankflow/site.yaml
// ($XDG_CONFIG_HOME) and /etc/rankflow/site.yaml together, where the first one's entries go before the second's.
#pragma once

#include <string>
#include <vector>

#include "io/location.h"
#include "runtime/field.h"

namespace rankflow {

/// A folder or object store that pipelines call by name: `scratch:flights/2001.csv`.
struct Datastore {
  std::string name;
  std::string path;   // absolute; "" for an object store
  Location location;  // of an object store's top, with what it takes to get in; its url is "" for a folder
  std::string description;
  std::string file;  // that declares it

  bool is_folder() const { return !path.empty(); }
};

/// Copies of inputs on a node's own disk (`access: download`).
struct DownloadRules {
  std::string folder;     // "": $TMPDIR, otherwise /tmp, on each node
  double keep_bytes = 0;  // of copies that no rank uses any more, the newest are kept up to this size
};

struct Site {
  std::vector<Datastore> datastores;
  DownloadRules downloads;
  std::vector<std::string> files;  // that were looked for, in their order

  const Datastore* find(const std::string& name) const;
};

/// Reads the site files that there are. Throws ConfigError at the first place that is wrong; Error (configuration) where
/// $RANKFLOW_SITE names a file that is not there.
Site load_site();
/// The same for given files, which exist or are left out.
Site read_site(const std::vector<std::string>& files);

/// The tables behind site files: the file's top level, and a datastore.
Fields site_fields();
Fields datastore_fields();

/// "NAME:path", what a text means by its form: a plain name of at least two letters, a colon, and something that does not begin
/// with "//" (which would make it an address).
struct DatastorePath {
  std::string datastore, below;
};
bool looks_like_datastore_path(const std::string& text);
DatastorePath split_datastore_path(const std::string& text);
/// The folder or file that `below` means in a datastore that is a folder; throws Error (configuration) for one that leads out of it.
std::string path_in(const Datastore& datastore, const std::string& below);
/// The same for one that is an object store; throws also for the store itself.
Location location_in(const Datastore& datastore, const std::string& below);

}  // namespace rankflow
