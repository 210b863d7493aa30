#include "steps/rows_learner.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "io/optional_key.h"
#include "io/table_columns.h"

namespace rankflow {

bool wants_nothing_learnt(const Json& keys) {
  const Json& features = value_or_null(keys, "features");
  const bool numeric = given(features, "numeric") && value_or_null(features, "categorical").empty();
  const bool no_classes = !given(keys, "target") || keys.at("task") == "regression" || given(keys, "classes");
  return numeric && no_classes && scaling_of(keys) == "none" && keys.at("missing_values") != "mean";
}

std::string scaling_of(const Json& keys) {
  return given(keys, "scaling") ? keys.at("scaling") : Json("standardise");
}

std::int64_t min_count_of(const Json& keys) {
  return given(keys, "min_count") ? keys.at("min_count").get<std::int64_t>() : 1;
}

void RowsLearner::look(const TableRows& rows, std::int64_t unit) {
  const std::size_t width = features_.numeric.size();
  const auto training = rows.rows_in(training_);
  if (unit != unit_) by_unit_.resize(by_unit_.size() + width);
  unit_ = unit;
  std::vector<double> values(training.size());
  for (std::size_t c = 0; c < width; ++c) {
    gather_numbers(*rows.numeric[c], training, values.data());
    Moments moments;
    for (const double v : values) {
      if (!std::isnan(v)) moments.add(v);
    }
    Moments& all = by_unit_[by_unit_.size() - width + c];
    all = merge(all, moments);
  }
  for (std::size_t f = 0; f < counts_.size(); ++f) {
    const Categories& categories = rows.categorical[f].categories;
    std::vector<std::int64_t> counts(categories.names.size());
    for (const std::int64_t row : training) {
      const std::int32_t code = categories.codes[static_cast<std::size_t>(row)];
      if (code >= 0) ++counts[static_cast<std::size_t>(code)];
    }
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] > 0) counts_[f][categories.names[c]] += counts[c];
    }
    types_[f] = static_cast<int>(categories.type);
  }
}

void RowsLearner::finish(Communicator& comm) {
  moments_ = merge_over_ranks(comm, by_unit_, features_.numeric.size());
  const auto all = comm.all_gather_text(Json{{"counts", counts_}, {"types", types_}}.dump());
  for (auto& counts : counts_) counts.clear();
  for (const std::string& text : all) {
    const Json json = Json::parse(text);
    for (std::size_t f = 0; f < counts_.size(); ++f) {
      for (const auto& [name, n] : json.at("counts").at(f).items()) counts_[f][name] += n.get<std::int64_t>();
      types_[f] = std::max(types_[f], json.at("types").at(f).get<int>());
    }
  }
}

FeatureEncoding RowsLearner::conclude(const std::string& scaling, std::int64_t min_count) const {
  FeatureEncoding encoding;
  for (std::size_t c = 0; c < moments_.size(); ++c)
    encoding.numeric.push_back(learn_scaling(features_.numeric[c], moments_[c], scaling));
  for (std::size_t f = 0; f < counts_.size(); ++f) {
    std::set<std::string> frequent;
    for (const auto& [name, n] : counts_[f]) {
      if (n >= min_count) frequent.insert(name);
    }
    const auto type = types_[f] < 0 ? ColumnType::text : static_cast<ColumnType>(types_[f]);
    encoding.categorical.push_back({features_.categorical[f], sorted_categories(frequent, type)});
  }
  return encoding;
}

}  // namespace rankflow
