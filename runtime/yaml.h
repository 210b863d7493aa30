// A YAML document as a tree that remembers where each value stands, so that errors can point at it.
// Parsed with libyaml's event interface (an order of magnitude faster than yaml-cpp, and linear in time and memory:
// size, depth and number of nodes are bounded before anything is built; aliases count as the nodes they stand for).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/json.h"

namespace rankflow {

/// Line and column from 1; `file` as the user named it. line 0: not from a file (a default, the command line).
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

struct YamlLimits {
  std::size_t bytes = 64u << 20;
  std::size_t nodes = 2'000'000;
  int depth = 64;
};

class Node {
 public:
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  std::string text;             // scalar
  bool quoted = false;          // scalar: was in quotes or a block, so it is a string whatever it looks like
  std::vector<Node> items;      // sequence
  std::vector<std::pair<Node, Node>> entries;  // mapping, in file order; keys are scalars, none twice
  int line = 0, column = 0;     // the file is the same for a whole tree

  const Node* find(const std::string& key) const;
  /// Untyped JSON by YAML 1.2's core schema (null, true/false, integers, floats, strings).
  Json to_json() const;
  static Node from_json(const Json& value, int line = 0, int column = 0);
};

/// Throws ConfigError with the place: syntax, duplicate key, not UTF-8, over a limit, several documents, tags.
Node parse_yaml(const std::string& text, const std::string& file, const YamlLimits& limits = {});
/// Reads a regular file no larger than the limit and parses it. A missing file is an Error (configuration).
Node load_yaml(const std::string& path, const YamlLimits& limits = {});

}  // namespace rankflow
