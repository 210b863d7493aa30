#include "steps/prepare_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>

#include "base/memory_limit.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/optional_key.h"
#include "io/table_input.h"
#include "steps/absent_columns.h"
#include "steps/feature_selection.h"
#include "steps/known_dataset.h"
#include "steps/prepare_script.h"
#include "steps/rows_learner.h"
#include "steps/split_writer.h"
#include "steps/table_keys.h"
#include "steps/table_recipe.h"
#include "steps/table_rows.h"
#include "steps/takeover.h"

namespace rankflow {
namespace {

/// Bytes of rows that this rank may keep.
std::int64_t memory_budget(const StepContext& context) {
  const Json& given = value_or_null(context.parameters, "memory_per_rank");
  const double all =
      given.is_null() ? available_memory() / (2 * context.local_size) : given.get<double>() * 1e9;
  return static_cast<std::int64_t>(all / 2);  // the other half: what is being read, computed and written
}

class TablePreparation {
 public:
  explicit TablePreparation(StepContext& context)
      : context_(context), scratch_(context.outputs.begin()->second + "/.scratch") {}

  void run();

 private:
  void open();
  std::vector<std::string> columns_to_read() const;
  TransformContext transform_context();
  void for_each_part(const std::function<void(TablePart&&)>& use);
  TablePart part(std::int64_t piece);
  /// A table without rows that has the columns that all parts have in the end.
  Table shape();
  void find_absent();
  void check_absent(const Table& shape) const;
  void choose_features(const Table& shape);
  void learn();
  void learn_rows();
  /// For the last time.
  TableRows rows(std::int64_t piece);
  void write();
  Json schema() const;
  void report(const std::vector<std::vector<std::int64_t>>& rows);

  StepContext& context_;
  const Json& keys_ = context_.parameters;
  std::string scratch_;
  Json known_ = nullptr;  // schema of the dataset `statistics`
  AbsentColumns absent_;
  std::optional<Takeover> takeover_;
  std::optional<TableInput> input_;
  std::vector<Share> shares_;  // of this rank, in order
  std::optional<TableRecipe> recipe_;
  FeatureNames features_;
  std::optional<TargetRule> target_;
  CarriedColumns carried_;
  FeatureEncoding encoding_;
  std::map<std::int64_t, TableRows> kept_;  // by piece
  std::vector<std::int64_t> counts_;        // rows of this rank in each split
  DroppedRows dropped_;
};

TransformContext TablePreparation::transform_context() {
  TransformContext context{scratch_, context_.comm.rank(), 0, {}};
  const auto path = context_.inputs.find("join");
  if (path == context_.inputs.end()) return context;
  const auto alone = make_self_communicator();
  TableOptions options;
  options.missing = missing_texts(keys_, known_);
  const std::string scratch = str(scratch_, "/join-", context.rank);
  const auto names = TableInput(*alone, path->second, options, scratch).known_names();
  for (const auto& [column, type] : table_options(keys_).types) {  // they hold for both tables
    if (std::find(names.begin(), names.end(), column) != names.end()) options.types[column] = type;
  }
  TableInput small(*alone, path->second, options, scratch);
  small.settle(*alone, {}, std::numeric_limits<std::int64_t>::max());
  context.tables["join"] = std::make_shared<const Table>(small.whole());
  return context;
}

void TablePreparation::open() {
  const TimedSpan span(context_.timeline, "read", "prepare");
  run_together(context_.comm, [&] {
    if (auto it = context_.inputs.find("statistics"); it != context_.inputs.end())
      known_ = read_dataset_info(it->second).schema;
    recipe_.emplace(keys_, known_, transform_context());
    require_same_types(keys_, known_, *recipe_);
  });
  const bool script = keys_.contains("entry_script");
  const std::string path = script ? rows_of_script(context_, scratch_) : context_.inputs.at("data");
  TableOptions options;
  if (!script) {
    options = table_options(keys_);
    options.missing = missing_texts(keys_, known_);
    if (auto target = context_.inputs.find("target"); target != context_.inputs.end())
      options.beside = target->second;
  }
  options.earlier_types = known_types(known_);
  takeover_.emplace(context_, obstacle_to_takeover(context_, known_, *recipe_));
  do {
    input_.emplace(context_.comm, path, options, scratch_,
                   [&](const auto& files) { return takeover_->recognise(files); });
    input_->settle(context_.comm, columns_to_read(), memory_budget(context_));
  } while (!takeover_->fits(*input_));
  for (const std::string& sentence : input_->left_out()) context_.report.note(sentence);
  run_together(context_.comm, [&] { takeover_->open(*input_, recipe_->split().names()); });
  shares_ = takeover_->shares(*input_);
  run_together(context_.comm, [&] { find_absent(); });
}

void TablePreparation::find_absent() {
  if (!columns_to_read().empty()) return;  // all that are used are there
  absent_ = AbsentColumns(known_types(known_), input_->without_rows());
  if (!absent_.names().empty()) recipe_->without(absent_.names());
}

void TablePreparation::check_absent(const Table& shape) const {
  const Lineage lineage = recipe_->lineage();
  const auto check = [&](const std::string& expression, const std::string& user) {
    for (const std::string& column : columns_of(parse_expression(expression)))
      absent_.check(lineage, column, user);
  };
  for (const auto* kind : {&features_.numeric, &features_.categorical}) {
    for (const std::string& feature : *kind) {
      if (shape.has(feature)) absent_.check(lineage, feature, str("the feature \"", feature, "\""));
    }
  }
  for (const std::string& name : carried_.names()) absent_.check(lineage, name, str("`carry: [", name, "]`"));
  if (target_) check(keys_.at("target"), "the target");
  if (!value_or_null(keys_, "filter").is_null()) check(keys_.at("filter"), "`filter`");
  if (!recipe_->split().column().empty()) absent_.check(lineage, recipe_->split().column(), "`split_by`");
}

/// Empty, for all, unless the columns that are used are known to be fewer, and known to be there: otherwise what is missing is
/// better said with all names at hand.
std::vector<std::string> TablePreparation::columns_to_read() const {
  const Json& listed = value_or_null(keys_, "features");
  if (recipe_->has_transforms() || (listed.is_null() && known_.is_null())) return {};
  std::vector<std::string> wanted = recipe_->first_columns(), columns;
  auto add = [&](const Json& names) {
    for (const Json& name : names) wanted.push_back(name);
  };
  if (!listed.is_null()) {
    for (const char* kind : {"numeric", "categorical"}) {
      if (!value_or_null(listed, kind).is_null()) add(listed.at(kind));
    }
  } else {
    for (const char* kind : {"features", "categories"}) {
      for (const Json& feature : known_.value(kind, Json::array())) wanted.push_back(feature.at("name"));
    }
  }
  if (!value_or_null(keys_, "target").is_null()) add(Json(columns_of(parse_expression(keys_.at("target")))));
  for (const std::string& name : names_to_carry(keys_)) wanted.push_back(name);
  const auto& known = input_->known_names();
  for (const std::string& name : wanted) {
    const auto& derived = recipe_->derived();
    if (std::any_of(derived.begin(), derived.end(), [&](const auto& e) { return e.name == name; })) continue;
    if (std::find(known.begin(), known.end(), name) == known.end()) return {};
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  }
  return columns;
}

TablePart TablePreparation::part(std::int64_t piece) {
  Table table = input_->read(piece);
  absent_.add(table);
  return {piece, input_->unit_of(piece), input_->first_row(piece), std::move(table), {}};
}

void TablePreparation::for_each_part(const std::function<void(TablePart&&)>& use) {
  const Range mine = input_->mine();
  for (std::int64_t piece = mine.begin; piece < mine.end && !context_.stop.requested(); ++piece)
    use(part(piece));
}

Table TablePreparation::shape() {
  TablePart none{0, 0, 0, input_->without_rows(), {}};
  absent_.add(none.table);
  std::int64_t filtered = 0;
  recipe_->apply(none, filtered);
  return std::move(none.table);
}

void TablePreparation::choose_features(const Table& shape) {
  std::set<std::string> excluded;
  if (target_) excluded = columns_of_target(target_->expression(), recipe_->lineage(), shape.names());
  excluded.insert(carried_.names().begin(), carried_.names().end());
  features_ = select_features(shape, value_or_null(keys_, "features"), excluded);
  if (!known_.is_null()) {
    FeatureNames known;
    for (const auto& t : encoding_from_schema(known_).numeric) known.numeric.push_back(t.name);
    for (const auto& t : encoding_from_schema(known_).categorical) known.categorical.push_back(t.name);
    const bool listed = !value_or_null(keys_, "features").is_null();
    if (listed && (features_.numeric != known.numeric || features_.categorical != known.categorical)) {
      throw Error(ExitStatus::configuration,
                  "`features` differ from those of the dataset given as `statistics`",
                  "leave `features` out");
    }
    features_ = known;
    require_same_learning(keys_, known_);
  }
  if (features_.numeric.empty() && features_.categorical.empty()) {
    throw Error(ExitStatus::configuration, "no column is left to be a feature",
                "list columns under `features`");
  }
}

TableRows TablePreparation::rows(std::int64_t piece) {
  if (auto kept = kept_.extract(piece)) return std::move(kept.mapped());
  TablePart one = part(piece);
  std::int64_t filtered = 0;
  recipe_->apply(one, filtered);
  DroppedRows dropped;
  return take_rows(std::move(one), features_, target_, carried_, keys_.at("missing_values"), dropped);
}

void TablePreparation::learn() {
  const TimedSpan span(context_.timeline, "learn statistics", "prepare");
  recipe_->learn(context_.comm, input_->pieces(), [&](const auto& use) { for_each_part(use); });
  run_together(context_.comm, [&] {
    const Table columns = shape();
    if (!value_or_null(keys_, "target").is_null()) target_.emplace(columns, keys_, known_);
    carried_ = CarriedColumns(names_to_carry(keys_), columns);
    choose_features(columns);
    check_absent(columns);
  });
  learn_rows();
}

void TablePreparation::learn_rows() {
  const bool learns = known_.is_null() && !wants_nothing_learnt(keys_);
  const TableSplit& split = recipe_->split();
  counts_.assign(split.names().size(), 0);
  RowsLearner learner(features_, split.training());
  std::vector<DroppedRows> dropped(input_->files().size());
  run_together(context_.comm, [&] {
    std::int64_t kept = 0;
    for (const Share& share : shares_) {
      if (context_.stop.requested()) break;
      if (share.piece < 0) {
        const auto taken = takeover_->counts(share, split);
        for (std::size_t s = 0; s < counts_.size(); ++s) counts_[s] += taken[s];
        carried_.note_lengths(takeover_->text_lengths(share));
        continue;
      }
      TablePart one = part(share.piece);
      const std::int64_t unit = one.unit;
      DroppedRows& of_file = dropped[share.file];
      recipe_->apply(one, of_file.filter);
      TableRows taken =
          take_rows(std::move(one), features_, target_, carried_, keys_.at("missing_values"), of_file);
      for (const std::uint8_t s : taken.split) ++counts_[s];
      if (learns) learner.look(taken, unit);
      kept += taken.bytes();
      if (kept > memory_budget(context_)) continue;
      input_->forget(share.piece);
      kept_.emplace(share.piece, std::move(taken));
    }
  });
  if (!context_.comm.all_agree(!context_.stop.requested())) throw Stopped();
  takeover_->count_dropped(context_.comm, dropped, dropped_);
  if (target_) target_->finish(context_.comm);
  carried_.finish(context_.comm);
  if (learns) learner.finish(context_.comm);
  std::vector<std::int64_t> all = counts_;
  context_.comm.all_reduce(std::span(all), ReduceOp::sum);
  if (std::all_of(all.begin(), all.end(), [](auto n) { return n == 0; })) {
    throw Error(ExitStatus::bad_data, "no row is left",
                "look at `filter`, `missing_values` and missing targets");
  }
  if (learns && all[split.training()] == 0)
    throw Error(ExitStatus::bad_data, "no row fell into the split `train`",
                "more rows, or a larger fraction");
  encoding_ = learns             ? learner.conclude(scaling_of(keys_), min_count_of(keys_))
              : known_.is_null() ? unscaled(features_.numeric)
                                 : encoding_from_schema(known_);
  for (const NumericEncoding& t : encoding_.numeric) {
    if (keys_.at("missing_values") == "mean" && std::isnan(t.missing))
      throw Error(ExitStatus::configuration,
                  str("missing_values: mean, but the dataset given as `statistics` has no mean of ",
                      in_quotes(t.name)),
                  "prepare that one with missing_values: mean");
  }
}

Json TablePreparation::schema() const {
  Json schema = Json::object();
  add_to_schema(encoding_, schema);
  carried_.add_to_schema(schema);
  const bool known = known_.contains("scaling");
  schema["scaling"] = known ? known_.at("scaling") : Json(scaling_of(keys_));
  schema["min_count"] = known ? known_.at("min_count") : Json(min_count_of(keys_));
  if (const Json recipe = recipe_->saved(); !recipe.is_null()) schema["recipe"] = recipe;
  // So that other rows are read like these.
  schema["missing"] = missing_texts(keys_, known_);
  schema["types"] = known_.is_null() ? Json::object() : known_.value("types", Json::object());
  const Table table = input_->without_rows();
  for (const std::string& column : table.names()) {
    if (known_.is_null()) schema["types"][column] = name(table.type(column));
  }
  if (!target_) return schema;
  schema["target"] = target_->name();
  schema["task"] = target_->classification() ? "classification" : "regression";
  if (target_->classification()) schema["classes"] = target_->classes();
  return schema;
}

void TablePreparation::write() {
  const TimedSpan span(context_.timeline, "write parts", "prepare");
  const auto& names = recipe_->split().names();
  const auto all = context_.comm.all_gather_vector<std::int64_t>(counts_);
  std::vector<std::vector<std::int64_t>> rows_of(names.size());  // of each rank
  for (std::size_t i = 0; i < all.size(); ++i) rows_of[i % names.size()].push_back(all[i]);
  DatasetInfo info;
  info.rows_per_part = keys_.at("rows_per_part");
  info.schema = schema();
  info.columns = column_infos(encoding_, target_, carried_);
  run_together(context_.comm, [&] { takeover_->check(info); });

  std::vector<SplitWriter> writers;
  for (std::size_t s = 0; s < names.size(); ++s)
    writers.emplace_back(context_.outputs.at(names[s]), info, rows_of[s], context_.comm.rank(),
                         str(scratch_, "/rest-", s));
  run_together(context_.comm, [&] {
    if (context_.comm.size() > 1) make_directories(scratch_);
    double done = 0;
    for (const Share& share : shares_) {
      if (context_.stop.requested()) return;
      if (share.piece < 0) {
        const auto taken = takeover_->rows(share, recipe_->split());
        const auto columns = takeover_->columns(share, info);
        for (std::size_t s = 0; s < writers.size(); ++s) writers[s].append(columns, taken[s]);
      } else {
        const TableRows prepared = rows(share.piece);
        const auto columns = prepared.columns(encoding_, target_, carried_);
        for (std::size_t s = 0; s < writers.size(); ++s)
          writers[s].append(columns, prepared.rows_in(static_cast<std::uint8_t>(s)));
      }
      if (context_.first()) {
        context_.report.progress(++done, static_cast<double>(shares_.size()), "pieces", "writing", {});
      }
    }
    if (context_.stop.requested()) return;
    for (SplitWriter& writer : writers) writer.hand_over();
  });
  if (!context_.comm.all_agree(!context_.stop.requested())) throw Stopped();
  run_together(context_.comm, [&] {
    for (SplitWriter& writer : writers) {
      writer.complete();
      if (context_.first()) write_dataset_info(writer.folder(), writer.info());
    }
  });
  report(rows_of);
}

void TablePreparation::report(const std::vector<std::vector<std::int64_t>>& rows_of) {
  if (!context_.first()) return;
  Json rows = Json::object(), why = Json::object();
  const auto& names = recipe_->split().names();
  for (std::size_t s = 0; s < names.size(); ++s)
    rows[names[s]] = std::accumulate(rows_of[s].begin(), rows_of[s].end(), std::int64_t{0});
  if (!value_or_null(keys_, "filter").is_null()) why["filter"] = dropped_.filter;
  if (target_) why["missing target"] = dropped_.target;
  if (keys_.at("missing_values") == "drop") why["missing features"] = dropped_.features;
  context_.report.result("rows", rows);
  context_.report.result("rows_read", input_->rows());
  context_.report.result("rows_dropped", why);
  context_.report.result("numeric_features", encoding_.numeric.size());
  context_.report.result("categorical_features", encoding_.categorical.size());
  if (!carried_.names().empty()) context_.report.result("carried_columns", carried_.names().size());
  takeover_->report(*input_);
}

void TablePreparation::run() {
  naming_mini_batches(scratch_, [&] {
    open();
    learn();
    write();
  });
  input_->check_unchanged(context_.comm);
  if (context_.first()) remove_tree(scratch_);
}

}  // namespace

void prepare_table(StepContext& context) {
  TablePreparation(context).run();
}

}  // namespace rankflow
