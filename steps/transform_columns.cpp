// Transforms that need to learn nothing: each row's values follow from the row.
#include <algorithm>

#include "base/text.h"
#include "io/expression_evaluator.h"
#include "io/table_columns.h"
#include "steps/row_split.h"
#include "steps/table_transform.h"

namespace rankflow {
namespace {

using Names = std::vector<std::string>;

class Select : public TableTransform {
 public:
  Select(Names names, bool keep) : names_(std::move(names)), keep_(keep) {}
  void apply(TablePart& part) const override {
    for (const std::string& name : names_) part.table.at(name);  // throws where there is none
    Names left;
    for (const std::string& name : part.table.names()) {
      if ((std::find(names_.begin(), names_.end(), name) != names_.end()) == keep_) left.push_back(name);
    }
    part.table.keep_only(left);
  }

 private:
  Names names_;
  bool keep_;
};

class Rename : public TableTransform {
 public:
  explicit Rename(std::map<std::string, std::string> names) : names_(std::move(names)) {}
  void apply(TablePart& part) const override { rename(part.table); }
  void trace(Lineage& lineage) const override { rename(lineage); }

 private:
  /// All at once: two columns may change their names.
  template <typename Columns>
  void rename(Columns& columns) const {
    const std::string between = "\x01";  // in no column's name
    for (const auto& [name, new_name] : names_) columns.rename(name, between + new_name);
    for (const auto& [_, new_name] : names_) columns.rename(between + new_name, new_name);
  }

  std::map<std::string, std::string> names_;
};

class Derive : public TableTransform {
 public:
  explicit Derive(const Json& expressions) {
    for (const auto& [name, source] : expressions.items())
      expressions_.push_back({name, source, parse_expression(source.get<std::string>())});
    expressions_ = in_order_of_dependence(std::move(expressions_));
  }
  void apply(TablePart& part) const override {
    for (const NamedExpression& e : expressions_)
      part.table.add(e.name, evaluate(e.expression, e.source, part.table));
  }
  void trace(Lineage& lineage) const override {
    for (const NamedExpression& e : expressions_) lineage.make(e.name, columns_of(e.expression));
  }

 private:
  std::vector<NamedExpression> expressions_;
};

/// Columns that become the values of expressions, one after the other.
class Formulas : public TableTransform {
 public:
  explicit Formulas(std::vector<std::pair<std::string, std::string>> formulas)
      : formulas_(std::move(formulas)) {}
  void apply(TablePart& part) const override {
    for (const auto& [name, formula] : formulas_) set_column(part.table, name, formula);
  }

 private:
  std::vector<std::pair<std::string, std::string>> formulas_;
};

class DateParts : public TableTransform {
 public:
  DateParts(std::string column, Names parts) : column_(std::move(column)), parts_(std::move(parts)) {}
  void apply(TablePart& part) const override {
    for (const std::string& p : parts_) {
      const std::string source = str(p, "(", quoted_column(column_), ")");
      part.table.add(new_name(p), evaluate(parse_expression(source), source, part.table));
    }
  }
  void trace(Lineage& lineage) const override {
    for (const std::string& p : parts_) lineage.make(new_name(p), {column_});
  }

 private:
  std::string new_name(const std::string& part) const { return str(column_, "_", part); }

  std::string column_;
  Names parts_;
};

class Casts : public Formulas {
 public:
  Casts(std::vector<std::pair<std::string, std::string>> formulas, Names booleans)
      : Formulas(std::move(formulas)), booleans_(std::move(booleans)) {}
  void apply(TablePart& part) const override {
    Formulas::apply(part);
    for (const std::string& column : booleans_) {
      if (part.table.type(column) == ColumnType::text)
        part.table.set(column, as_booleans(part.table, column));
      else
        set_column(part.table, column, str("integer(", quoted_column(column), ") != 0"));
    }
  }

 private:
  Names booleans_;
};

class DropMissing : public TableTransform {
 public:
  explicit DropMissing(Names columns) : columns_(std::move(columns)) {}
  void apply(TablePart& part) const override {
    std::vector<char> keep(static_cast<std::size_t>(part.table.rows()), 1);
    for (const std::string& column : columns_) mark_missing(*part.table.at(column), keep);
    part.keep_rows(keep);
  }
  void without(const std::set<std::string>& columns, const Lineage& before) override {
    std::erase_if(columns_, [&](const std::string& c) { return before.from_any(c, columns); });
  }

 private:
  Names columns_;
};

class Filter : public TableTransform {
 public:
  explicit Filter(std::string source) : source_(std::move(source)), expression_(parse_expression(source_)) {}
  void apply(TablePart& part) const override {
    if (!idle_) keep_where(part, expression_, source_);
  }
  void without(const std::set<std::string>& columns, const Lineage& before) override {
    const auto used = columns_of(expression_);
    idle_ = std::any_of(used.begin(), used.end(), [&](const auto& c) { return before.from_any(c, columns); });
  }

 private:
  bool idle_ = false;
  std::string source_;
  Expression expression_;
};

class Sample : public TableTransform {
 public:
  /// `number`: of the transform. Without it the rows that are kept would be those of one split, or of an earlier sample.
  Sample(double fraction, std::uint64_t seed, int number)
      : fraction_(fraction), seed_(stream_seed(seed, static_cast<std::uint64_t>(number))) {}
  bool by_row() const override { return false; }
  void apply(TablePart& part) const override {
    std::vector<char> keep;
    for (std::int64_t row = 0; row < part.table.rows(); ++row)
      keep.push_back(split_position(seed_, part.source_row(row)) < fraction_);
    part.keep_rows(keep);
  }

 private:
  double fraction_;
  std::uint64_t seed_;
};

class Join : public TableTransform {
 public:
  Join(std::shared_ptr<const Table> other, Names on, Names columns, bool inner)
      : other_(std::move(other)), on_(std::move(on)), columns_(std::move(columns)), inner_(inner) {
    if (columns_.empty()) {
      for (const std::string& name : other_->names()) {
        if (std::find(on_.begin(), on_.end(), name) == on_.end()) columns_.push_back(name);
      }
    }
    for (const std::string& name : columns_) other_->at(name);
    const auto hashes = hashes_of(*other_, on_);
    for (std::size_t row = 0; row < hashes.size(); ++row) {
      if (!rows_.emplace(hashes[row], static_cast<std::int64_t>(row)).second)
        throw Error(ExitStatus::bad_data,
                    str(other_->place(static_cast<std::int64_t>(row)), ": an earlier row has the same ",
                        join(on_, ", ")),
                    "each key occurs once in a table that is joined");
    }
  }
  void trace(Lineage& lineage) const override {
    for (const std::string& name : columns_) lineage.make(name, on_);
  }
  void apply(TablePart& part) const override {
    check_types(part.table);
    std::vector<std::int64_t> rows;
    std::vector<char> keep;
    for (const RowHash& hash : hashes_of(part.table, on_)) {
      const auto found = rows_.find(hash);
      keep.push_back(found != rows_.end());
      rows.push_back(found == rows_.end() ? -1 : found->second);
    }
    for (const std::string& name : columns_) part.table.add(name, take(other_->at(name), rows));
    if (inner_) part.keep_rows(keep);
  }

 private:
  /// A text 01234 and a number 1234 would be different keys, and nobody would hear of it.
  void check_types(const Table& table) const {
    for (const std::string& name : on_) {
      const ColumnType here = table.type(name), there = other_->type(name);
      if (here == there || is_all_missing(*table.at(name)) || is_all_missing(*other_->at(name))) continue;
      throw Error(ExitStatus::bad_data,
                  str("column \"", name, "\" is ", rankflow::name(here), ", but ", rankflow::name(there),
                      " in the table that is joined"),
                  str("schema: {", name, ": text}, which holds for both tables"));
    }
  }

  std::shared_ptr<const Table> other_;
  Names on_, columns_;
  bool inner_;
  std::map<RowHash, std::int64_t> rows_;
};

}  // namespace

std::unique_ptr<TableTransform> make_select_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Select>(keys.at("columns").get<Names>(), true);
}

std::unique_ptr<TableTransform> make_drop_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Select>(keys.at("columns").get<Names>(), false);
}

std::unique_ptr<TableTransform> make_rename_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Rename>(keys.at("columns").get<std::map<std::string, std::string>>());
}

std::unique_ptr<TableTransform> make_derive_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Derive>(keys.at("columns"));
}

std::unique_ptr<TableTransform> make_filter_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<Filter>(keys.at("where").get<std::string>());
}

std::unique_ptr<TableTransform> make_drop_missing_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<DropMissing>(keys.at("columns").get<Names>());
}

std::unique_ptr<TableTransform> make_cast_transform(const Json& keys, const TransformContext&) {
  std::vector<std::pair<std::string, std::string>> formulas;
  Names booleans;
  for (const auto& [column, type] : keys.at("columns").items()) {
    const std::string to = type;
    if (to == "boolean")
      booleans.push_back(column);
    else
      formulas.emplace_back(column, str(to, "(", quoted_column(column), ")"));
  }
  return std::make_unique<Casts>(std::move(formulas), std::move(booleans));
}

std::unique_ptr<TableTransform> make_log_transform(const Json& keys, const TransformContext&) {
  std::vector<std::pair<std::string, std::string>> formulas;
  for (const std::string column : keys.at("columns"))
    formulas.emplace_back(
        column, str(keys.at("plus_one").get<bool>() ? "log1p(" : "log(", quoted_column(column), ")"));
  return std::make_unique<Formulas>(std::move(formulas));
}

std::unique_ptr<TableTransform> make_date_parts_transform(const Json& keys, const TransformContext&) {
  return std::make_unique<DateParts>(keys.at("column"), keys.at("parts").get<Names>());
}

std::unique_ptr<TableTransform> make_sample_transform(const Json& keys, const TransformContext& context) {
  return std::make_unique<Sample>(keys.at("fraction"), keys.at("seed"), context.number);
}

std::unique_ptr<TableTransform> make_join_transform(const Json& keys, const TransformContext& context) {
  const auto table = context.tables.find("join");
  if (table == context.tables.end())
    throw Error(ExitStatus::configuration,
                "a transform joins with the input `join`, which the step does not have");
  const Names columns =
      keys.contains("columns") && !keys.at("columns").is_null() ? keys.at("columns").get<Names>() : Names{};
  return std::make_unique<Join>(table->second, keys.at("on").get<Names>(), columns,
                                keys.at("rows") == "matching");
}

}  // namespace rankflow
