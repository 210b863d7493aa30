// Datasets that have a name: numbered versions in the store, each of which names an artifact or files outside the store
// together with their content. A version never changes; registering unchanged content makes no new one.
//
// Any number of processes may register at once, on any hosts, without locks: a version is a folder that is written aside
// and then renamed to the first free number. The rename fails where another process took the number meanwhile; then the
// versions are looked at again. So none is lost, none is overwritten, and versions have no gaps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/dataset_reference.h"
#include "io/json.h"
#include "io/location.h"
#include "io/store_layout.h"

namespace rankflow {

struct DatasetFile {
  std::string path;  // below the dataset's folder; of a dataset of one file, its name
  std::uint64_t bytes = 0;
  std::string sha256;   // "" where only the next one is known
  std::string version;  // of what lies in an object store: its ETag
  friend bool operator==(const DatasetFile&, const DatasetFile&) = default;
};

Json to_json(const DatasetFile& file);

struct DatasetVersion {
  std::string dataset;
  int version = 0;
  std::string
      content;  // content_digest() of what lies at its path (io/tree.h); what stands for it where it is `remote`
  std::string artifact;  // digest of the artifact of this store that holds it; "": it is outside, at `path`
  std::string below;     // where in the artifact's data, "" for all of it
  std::string path;      // absolute; "" where there is an artifact, and where it is `remote`
  std::optional<Location> remote = std::nullopt;  // in an object store or on a web server
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  std::int64_t rows = -1;  // of a prepared dataset; -1: not known
  Json lineage =
      Json::object();       // of an artifact: {run, pipeline, step, output, type, made}; of a copy: {path}
  std::string registered;   // UTC
  std::string user;         // who registered it
  std::string description;  // the last two may be changed later
  std::map<std::string, std::string> tags;

  bool in_store() const { return !artifact.empty(); }
  /// Where the data lie now: a path, or a URL.
  std::string place(const StoreLayout& layout) const;
  std::string title() const { return written(DatasetReference{dataset, version}); }
};

Json to_json(const DatasetVersion& version);

class DatasetRegistry {
 public:
  explicit DatasetRegistry(StoreLayout layout) : layout_(std::move(layout)) {}

  /// Names of all datasets, sorted.
  std::vector<std::string> names() const;
  /// Numbers of a dataset's versions, ascending; none where there is no such dataset.
  std::vector<int> versions(const std::string& dataset) const;
  /// Throws Error: configuration where there is no such dataset or version, naming those there are; bad_data where its
  /// record is damaged.
  DatasetVersion get(const DatasetReference& reference) const;
  /// Sorted by path.
  std::vector<DatasetFile> files(const DatasetVersion& version) const;

  struct Added {
    DatasetVersion version;
    bool is_new = true;
  };
  /// Gives `version` the next number, unless the newest version has the same content already and still holds it; then that
  /// one is returned, with `version`'s tags and description put on it. `holds` says whether an older version's data are
  /// still what they were. Throws Error: configuration for a bad name or tag, io, permission.
  Added add(DatasetVersion version, const std::vector<DatasetFile>& files,
            const std::function<bool(const DatasetVersion&)>& holds) const;
  /// Changes what is for people. Of two at once the later one wins, tag by tag.
  void annotate(const DatasetVersion& version, const std::string& description,
                const std::map<std::string, std::string>& tags) const;

 private:
  DatasetVersionLayout layout_of(const std::string& dataset, int version) const;
  DatasetVersion read(const std::string& dataset, int version) const;

  StoreLayout layout_;
};

}  // namespace rankflow
