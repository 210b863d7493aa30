#include "steps/partition_keys.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

std::string key_text(const PartitionKey& key) {
  return join(key, ", ");
}

PartitionKeys::PartitionKeys(const DatasetInfo& info, const std::vector<std::string>& columns) {
  const Json categories = info.schema.value("categories", Json::array());
  std::vector<std::string> names;
  for (const auto& category : categories) names.push_back(category.at("name"));
  std::int64_t combinations = 1;
  for (const auto& name : columns) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw Error(
          ExitStatus::configuration,
          str("partition_by: the dataset has no category ", in_quotes(name), did_you_mean(name, names)),
          names.empty() ? "features: {categorical: […]} of the prepare step"
                        : str("one of ", join(names, ", "),
                              "; or more under features: {categorical: […]} of the prepare step"));
    }
    const auto index = static_cast<std::size_t>(found - names.begin());
    columns_.push_back({index, categories[index].at("vocabulary").get<std::vector<std::string>>()});
    const auto values = std::max<std::int64_t>(1, std::ssize(columns_.back().vocabulary));
    if (combinations > std::numeric_limits<std::int64_t>::max() / values)
      throw Error(ExitStatus::configuration,
                  "partition_by: the columns' values have more than 2^63 combinations", "fewer columns");
    combinations *= values;
  }
}

std::optional<std::int64_t> PartitionKeys::number(const std::int64_t* codes) const {
  std::int64_t number = 0;
  for (const auto& column : columns_) {
    const std::int64_t code = codes[column.index];
    if (code < 1 || code > std::ssize(column.vocabulary)) return std::nullopt;
    number = number * std::ssize(column.vocabulary) + code - 1;
  }
  return number;
}

PartitionKey PartitionKeys::key(std::int64_t number) const {
  PartitionKey key(columns_.size());
  for (std::size_t i = columns_.size(); i-- > 0;) {
    const auto& vocabulary = columns_[i].vocabulary;
    key[i] = vocabulary[static_cast<std::size_t>(number % std::ssize(vocabulary))];
    number /= std::ssize(vocabulary);
  }
  return key;
}

std::optional<std::int64_t> PartitionKeys::number(const PartitionKey& key) const {
  std::int64_t number = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& vocabulary = columns_[i].vocabulary;
    const auto found = std::find(vocabulary.begin(), vocabulary.end(), key.at(i));
    if (found == vocabulary.end()) return std::nullopt;
    number = number * std::ssize(vocabulary) + (found - vocabulary.begin());
  }
  return number;
}

Partitions partitions_of(const Dataset& data, const PartitionKeys& keys) {
  Partitions partitions;
  std::map<std::int64_t, std::vector<std::int64_t>> rows_of;
  std::int64_t row = 0;
  data.for_each_row("categories", Range{0, data.rows()}, [&](const std::byte* codes) {
    if (const auto number = keys.number(reinterpret_cast<const std::int64_t*>(codes)))
      rows_of[*number].push_back(row);
    else
      ++partitions.without_key;
    ++row;
  });
  for (auto& [number, rows] : rows_of) partitions.all.push_back({keys.key(number), std::move(rows)});
  return partitions;
}

}  // namespace rankflow
