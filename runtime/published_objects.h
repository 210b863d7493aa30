// What is known of a place in an object store that outputs are published to, and what follows from it. Nothing there can be put into
// place in one step, so that two objects of ours say how it stands:
//
//   .rankflow-published.json   written last: the place holds all of this artifact. Whoever finds it may trust what it lists.
//   .rankflow-publishing.json  written first, removed last: what lies here is being replaced, and which objects are ours
//
// Both hold {artifact, output, files: {path: {bytes, sha256}}}, the second also the run that is at it. What neither lists was put there by somebody else, and stays.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/manifest.h"

namespace rankflow {

struct PublishedIndex {
  struct File {
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  std::string artifact, output, run;
  std::map<std::string, File> files;
};
PublishedIndex index_of(const Manifest& manifest);
std::string encode(const PublishedIndex& index);
/// nullopt where the text is no index.
std::optional<PublishedIndex> decode_index(const std::string& text);

struct PublishedObjects {
  std::map<std::string, std::int64_t> there;  // all objects by their path below the place: their sizes
  std::optional<PublishedIndex> published;    // what the first of the two says, where it is there
  std::optional<PublishedIndex> publishing;   // the second

  /// Whether the place holds the artifact: it says so, and every file is there with its size.
  bool holds(const PublishedIndex& wanted) const;
  /// An object that rankflow did not publish, where publishing `wanted` would take it for its own; "" where there is none.
  std::optional<std::string> foreign(const PublishedIndex& wanted) const;
  /// Objects of ours that `wanted` lacks, sorted.
  std::vector<std::string> outdated(const PublishedIndex& wanted) const;
  /// Whether the object may already be the wanted one: it is ours, and has the size.
  bool may_be(const std::string& path, const PublishedIndex::File& file) const;
  /// What the place holds of ours, or will hold while `wanted` is being published.
  PublishedIndex with_ours(PublishedIndex wanted) const;

 private:
  bool is_ours(const std::string& path) const;
};

}  // namespace rankflow
