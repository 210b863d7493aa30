// Partitions of a dataset: its rows by the values of one or several category columns, such as all flights of an airport.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/dataset.h"

namespace rankflow {

/// The values of the key columns, in the order of these.
using PartitionKey = std::vector<std::string>;

/// "ATL" or "ATL, DEN", for people.
std::string key_text(const PartitionKey& key);

struct Partition {
  PartitionKey key;
  std::vector<std::int64_t> rows;  // of the dataset, ascending
};

/// Which partition each row of a dataset belongs to.
class PartitionKeys {
 public:
  /// `columns`: names of categories in the dataset's schema. Throws Error (configuration) for a name that is none, and for
  /// columns whose values have more combinations than there are numbers.
  PartitionKeys(const DatasetInfo& info, const std::vector<std::string>& columns);

  /// A number for the key of a row, given the codes of all its categories; ascending with the codes of the first key column,
  /// then of the next. None where the value of a key column is unknown or missing (code 0).
  std::optional<std::int64_t> number(const std::int64_t* codes) const;
  PartitionKey key(std::int64_t number) const;
  /// nullopt where a value is in no vocabulary.
  std::optional<std::int64_t> number(const PartitionKey& key) const;

 private:
  struct Column {
    std::size_t index;  // within `categories`
    std::vector<std::string> vocabulary;
  };
  std::vector<Column> columns_;
};

struct Partitions {
  std::vector<Partition> all;    // in the order of their keys' numbers
  std::int64_t without_key = 0;  // rows
};
Partitions partitions_of(const Dataset& data, const PartitionKeys& keys);

}  // namespace rankflow
