#include "steps/image_split.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "steps/row_split.h"

namespace rankflow {
namespace {

using Splits = std::map<std::string, std::vector<std::int64_t>>;

Splits stratified(const std::vector<std::int64_t>& rows, std::span<const std::int64_t> labels,
                  const SplitFractions& fractions, std::uint64_t seed) {
  std::map<std::int64_t, std::vector<std::int64_t>> of_label;
  for (const std::int64_t row : rows) of_label[labels[static_cast<std::size_t>(row)]].push_back(row);
  std::vector<double> ends;
  std::vector<std::vector<std::int64_t>*> lists;
  Splits splits;
  double end = 0;
  for (const auto& [name, fraction] : fractions) {
    ends.push_back(end += fraction);
    lists.push_back(&splits[name]);
  }
  for (auto& [label, its_rows] : of_label) {
    std::sort(its_rows.begin(), its_rows.end(), [&](std::int64_t a, std::int64_t b) {
      return split_position(seed, a) < split_position(seed, b);
    });
    for (std::size_t i = 0; i < its_rows.size(); ++i) {
      const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(its_rows.size());
      // The last one takes what rounding leaves above the sum.
      const auto index = std::upper_bound(ends.begin(), ends.end() - 1, place) - ends.begin();
      lists[static_cast<std::size_t>(index)]->push_back(its_rows[i]);
    }
  }
  for (auto& [name, list] : splits) std::sort(list.begin(), list.end());
  return splits;
}

Error wrong(const std::string& message, const std::string& hint) {
  return Error(ExitStatus::configuration, message, hint);
}

}  // namespace

Splits split_images(const Json& parameters, const std::vector<std::int64_t>& rows,
                    std::span<const std::int64_t> labels) {
  const auto given = [&](const char* key) {
    const auto found = parameters.find(key);
    return found != parameters.end() && !found->is_null() && !found->empty();
  };
  const SplitFractions fractions =
      given("split") ? parameters.at("split").get<SplitFractions>() : SplitFractions{{"data", 1.0}};
  const auto seed = parameters.at("seed").get<std::uint64_t>();
  if (!given("split_by") || parameters.at("split_by").at("type") == "random")
    return split_rows(rows, fractions, seed);
  const Json& rule = parameters.at("split_by");
  const std::string type = rule.at("type");
  if (type != "stratified" || rule.at("column") != "label") {
    throw wrong(
        str("images can't be split by ", type, type == "stratified" ? " but within their labels" : ""),
        "split_by: {type: stratified, column: label}, or leave it out");
  }
  if (labels.empty())
    throw wrong("images without labels can't be split within their labels", "leave `split_by` out");
  return stratified(rows, labels, fractions, seed);
}

}  // namespace rankflow
