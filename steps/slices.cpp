#include "steps/slices.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "io/carried.h"

namespace rankflow {
namespace {

const char* const unknown = "(unknown)";
constexpr std::size_t most_values = 1000;  // that get a slice each

std::vector<std::string> names_in(const Json& schema, const char* key) {
  std::vector<std::string> names;
  if (const auto found = schema.find(key); found != schema.end()) {
    for (const auto& entry : *found) names.push_back(entry.at("name"));
  }
  return names;
}

std::optional<std::size_t> place_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

/// Element `index` of every row of a column of arrays.
template <typename T>
std::vector<T> read_element(const Dataset& data, const std::string& column, std::size_t index) {
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(data.rows()));
  data.for_each_row(column, Range{0, data.rows()},
                    [&](const std::byte* row) { values.push_back(reinterpret_cast<const T*>(row)[index]); });
  return values;
}

/// What the slice of rows without a value is called: as nothing else is.
std::string name_of_unknown(const std::function<bool(const std::string&)>& taken) {
  std::string name = unknown;
  while (taken(name)) name = str("(", name, ")");
  return name;
}

std::vector<Slice> by_category(const Dataset& data, const std::string& name, std::size_t index) {
  const auto vocabulary =
      data.info().schema.at("categories").at(index).at("vocabulary").get<std::vector<std::string>>();
  std::vector<Slice> slices{{name,
                             name_of_unknown([&](const std::string& value) {
                               return std::find(vocabulary.begin(), vocabulary.end(), value) !=
                                      vocabulary.end();
                             }),
                             {}}};
  for (const auto& value : vocabulary) slices.push_back({name, value, {}});
  const auto codes = read_element<std::int64_t>(data, "categories", index);
  for (std::size_t row = 0; row < codes.size(); ++row)
    slices.at(static_cast<std::size_t>(codes[row])).rows.push_back(static_cast<std::int64_t>(row));
  return slices;
}

/// Where the ranges after the first begin: quantiles, each once.
template <typename T>
std::vector<T> cuts(std::vector<T> values, std::int64_t buckets) {
  std::sort(values.begin(), values.end());
  std::vector<T> at;
  for (std::int64_t b = 1; b < buckets; ++b) {
    const T value = values[static_cast<std::size_t>(partition(std::ssize(values), buckets, b).begin)];
    if (value > values.front() && (at.empty() || value > at.back())) at.push_back(value);
  }
  return at;
}

/// Ranges of the values that are no NaN; rows whose value is one come first, in a slice of their own.
template <typename T>
std::vector<Slice> by_range(const std::string& name, const std::vector<T>& values, std::int64_t buckets,
                            const std::function<std::string(T)>& text) {
  std::vector<T> known;
  std::copy_if(values.begin(), values.end(), std::back_inserter(known), [](T v) { return v == v; });
  std::vector<Slice> slices{{name, unknown, {}}};
  const auto at = known.empty() ? known : cuts(std::move(known), buckets);
  for (std::size_t b = 0; b <= at.size(); ++b) {
    std::string range = "all";
    if (b == 0 && !at.empty()) range = str("below ", text(at[b]));
    if (b > 0)
      range = b < at.size() ? str(text(at[b - 1]), " to ", text(at[b])) : str(text(at[b - 1]), " and more");
    slices.push_back({name, range, {}});
  }
  for (std::size_t row = 0; row < values.size(); ++row) {
    const auto bucket = std::upper_bound(at.begin(), at.end(), values[row]) - at.begin() + 1;
    slices[values[row] == values[row] ? static_cast<std::size_t>(bucket) : 0].rows.push_back(
        static_cast<std::int64_t>(row));
  }
  return slices;
}

std::vector<Slice> by_number(const Dataset& data, const std::string& name, std::size_t index,
                             std::int64_t buckets) {
  const Json& feature = data.info().schema.at("features").at(index);
  const double mean = feature.at("mean"), scale = feature.at("scale");
  return by_range<float>(name, read_element<float>(data, "features", index), buckets,
                         [&](float value) { return significant(value * scale + mean, 6); });
}

/// A slice for each value, in their order; `text` says what it is called. Nothing where there are more than `most_values`.
template <typename T>
std::optional<std::vector<Slice>> by_value(const std::string& name, const std::vector<T>& values,
                                           const std::function<std::string(const T&)>& text) {
  std::map<T, std::vector<std::int64_t>> rows;
  for (std::size_t row = 0; row < values.size(); ++row) {
    rows[values[row]].push_back(static_cast<std::int64_t>(row));
    if (rows.size() > most_values) return std::nullopt;
  }
  std::vector<Slice> slices;
  for (auto& [value, its] : rows) slices.push_back({name, text(value), std::move(its)});
  return slices;
}

std::vector<Slice> by_text(const Dataset& data, const ColumnInfo& column) {
  std::vector<std::string_view> texts;  // where they are mapped
  data.for_each_row(column.name, Range{0, data.rows()},
                    [&](const std::byte* row) { texts.push_back(text_at(row, column)); });
  const std::string missing = name_of_unknown(
      [&](const std::string& name) { return std::find(texts.begin(), texts.end(), name) != texts.end(); });
  auto slices = by_value<std::string_view>(column.name, texts, [&](const std::string_view& text) {
    return text.empty() ? missing : std::string(text);
  });
  if (slices) return *std::move(slices);
  throw Error(ExitStatus::configuration,
              str("slices: the column ", in_quotes(column.name), " has more than ", most_values, " texts"),
              "slice by one that rows share");
}

std::vector<Slice> by_carried(const Dataset& data, const ColumnInfo& column, ColumnType type,
                              std::int64_t buckets) {
  switch (type) {
    case ColumnType::boolean: {
      const auto values = read_element<std::uint8_t>(data, column.name, 0);
      return *by_value<std::uint8_t>(column.name, values,
                                     [](std::uint8_t value) { return value ? "true" : "false"; });
    }
    case ColumnType::integer: {
      const auto values = read_element<std::int64_t>(data, column.name, 0);
      auto slices =
          by_value<std::int64_t>(column.name, values, [](std::int64_t value) { return str(value); });
      if (slices) return *std::move(slices);
      return by_range<std::int64_t>(column.name, values, buckets,
                                    [](std::int64_t value) { return str(value); });
    }
    case ColumnType::real:
      return by_range<double>(column.name, read_element<double>(data, column.name, 0), buckets,
                              [](double value) { return significant(value, 6); });
    case ColumnType::text:
      break;
  }
  return by_text(data, column);
}

}  // namespace

std::vector<Slice> slices_of(const Dataset& data, const std::vector<std::string>& columns,
                             std::int64_t buckets) {
  const auto categories = names_in(data.info().schema, "categories");
  const auto features = names_in(data.info().schema, "features");
  std::vector<Slice> all;
  for (const auto& name : columns) {
    std::vector<Slice> some;
    if (const auto carried = carried_type(data.info(), name))
      some = by_carried(data, data.info().at(name), *carried, buckets);
    else if (const auto category = place_of(categories, name))
      some = by_category(data, name, *category);
    else if (const auto feature = place_of(features, name))
      some = by_number(data, name, *feature, buckets);
    else {
      auto known = categories;
      known.insert(known.end(), features.begin(), features.end());
      for (const CarriedColumn& other : carried_columns(data.info())) known.push_back(other.name);
      throw Error(ExitStatus::configuration,
                  str("slices: the dataset has no column ", in_quotes(name), did_you_mean(name, known)),
                  known.empty() ? "it has no categories, features or carried columns to slice by"
                                : str("one of ", join(known, ", ")));
    }
    std::erase_if(some, [](const Slice& slice) { return slice.rows.empty(); });
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace rankflow
