// Transforms that learn from the training rows what they do to all.
#include <algorithm>

#include "base/text.h"
#include "io/optional_key.h"
#include "io/table_columns.h"
#include "steps/feature_encoding.h"
#include "steps/table_transform.h"

namespace rankflow {
namespace {

using Names = std::vector<std::string>;

/// The column in an expression, true and false as 1 and 0.
std::string as_number(const Table& table, const std::string& column) {
  const std::string name = quoted_column(column);
  return table.type(column) == ColumnType::boolean ? str("real(", name, ")") : name;
}

/// Learns something of each of its columns, as JSON, and applies it.
class PerColumn : public TableTransform {
 public:
  explicit PerColumn(const Json& keys) : keys_(keys), columns_(keys.at("columns").get<Names>()) {}

  bool ready() const override { return !learnt_.is_null(); }
  void finish(Communicator&, const TableLearner& learner) override {
    Json learnt = Json::object();
    for (const std::string& column : columns_) learnt[column] = learn(column, learner);
    learnt_ = std::move(learnt);
  }
  void apply(TablePart& part) const override {
    for (const std::string& column : columns_) apply_to(part.table, column, learnt_.at(column));
  }
  Json learnt() const override { return learnt_; }
  void use(const Json& learnt) override { learnt_ = learnt; }

 protected:
  virtual Json learn(const std::string& column, const TableLearner& learner) const = 0;
  virtual void apply_to(Table& table, const std::string& column, const Json& learnt) const = 0;
  std::set<std::string> columns() const { return {columns_.begin(), columns_.end()}; }
  bool given(const char* key) const { return rankflow::given(keys_, key); }
  void learn_nothing() {
    learnt_ = Json::object();
    for (const std::string& column : columns_) learnt_[column] = Json::object();
  }

  Json keys_;

 private:
  Names columns_;
  Json learnt_ = nullptr;
};

class Scale : public PerColumn {
 public:
  Scale(const Json& keys, std::string scaling) : PerColumn(keys), scaling_(std::move(scaling)) {}
  WantedStatistics wanted() const override { return {columns(), {}, {}}; }

 private:
  Json learn(const std::string& column, const TableLearner& learner) const override {
    const NumericEncoding t = learn_scaling(column, learner.moments(column), scaling_);
    return {{"shift", t.mean}, {"scale", t.scale}};
  }
  void apply_to(Table& table, const std::string& column, const Json& learnt) const override {
    set_column(table, column,
               str("(", as_number(table, column), " - ", number_text(learnt.at("shift")), ") / ",
                   number_text(learnt.at("scale"))));
  }
  std::string scaling_;
};

class Fill : public PerColumn {
 public:
  explicit Fill(const Json& keys) : PerColumn(keys) {
    if (given("value")) learn_nothing();
  }
  WantedStatistics wanted() const override {
    const std::string with = keys_.at("with");
    return {with == "mean" ? columns() : std::set<std::string>{},
            with == "median" ? columns() : std::set<std::string>{},
            with == "most_frequent" ? columns() : std::set<std::string>{}};
  }

 private:
  Json learn(const std::string& column, const TableLearner& learner) const override {
    const std::string with = keys_.at("with");
    if (with == "mean" && learner.moments(column).count > 0) return {{"value", learner.moments(column).mean}};
    if (with == "median" && !learner.quantiles(column).empty())
      return {{"value", learner.quantiles(column).interpolated(0.5)}};
    if (with == "most_frequent" && !learner.values(column).empty()) {
      const auto& values = learner.values(column);
      const auto most = std::max_element(values.begin(), values.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
      if (learner.type(column) == ColumnType::text) return {{"value", most->first}};
      const Json value = Json::parse(most->first, nullptr, /*allow_exceptions=*/false);
      if (value.is_discarded())
        throw Error(ExitStatus::bad_data,
                    str("the most frequent value of column \"", column, "\" is ", most->first),
                    "leave such rows out with a filter before");
      return {{"value", value}};
    }
    throw Error(ExitStatus::bad_data,
                str("column \"", column, "\" has no value in the training rows to fill others with"));
  }
  void apply_to(Table& table, const std::string& column, const Json& learnt) const override {
    const Json& value = given("value") ? keys_.at("value") : learnt.at("value");
    const std::string text = value.is_string()                ? quoted_text(value)
                             : value.is_number_float()        ? number_text(value)
                             : value.is_number() && value < 0 ? "(" + value.dump() + ")"
                                                              : value.dump();
    if (value.is_string() && is_all_missing(*table.at(column)))  // such a column could be of any type
      table.set(column, missing_column(ColumnType::text, table.rows()));
    const std::string name = value.is_number() ? as_number(table, column) : quoted_column(column);
    set_column(table, column, str("if(is_missing(", name, "), ", text, ", ", name, ")"));
  }
};

class Clip : public PerColumn {
 public:
  explicit Clip(const Json& keys) : PerColumn(keys) {
    if (!given("quantiles")) learn_nothing();
  }
  WantedStatistics wanted() const override { return {{}, columns(), {}}; }

 private:
  Json learn(const std::string& column, const TableLearner& learner) const override {
    const auto& quantiles = learner.quantiles(column);
    if (quantiles.empty()) return Json::object();
    return {{"min", quantiles.interpolated(keys_.at("quantiles").at(0))},
            {"max", quantiles.interpolated(keys_.at("quantiles").at(1))}};
  }
  void apply_to(Table& table, const std::string& column, const Json& learnt) const override {
    std::string expression = as_number(table, column);
    for (const char* bound : {"min", "max"}) {
      const bool own = given(bound);
      if (!own && !learnt.contains(bound)) continue;
      const double limit = own ? keys_.at(bound).get<double>() : learnt.at(bound).get<double>();
      expression =
          str(std::string(bound) == "min" ? "max(" : "min(", expression, ", ", number_text(limit), ")");
    }
    set_column(table, column, str("real(", expression, ")"));
  }
};

class Bucket : public PerColumn {
 public:
  explicit Bucket(const Json& keys) : PerColumn(keys) {
    if (given("at")) learn_nothing();
  }
  WantedStatistics wanted() const override { return {{}, columns(), {}}; }

 private:
  Json learn(const std::string& column, const TableLearner& learner) const override {
    const int buckets = keys_.at("buckets");
    std::vector<double> cuts;
    for (int i = 1; i < buckets && !learner.quantiles(column).empty(); ++i) {
      const double cut = learner.quantiles(column).interpolated(static_cast<double>(i) / buckets);
      if (cuts.empty() || cut > cuts.back()) cuts.push_back(cut);
    }
    return {{"at", cuts}};
  }
  void apply_to(Table& table, const std::string& column, const Json& learnt) const override {
    const Json& cuts = given("at") ? keys_.at("at") : learnt.at("at");
    table.set(column, numbers_of_buckets(*as_numbers(table, column), cuts.get<std::vector<double>>()));
  }
};

/// Values that are frequent enough among the training rows, the most frequent first.
Json frequent(const std::map<std::string, std::int64_t>& counts, std::int64_t least, std::int64_t most) {
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [value, n] : counts) {
    if (n >= least) order.emplace_back(-n, value);
  }
  std::sort(order.begin(), order.end());
  if (most > 0 && static_cast<std::int64_t>(order.size()) > most)
    order.resize(static_cast<std::size_t>(most));
  Json values = Json::array();
  for (const auto& [n, value] : order) values.push_back(value);
  return values;
}

class Category : public PerColumn {
 public:
  explicit Category(const Json& keys) : PerColumn(keys) {
    if (given("hash_buckets")) learn_nothing();
  }
  WantedStatistics wanted() const override { return {{}, {}, columns()}; }

 private:
  Json learn(const std::string& column, const TableLearner& learner) const override {
    return {{"values", frequent(learner.values(column), keys_.at("min_count"),
                                given("most") ? keys_.at("most").get<std::int64_t>() : 0)}};
  }
  void apply_to(Table& table, const std::string& column, const Json& learnt) const override {
    if (given("hash_buckets"))
      return table.set(column, hash_buckets(table.at(column), keys_.at("hash_buckets")));
    const auto known = learnt.at("values").get<std::set<std::string>>();
    const std::string unknown = given("unknown") ? keys_.at("unknown").get<std::string>() : "";
    table.set(column, replace_unknown(table.at(column), known, given("unknown") ? &unknown : nullptr));
  }
};

class OneHot : public PerColumn {
 public:
  explicit OneHot(const Json& keys) : PerColumn(keys) {}
  WantedStatistics wanted() const override { return {{}, {}, columns()}; }

 private:
  Json learn(const std::string& column, const TableLearner& learner) const override {
    const Json values = frequent(learner.values(column), keys_.at("min_count"), keys_.at("most"));
    const auto sorted = sorted_categories(values.get<std::set<std::string>>(),
                                          values.empty() ? ColumnType::text : learner.type(column));
    return {{"values", sorted}};
  }
  void apply_to(Table& table, const std::string& column, const Json& learnt) const override {
    const auto values = learnt.at("values").get<std::vector<std::string>>();
    const auto columns = one_hot_columns(*table.at(column), values);
    std::vector<std::string> left = table.names();
    std::erase(left, column);
    for (std::size_t v = 0; v < values.size(); ++v) {
      left.push_back(str(column, "=", values[v]));
      table.add(left.back(), columns[v]);
    }
    table.keep_only(left);
  }
  void trace(Lineage& lineage) const override {
    const Json all = learnt();
    for (const auto& [column, of_column] : all.items()) {
      for (const std::string value : of_column.at("values")) lineage.make(str(column, "=", value), {column});
    }
  }
};

}  // namespace

std::unique_ptr<TableTransform> make_standardise_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Scale>(keys, "standardise");
}

std::unique_ptr<TableTransform> make_min_max_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Scale>(keys, "minmax");
}

std::unique_ptr<TableTransform> make_fill_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Fill>(keys);
}

std::unique_ptr<TableTransform> make_clip_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Clip>(keys);
}

std::unique_ptr<TableTransform> make_bucket_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Bucket>(keys);
}

std::unique_ptr<TableTransform> make_category_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Category>(keys);
}

std::unique_ptr<TableTransform> make_one_hot_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<OneHot>(keys);
}

}  // namespace rankflow
