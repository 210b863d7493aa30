#include "steps/prepare_table.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/expression.h"
#include "io/expression_evaluator.h"
#include "io/table_reader.h"
#include "steps/column_statistics.h"
#include "steps/feature_selection.h"
#include "steps/prepare_target.h"
#include "steps/row_split.h"
#include "steps/table_transforms.h"

namespace rankflow {
namespace {

const Json& parameter(const Json& parameters, const char* key) {
  static const Json absent = nullptr;
  auto it = parameters.find(key);
  return it == parameters.end() ? absent : *it;
}

/// The table as far as every rank computes it for itself.
struct Loaded {
  std::optional<Table> table;
  Json known = nullptr;  // schema of the dataset `statistics`
  std::optional<Target> target;
  std::vector<std::string> numeric_names;
  std::vector<Column> numeric;
  std::vector<CategoryFeature> categorical;
  std::vector<char> keep;  // of each source row
  std::map<std::string, std::vector<std::int64_t>> splits;
  Json dropped = Json::object();  // why → rows
};

Table read_table(const StepContext& context) {
  const Json& p = context.parameters;
  CsvOptions options;
  options.header = p.at("header");
  if (!parameter(p, "columns").is_null()) options.columns = p.at("columns").get<std::vector<std::string>>();
  options.delimiter = p.at("delimiter").get<std::string>().front();
  options.missing = p.at("missing").get<std::vector<std::string>>();
  options.threads = context.threads > 1;
  return read_csv(context.inputs.at("data"), options);
}

std::vector<NamedExpression> derive(const Json& expressions, Table& table) {
  std::vector<NamedExpression> named;
  for (const auto& [name, source] : expressions.items()) {
    named.push_back({name, source, parse_expression(source.get<std::string>())});
  }
  named = in_order_of_dependence(std::move(named));
  for (const NamedExpression& e : named) table.add(e.name, evaluate(e.expression, e.source, table));
  return named;
}

FeatureNames choose_features(const Loaded& loaded, const Json& parameters,
                             const std::vector<NamedExpression>& derived) {
  std::set<std::string> excluded;
  if (loaded.target) excluded = columns_of_target(parse_expression(parameters.at("target")), derived);
  FeatureNames chosen = select_features(*loaded.table, parameter(parameters, "features"), excluded);
  if (!loaded.known.is_null()) {
    FeatureNames known;
    for (const auto& t : transforms_from_schema(loaded.known).numeric) known.numeric.push_back(t.name);
    for (const auto& t : transforms_from_schema(loaded.known).categorical)
      known.categorical.push_back(t.name);
    const bool listed = !parameter(parameters, "features").is_null();
    if (listed && (chosen.numeric != known.numeric || chosen.categorical != known.categorical)) {
      throw Error(ExitStatus::configuration,
                  "`features` differ from those of the dataset given as `statistics`",
                  "leave `features` out");
    }
    chosen = known;
  }
  if (chosen.numeric.empty() && chosen.categorical.empty()) {
    throw Error(ExitStatus::configuration, "no column is left to be a feature",
                "list columns under `features`");
  }
  return chosen;
}

/// Numeric columns and categories of the features; frees all other columns.
void take_features(Loaded& loaded, const FeatureNames& names) {
  for (const std::string& name : names.numeric) loaded.numeric.push_back(as_numbers(*loaded.table, name));
  for (const std::string& name : names.categorical) {
    loaded.categorical.push_back({name, categories_of(*loaded.table->at(name))});
  }
  loaded.numeric_names = names.numeric;
  loaded.table->keep_only({});
}

void apply_filter(Loaded& loaded, const Json& filter) {
  if (filter.is_null()) return;
  const std::string source = filter;
  const Expression expression = parse_expression(source);
  const Column column = evaluate(expression, source, *loaded.table);
  if (type_of(*column) != ColumnType::boolean) {
    throw expression_error(source, expression.offset, "a filter must be true or false");
  }
  std::int64_t dropped = 0;
  visit_numbers(*column, [&](std::int64_t row, double value) {
    if (value == 1) return;  // a missing value is not true
    loaded.keep[static_cast<std::size_t>(row)] = 0;
    ++dropped;
  });
  loaded.dropped["filter"] = dropped;
}

void drop_missing_features(Loaded& loaded) {
  std::int64_t dropped = 0;
  for (const Column& column : loaded.numeric) {
    visit_numbers(*column, [&](std::int64_t row, double value) {
      if (!std::isnan(value)) return;
      dropped += loaded.keep[static_cast<std::size_t>(row)];
      loaded.keep[static_cast<std::size_t>(row)] = 0;
    });
  }
  loaded.dropped["missing features"] = dropped;
}

void split(Loaded& loaded, const Json& parameters) {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < loaded.keep.size(); ++row) {
    if (loaded.keep[row]) rows.push_back(static_cast<std::int64_t>(row));
  }
  if (rows.empty())
    throw Error(ExitStatus::bad_data, "no row is left",
                "look at `filter`, `missing_values` and missing targets");
  SplitFractions fractions{{"data", 1.0}};
  if (!parameter(parameters, "split").is_null()) fractions = parameters.at("split").get<SplitFractions>();
  loaded.splits = split_rows(rows, fractions, parameters.at("seed").get<std::uint64_t>());
}

Loaded load(const StepContext& context) {
  const Json& p = context.parameters;
  Loaded loaded;
  if (auto it = context.inputs.find("statistics"); it != context.inputs.end()) {
    loaded.known = read_dataset_info(it->second).schema;
  }
  loaded.table = read_table(context);
  loaded.keep.assign(static_cast<std::size_t>(loaded.table->rows()), 1);
  const auto derived = derive(p.at("derive"), *loaded.table);
  apply_filter(loaded, parameter(p, "filter"));
  if (!parameter(p, "target").is_null()) {
    loaded.target = make_target(*loaded.table, p.at("target"), p.at("task"), loaded.known);
    loaded.dropped["missing target"] = loaded.target->leave_out_missing(loaded.keep);
  }
  take_features(loaded, choose_features(loaded, p, derived));
  if (p.at("missing_values") == "drop") drop_missing_features(loaded);
  split(loaded, p);
  return loaded;
}

/// The rows that statistics are learnt from.
const std::vector<std::int64_t>& training_rows(const Loaded& loaded) {
  return loaded.splits.size() == 1 ? loaded.splits.begin()->second : loaded.splits.at("train");
}

std::vector<std::int64_t> rows_within(const std::vector<std::int64_t>& rows, Range range) {
  return {std::lower_bound(rows.begin(), rows.end(), range.begin),
          std::lower_bound(rows.begin(), rows.end(), range.end)};
}

std::vector<std::int64_t> kept_within(const std::vector<char>& keep, Range range) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = range.begin; row < range.end; ++row) {
    if (keep[static_cast<std::size_t>(row)]) rows.push_back(row);
  }
  return rows;
}

/// Every kept row's value must be finite, and present unless missing ones are replaced.
void check_values(const Loaded& loaded, std::size_t column, Range range, bool missing_allowed) {
  const std::vector<std::int64_t> rows = kept_within(loaded.keep, range);
  std::vector<double> values(rows.size());
  gather_numbers(*loaded.numeric[column], rows, values.data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::isfinite(values[i]) || (std::isnan(values[i]) && missing_allowed)) continue;
    const char* what = std::isnan(values[i]) ? "no value" : "an infinite value";
    throw Error(
        ExitStatus::bad_data,
        str(loaded.table->place(rows[i]), ": column \"", loaded.numeric_names[column], "\" has ", what),
        std::isnan(values[i]) ? "missing_values: mean or drop" : "leave such rows out with `filter`");
  }
}

Moments moments_of(const arrow::ChunkedArray& column, const std::vector<std::int64_t>& rows) {
  std::vector<double> values(rows.size());
  gather_numbers(column, rows, values.data());
  Moments moments;
  for (double v : values) {
    if (!std::isnan(v)) moments.add(v);
  }
  return moments;
}

/// Statistics of the numeric features over the training rows; also checks all values. Collective.
std::vector<Moments> learn_moments(StepContext& context, const Loaded& loaded) {
  const auto rows = static_cast<std::int64_t>(loaded.keep.size());
  const bool missing_allowed = context.parameters.at("missing_values") != "error";
  std::vector<Moments> mine;
  run_together(context.comm, [&] {
    const Range blocks = my_blocks(context.comm, rows);
    for (std::int64_t b = blocks.begin; b < blocks.end; ++b) {
      const Range range = block_rows(b, rows);
      const auto training = rows_within(training_rows(loaded), range);
      for (std::size_t c = 0; c < loaded.numeric.size(); ++c) {
        check_values(loaded, c, range, missing_allowed);
        mine.push_back(moments_of(*loaded.numeric[c], training));
      }
    }
  });
  return merge_over_ranks(context.comm, mine, loaded.numeric.size());
}

/// How often each category of a feature occurs among the training rows. Collective.
std::vector<std::int64_t> count_categories(StepContext& context, const Loaded& loaded,
                                           const Categories& categories) {
  std::vector<std::int64_t> counts(categories.names.size());
  const auto& rows = training_rows(loaded);
  const Range mine =
      partition(static_cast<std::int64_t>(rows.size()), context.comm.size(), context.comm.rank());
  for (std::int64_t i = mine.begin; i < mine.end; ++i) {
    const std::int32_t code = categories.codes[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])];
    if (code >= 0) ++counts[static_cast<std::size_t>(code)];
  }
  context.comm.all_reduce(std::span(counts), ReduceOp::sum);
  return counts;
}

CategoryTransform learn_vocabulary(StepContext& context, const Loaded& loaded,
                                   const CategoryFeature& feature) {
  const auto counts = count_categories(context, loaded, feature.categories);
  const std::int64_t least = context.parameters.at("min_count");
  CategoryTransform transform{feature.name, {}};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] >= std::max<std::int64_t>(least, 1))
      transform.vocabulary.push_back(feature.categories.names[i]);
  }
  return transform;
}

/// Collective.
TableTransforms learn(StepContext& context, const Loaded& loaded) {
  const TimedSpan span(context.timeline, "learn statistics", "prepare");
  const std::vector<Moments> moments = learn_moments(context, loaded);
  if (!loaded.known.is_null()) return transforms_from_schema(loaded.known);
  TableTransforms transforms;
  // The moments are the same on all ranks, so that all throw here or none does.
  for (std::size_t c = 0; c < moments.size(); ++c) {
    transforms.numeric.push_back(
        learn_scaling(loaded.numeric_names[c], moments[c], context.parameters.at("scaling")));
  }
  for (const CategoryFeature& feature : loaded.categorical) {
    transforms.categorical.push_back(learn_vocabulary(context, loaded, feature));
  }
  return transforms;
}

Json schema_of(const Loaded& loaded, const TableTransforms& transforms) {
  Json schema = Json::object();
  add_to_schema(transforms, schema);
  if (!loaded.target) return schema;
  schema["target"] = loaded.target->name;
  schema["task"] = loaded.target->classification ? "classification" : "regression";
  if (loaded.target->classification) schema["classes"] = loaded.target->classes;
  return schema;
}

}  // namespace

PreparedData prepare_table(StepContext& context) {
  Loaded loaded;
  run_together(context.comm, [&] {
    const TimedSpan span(context.timeline, "read", "prepare");
    loaded = load(context);
    if (loaded.known.is_null() && training_rows(loaded).empty()) {
      throw Error(ExitStatus::bad_data, "no row fell into the split `train`",
                  "more rows, or a larger fraction");
    }
  });
  const TableTransforms transforms = learn(context, loaded);

  PreparedData data;
  data.schema = schema_of(loaded, transforms);
  data.summary = {{"rows_read", loaded.keep.size()},
                  {"rows_dropped", loaded.dropped},
                  {"numeric_features", transforms.numeric.size()},
                  {"categorical_features", transforms.categorical.size()}};
  data.columns = feature_columns(transforms, std::move(loaded.numeric), std::move(loaded.categorical));
  if (loaded.target) data.columns.push_back(loaded.target->column());
  data.columns.push_back(row_column());
  data.splits = std::move(loaded.splits);
  return data;
}

}  // namespace rankflow
