// A YAML document as a tree that remembers where each value stands, so that errors can point at it.
// Parsed with libyaml's event interface (an order of magnitude faster than yaml-cpp, and linear in time and
// memory: size, depth and number of nodes are bounded before anything is built; aliases count as the nodes
// they stand for).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/json.h"

namespace rankflow {

/// Line and column from 1; `file` as the user named it. line 0: not from a file (a default, the command
/// line).
struct Mark {
  std::string file;
  int line = 0;
  int column = 0;
};

/// "file:line:column: message" with exit status configuration.
class ConfigError : public Error {
 public:
  ConfigError(const Mark& mark, const std::string& message,
              std::source_location where = std::source_location::current());
};

/// Far above any pipeline written by people or programs (10,000 steps are about 150,000 nodes); what is over
/// them is refused before it costs a second or 100 MB.
struct YamlLimits {
  std::size_t bytes = 16u << 20;
  std::size_t nodes = 500'000;
  int depth = 64;
};

class Node {
 public:
  enum class Kind { null, scalar, sequence, mapping };
  enum class ScalarType { null, boolean, integer, number, text };

  Kind kind = Kind::null;
  bool quoted = false;  // scalar: was in quotes or a block, so it is a string whatever it looks like
  bool verbatim =
      false;  // scalar: stands in the file as in `text`, on one line (only set for texts with "${{")
  int line = 0, column = 0;  // the file is the same for a whole tree
  const std::string* option =
      nullptr;              // not from the file but from this command line option ("--set a=3"); not owned
  std::string text;         // scalar
  std::vector<Node> items;  // sequence
  std::vector<std::pair<Node, Node>> entries;  // mapping, in file order; keys are scalars, none twice

  const Node* find(const std::string& key) const;
  Node* find(const std::string& key);
  /// What a scalar means by YAML 1.2's core schema.
  ScalarType scalar_type() const;
  /// Of a scalar of type integer; nullopt where it doesn't fit into 64 bits.
  std::optional<std::int64_t> as_integer() const;
  /// Of a scalar of type integer or number; may be infinite or NaN.
  double as_number() const;
  /// Untyped JSON by YAML 1.2's core schema (null, true/false, integers, floats, strings). Throws ConfigError
  /// for numbers that are not finite or don't fit, which JSON can't hold.
  Json to_json(const std::string& file = {}) const;
  static Node from_json(const Json& value, int line = 0, int column = 0);
  static Node scalar(std::string text, bool quoted);
};

/// Where `node` stands; with `offset`, the byte of its text that is meant, where that can be told.
Mark mark_of(const Node& node, const std::string& file, std::size_t offset = 0);

/// A value in a message: `3`, `"text"`, `a list`, `a mapping`, `nothing`.
std::string shown(const Node& node);

/// Throws ConfigError with the place: syntax, duplicate key, not UTF-8, over a limit, several documents,
/// tags, merge keys. An empty document gives a null node.
Node parse_yaml(const std::string& text, const std::string& file, const YamlLimits& limits = {});
/// The text of a regular file no larger than `limit` bytes. Throws Error (configuration) where it is missing,
/// larger, or something else than a file; (permission, io) where it can't be read.
std::string read_configuration(const std::string& path, std::size_t limit = YamlLimits{}.bytes);
/// Reads a regular file no larger than the limit and parses it. A missing file is an Error (configuration).
Node load_yaml(const std::string& path, const YamlLimits& limits = {});

}  // namespace rankflow
