// A hash table of facts in one block of bytes, as it lies in a file: looking one up costs a probe, and
// starting with many thousands of them costs no more than reading those that are asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "io/lazy_bytes.h"

namespace rankflow {

struct Fact {
  FileStamp stamp;
  std::string_view key;
  std::string_view value;
};

class FactTable {
 public:
  FactTable() = default;
  /// Takes the bytes of a file; what is cut off or no table becomes an empty one.
  explicit FactTable(LazyBytes bytes);

  /// Every fact has a checksum: a damaged one is not found. Views are valid as long as the table.
  std::optional<Fact> find(std::string_view key) const;
  /// All up to the first damaged one, in the order in which they were put in.
  std::vector<Fact> all() const;
  /// The bytes of a table with these facts; their keys must differ. Facts that are asked for one after the
  /// other are found fastest when they stand so here.
  static std::string encode(const std::vector<Fact>& facts);

 private:
  std::optional<Fact> fact_at(std::uint64_t offset) const;

  LazyBytes bytes_;
  std::uint64_t slots_ = 0;
};

}  // namespace rankflow
