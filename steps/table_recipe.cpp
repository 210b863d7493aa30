#include "steps/table_recipe.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/expression_evaluator.h"
#include "io/optional_key.h"

namespace rankflow {
namespace {

/// What the step gives, or, where it gives nothing, what is known.
Json given_or_known(const Json& parameters, const Json& known, const char* key) {
  const Json given = parameters.at(key);
  const Json recipe = known.is_null() ? Json(nullptr) : known.value("recipe", Json(nullptr));
  if (recipe.is_null() || !recipe.contains(key)) return given;
  if (!given.empty() && given != recipe.at(key)) {
    throw Error(ExitStatus::configuration,
                str("`", key, "` differs from that of the dataset given as `statistics`"),
                str("leave `", key, "` out: it is applied as it is kept there"));
  }
  return recipe.at(key);
}

std::set<std::string> all_columns(const WantedStatistics& wanted) {
  std::set<std::string> all = wanted.moments;
  all.insert(wanted.quantiles.begin(), wanted.quantiles.end());
  all.insert(wanted.values.begin(), wanted.values.end());
  return all;
}

}  // namespace

TableRecipe::TableRecipe(const Json& parameters, const Json& known, TransformContext context)
    : derive_(given_or_known(parameters, known, "derive")),
      keys_(given_or_known(parameters, known, "transforms")),
      split_(parameters) {
  for (const auto& [name, source] : derive_.items())
    derived_.push_back({name, source, parse_expression(source.get<std::string>())});
  derived_ = in_order_of_dependence(std::move(derived_));
  if (!value_or_null(parameters, "filter").is_null()) filter_ = parameters.at("filter");
  const bool learnt = !known.is_null() && known.contains("recipe");
  for (const Json& keys : keys_) {
    transforms_.push_back(make_transform(keys, context));
    if (learnt) {
      const Json& state = known.at("recipe").at("learnt").at(static_cast<std::size_t>(context.number));
      if (!state.is_null()) transforms_.back()->use(state);
    }
    ++context.number;
  }
}

std::vector<std::string> TableRecipe::first_columns() const {
  std::vector<std::string> names;
  std::set<std::string> made;
  auto need = [&](const Expression& expression) {
    for (const std::string& name : columns_of(expression)) {
      if (made.count(name) == 0 && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    }
  };
  for (const NamedExpression& e : derived_) {
    need(e.expression);
    made.insert(e.name);
  }
  if (!filter_.empty()) need(parse_expression(filter_));
  if (!split_.column().empty() && made.count(split_.column()) == 0) names.push_back(split_.column());
  return names;
}

void TableRecipe::without(const std::set<std::string>& columns) {
  Lineage lineage;
  for (const NamedExpression& e : derived_) lineage.make(e.name, columns_of(e.expression));
  for (const auto& transform : transforms_) {
    transform->without(columns, lineage);
    transform->trace(lineage);
  }
}

Lineage TableRecipe::lineage() const {
  Lineage lineage;
  for (const NamedExpression& e : derived_) lineage.make(e.name, columns_of(e.expression));
  for (const auto& transform : transforms_) transform->trace(lineage);
  return lineage;
}

std::string TableRecipe::what_needs_all_rows() const {
  if (split_.learns()) return "`split_by` looks at all rows";
  for (std::size_t t = 0; t < transforms_.size(); ++t) {
    const std::string type = keys_.at(t).at("type");
    if (!transforms_[t]->ready()) return str("the transform ", type, " is learnt from all rows");
    if (!transforms_[t]->by_row()) return str("the transform ", type, " looks at more than the row itself");
  }
  return "";
}

std::int64_t TableRecipe::begin(TablePart& part) const {
  for (const NamedExpression& e : derived_)
    part.table.add(e.name, evaluate(e.expression, e.source, part.table));
  return filter_.empty() ? 0 : keep_where(part, parse_expression(filter_), filter_);
}

void TableRecipe::apply(TablePart& part, std::int64_t& filtered) const {
  filtered += begin(part);
  split_.assign(part);
  for (const auto& transform : transforms_) transform->apply(part);
}

std::size_t TableRecipe::end_of_level(std::size_t first) const {
  std::set<std::string> changed;
  const auto made = [&](const std::string& column) {  // one_hot makes columns out of those that it changes
    return changed.count(column) > 0 || changed.count(column.substr(0, column.find('='))) > 0;
  };
  std::size_t end = first;
  while (end < transforms_.size() && !transforms_[end]->ready()) {
    const auto columns = all_columns(transforms_[end]->wanted());
    const bool free = std::none_of(columns.begin(), columns.end(), made);
    if (end > first && (!free || !transforms_[end]->independent())) break;
    changed.insert(columns.begin(), columns.end());
    if (!transforms_[end++]->independent()) break;
  }
  return end;
}

void TableRecipe::learn(Communicator& comm, std::int64_t pieces,
                        const std::function<void(const std::function<void(TablePart&&)>&)>& parts) {
  const std::int64_t points = ColumnQuantiles::points_for(pieces);
  if (split_.learns()) {
    run_together(comm, [&] {
      parts([&](TablePart&& part) {
        begin(part);
        split_.look(part, points);
      });
    });
    split_.finish(comm);
  }
  for (;;) {
    const auto waiting =
        std::find_if(transforms_.begin(), transforms_.end(), [](const auto& t) { return !t->ready(); });
    if (waiting == transforms_.end()) return;
    const auto first = static_cast<std::size_t>(waiting - transforms_.begin()), end = end_of_level(first);
    WantedStatistics wanted;
    for (std::size_t t = first; t < end; ++t) {
      WantedStatistics more = transforms_[t]->wanted();
      wanted.moments.merge(more.moments);
      wanted.quantiles.merge(more.quantiles);
      wanted.values.merge(more.values);
    }
    TableLearner learner(wanted, split_.training(), points);
    run_together(comm, [&] {
      parts([&](TablePart&& part) {
        begin(part);
        split_.assign(part);
        for (std::size_t t = 0; t < first; ++t) transforms_[t]->apply(part);
        learner.look(part);
        for (std::size_t t = first; t < end; ++t) transforms_[t]->look(part);
      });
    });
    learner.finish(comm);
    for (std::size_t t = first; t < end; ++t) transforms_[t]->finish(comm, learner);
  }
}

Json TableRecipe::saved() const {
  if (derive_.empty() && transforms_.empty()) return nullptr;
  Json learnt = Json::array();
  for (const auto& transform : transforms_) learnt.push_back(transform->learnt());
  return {{"derive", derive_}, {"transforms", keys_}, {"learnt", learnt}};
}

}  // namespace rankflow
