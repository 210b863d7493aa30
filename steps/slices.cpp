#include "steps/slices.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

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

std::vector<Slice> by_category(const Dataset& data, const std::string& name, std::size_t index) {
  const auto vocabulary =
      data.info().schema.at("categories").at(index).at("vocabulary").get<std::vector<std::string>>();
  std::string unknown = "(unknown)";
  while (std::find(vocabulary.begin(), vocabulary.end(), unknown) != vocabulary.end())
    unknown = str("(", unknown, ")");
  std::vector<Slice> slices{{name, unknown, {}}};
  for (const auto& value : vocabulary) slices.push_back({name, value, {}});
  const auto codes = read_element<std::int64_t>(data, "categories", index);
  for (std::size_t row = 0; row < codes.size(); ++row)
    slices.at(static_cast<std::size_t>(codes[row])).rows.push_back(static_cast<std::int64_t>(row));
  return slices;
}

/// Where the ranges after the first begin: quantiles, each once.
std::vector<float> cuts(std::vector<float> values, std::int64_t buckets) {
  std::sort(values.begin(), values.end());
  std::vector<float> at;
  for (std::int64_t b = 1; b < buckets; ++b) {
    const float value = values[static_cast<std::size_t>(partition(std::ssize(values), buckets, b).begin)];
    if (value > values.front() && (at.empty() || value > at.back())) at.push_back(value);
  }
  return at;
}

std::vector<Slice> by_number(const Dataset& data, const std::string& name, std::size_t index,
                             std::int64_t buckets) {
  const Json& feature = data.info().schema.at("features").at(index);
  const double mean = feature.at("mean"), scale = feature.at("scale");
  const auto values = read_element<float>(data, "features", index);
  if (values.empty()) return {};
  const auto at = cuts(values, buckets);
  const auto text = [&](float value) { return significant(value * scale + mean, 6); };
  std::vector<Slice> slices;
  for (std::size_t b = 0; b <= at.size(); ++b) {
    std::string range = "all";
    if (b == 0 && !at.empty()) range = str("below ", text(at[b]));
    if (b > 0)
      range = b < at.size() ? str(text(at[b - 1]), " to ", text(at[b])) : str(text(at[b - 1]), " and more");
    slices.push_back({name, range, {}});
  }
  for (std::size_t row = 0; row < values.size(); ++row) {
    const auto bucket = std::upper_bound(at.begin(), at.end(), values[row]) - at.begin();
    slices[static_cast<std::size_t>(bucket)].rows.push_back(static_cast<std::int64_t>(row));
  }
  return slices;
}

}  // namespace

std::vector<Slice> slices_of(const Dataset& data, const std::vector<std::string>& columns,
                             std::int64_t buckets) {
  const auto categories = names_in(data.info().schema, "categories");
  const auto features = names_in(data.info().schema, "features");
  std::vector<Slice> all;
  for (const auto& name : columns) {
    std::vector<Slice> some;
    if (const auto category = place_of(categories, name))
      some = by_category(data, name, *category);
    else if (const auto feature = place_of(features, name))
      some = by_number(data, name, *feature, buckets);
    else {
      auto known = categories;
      known.insert(known.end(), features.begin(), features.end());
      throw Error(ExitStatus::configuration,
                  str("slices: the dataset has no column ", in_quotes(name), did_you_mean(name, known)),
                  known.empty() ? "it has no categories and no features to slice by"
                                : str("one of ", join(known, ", ")));
    }
    std::erase_if(some, [](const Slice& slice) { return slice.rows.empty(); });
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace rankflow
