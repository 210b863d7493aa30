// profile: one run over all columns, each rank a share of the rows, joined on the first rank.
#include <cstring>
#include <memory>
#include <optional>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/carried.h"
#include "io/dataset.h"
#include "io/file.h"
#include "io/table_columns.h"
#include "io/table_input.h"
#include "runtime/step.h"
#include "steps/column_sketch.h"
#include "steps/table_keys.h"

namespace rankflow {
namespace {

struct ProfiledColumn {
  std::string name;
  std::string type;  // integer, real, boolean, text; category; image
  ColumnSketch sketch;
};

struct Profile {
  std::int64_t rows = 0;
  std::string kind;  // "prepared", "table"
  std::vector<ProfiledColumn> columns;
};

constexpr std::int64_t most_elements = 4096;  // of a row: more are looked at together

double number_at(DType type, const std::byte* row, std::int64_t i) {
  const auto get = [&](auto value) {
    std::memcpy(&value, row + static_cast<std::size_t>(i) * sizeof value, sizeof value);
    return static_cast<double>(value);
  };
  switch (type) {
    case DType::u8:
      return get(std::uint8_t{});
    case DType::i32:
      return get(std::int32_t{});
    case DType::i64:
      return get(std::int64_t{});
    case DType::f32:
      return get(float{});
    case DType::f64:
      return get(double{});
    case DType::boolean:
      return get(std::uint8_t{});
    case DType::f16:
    case DType::bf16:
      break;
  }
  throw Error(ExitStatus::bad_data, str("a column of type ", name(type), " can't be profiled"));
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

const Json& entry(const Json& schema, const char* key) {
  static const Json none = Json::array();
  const auto found = schema.find(key);
  return found != schema.end() && found->is_array() ? *found : none;
}

/// What becomes of a column of a prepared dataset: which profiled columns its elements go to.
class PreparedColumn {
 public:
  PreparedColumn(const DatasetInfo& info, const ColumnInfo& column, std::size_t first)
      : column_(column),
        carried_(carried_type(info, column.name)),
        first_(first),
        together_(column.elements() > most_elements || column.shape.size() > 1) {
    const Json& schema = info.schema;
    if (column.name == "categories") {
      for (const Json& c : entry(schema, "categories")) vocabularies_.push_back(entry(c, "vocabulary"));
    } else if (column.name == "target" && !entry(schema, "classes").empty()) {
      classes_ = entry(schema, "classes");
    }
  }

  std::vector<ProfiledColumn> made(const Json& schema) const {
    if (carried_) return {{str(column_.name, " (carried)"), name(*carried_), {}}};
    const std::string type = classes_.is_array()               ? "category"
                             : !vocabularies_.empty()          ? "category"
                             : together_                       ? "image"
                             : is_floating(column_.dtype)      ? "real"
                             : column_.dtype == DType::boolean ? "boolean"
                                                               : "integer";
    std::vector<ProfiledColumn> out;
    const std::int64_t n = together_ ? 1 : column_.elements();
    const Json& names = entry(schema, column_.name.c_str());
    for (std::int64_t i = 0; i < n; ++i) {
      const auto index = static_cast<std::size_t>(i);
      const bool named =
          !together_ && index < names.size() && names[index].is_object() && names[index].contains("name");
      const std::string target =
          column_.name == "target" && schema.contains("target") ? text_of(schema["target"]) : "";
      out.push_back({named                                ? text_of(names[index]["name"])
                     : !target.empty()                    ? str(target, " (target)")
                     : column_.shape.empty() || together_ ? column_.name
                                                          : str(column_.name, "[", i, "]"),
                     type,
                     {}});
    }
    return out;
  }

  void add(const std::byte* row, std::vector<ProfiledColumn>& columns) const {
    if (carried_ == ColumnType::text) return add_text(columns[first_].sketch, text_at(row, column_));
    const std::int64_t n = column_.elements();
    for (std::int64_t i = 0; i < n; ++i) {
      ColumnSketch& sketch = columns[first_ + static_cast<std::size_t>(together_ ? 0 : i)].sketch;
      if (column_.dtype == DType::i64 && !classes_.is_array() && vocabularies_.empty()) {
        std::int64_t integer;
        std::memcpy(&integer, row + static_cast<std::size_t>(i) * sizeof integer, sizeof integer);
        sketch.add(integer);
        continue;
      }
      const double value = number_at(column_.dtype, row, i);
      if (classes_.is_array()) {
        add_code(sketch, classes_, value);
      } else if (!vocabularies_.empty()) {
        // Code 0 is for what was missing or unknown.
        add_code(sketch, vocabularies_[std::min(static_cast<std::size_t>(i), vocabularies_.size() - 1)],
                 value - 1);
      } else {
        sketch.add(value);
      }
    }
  }

 private:
  static void add_text(ColumnSketch& sketch, std::string_view text) {
    if (text.empty()) return sketch.add_missing();
    sketch.add(text);
  }
  static void add_code(ColumnSketch& sketch, const Json& names, double code) {
    if (code < 0) return sketch.add_missing();
    if (code >= static_cast<double>(names.size())) {
      throw Error(ExitStatus::bad_data,
                  str("a category has the code ", code, ", but there are ", names.size(), " names"));
    }
    sketch.add(std::string_view(text_of(names[static_cast<std::size_t>(code)])));
  }

  const ColumnInfo& column_;
  std::optional<ColumnType> carried_;
  std::size_t first_;
  bool together_;
  std::vector<Json> vocabularies_;
  Json classes_;
};

void note_progress(StepContext& context, std::int64_t done, std::int64_t total) {
  context.report.progress(static_cast<double>(done), static_cast<double>(total), "blocks", "",
                          Json::object());
  if (context.cancel.requested() || context.stop.requested()) throw Stopped();
}

Profile profile_prepared(StepContext& context, const std::string& folder) {
  const Dataset data(folder);
  const DatasetInfo& info = data.info();
  Profile profile{info.rows, "prepared", {}};
  std::vector<std::pair<std::string, PreparedColumn>> sources;
  for (const ColumnInfo& column : info.columns) {
    if (column.name == "row") continue;  // numbers of source rows say nothing of the data
    sources.emplace_back(column.name, PreparedColumn(info, column, profile.columns.size()));
    for (auto& made : sources.back().second.made(info.schema)) profile.columns.push_back(std::move(made));
  }
  const Range blocks = my_blocks(context.comm, info.rows);
  for (std::int64_t block = blocks.begin; block < blocks.end; ++block) {
    for (const auto& [name, source] : sources) {
      data.for_each_row(name, block_rows(block, info.rows),
                        [&](const std::byte* row) { source.add(row, profile.columns); });
    }
    for (auto& column : profile.columns) column.sketch.end_block();
    note_progress(context, block + 1 - blocks.begin, blocks.size());
  }
  return profile;
}

void add_texts(const arrow::ChunkedArray& column, ColumnSketch& sketch) {
  const Categories categories = categories_of(column);
  std::vector<std::int64_t> counts(categories.names.size(), 0);
  for (const auto code : categories.codes) {
    if (code < 0) {
      sketch.add_missing();
    } else {
      ++counts[static_cast<std::size_t>(code)];
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i)
    sketch.add(std::string_view(categories.names[i]), counts[i]);
}

/// Bytes of decoded rows that are kept between finding the types and looking at the values.
constexpr std::int64_t rows_kept = std::int64_t{256} << 20;

/// Collective.
Profile profile_table(StepContext& context, const std::string& path) {
  const std::string scratch = context.outputs.at("profile") + "/.scratch";
  TableInput input(context.comm, path, table_options(context.parameters), scratch);
  input.settle(context.comm, {}, rows_kept);
  for (const std::string& sentence : input.left_out()) context.report.note(sentence);
  Profile profile{input.rows(), "table", {}};
  const Table names = input.without_rows();
  for (const auto& name : names.names())
    profile.columns.push_back({name, rankflow::name(names.type(name)), {}});
  run_together(context.comm, [&] {
    const Range mine = input.mine();
    for (std::int64_t piece = mine.begin; piece < mine.end; ++piece) {
      const Table table = input.read(piece);
      const bool unit_ends = piece + 1 == mine.end || input.unit_of(piece) != input.unit_of(piece + 1);
      for (auto& column : profile.columns) {
        const arrow::ChunkedArray& values = *table.at(column.name);
        if (table.type(column.name) == ColumnType::text) {
          add_texts(values, column.sketch);
        } else if (table.type(column.name) == ColumnType::integer) {
          visit_integers(
              values, [&](std::int64_t, std::int64_t value) { column.sketch.add(value); },
              [&](std::int64_t) { column.sketch.add_missing(); });
        } else {
          visit_numbers(values, [&](std::int64_t, double value) { column.sketch.add(value); });
        }
        if (unit_ends) column.sketch.end_block();
      }
      input.forget(piece);
      note_progress(context, piece + 1 - mine.begin, mine.size());
    }
  });
  input.check_unchanged(context.comm);
  if (context.first()) remove_tree(scratch);
  return profile;
}

/// All ranks' sketches in the order of their rows, on the first rank. Collective.
void join(Communicator& comm, Profile& profile) {
  Json mine = Json::array();
  if (comm.rank() > 0) {
    for (const auto& column : profile.columns) mine.push_back(column.sketch.state());
  }
  const std::vector<std::uint8_t> bytes = Json::to_cbor(mine);
  const auto sizes = comm.all_gather_value<std::int64_t>(static_cast<std::int64_t>(bytes.size()));
  std::int64_t total = 0;
  for (const auto size : sizes) total += size;
  std::vector<std::uint8_t> all(comm.rank() == 0 ? static_cast<std::size_t>(total) : 0);
  comm.gather_unequal(bytes.data(), sizes, all.data(), 0);
  if (comm.rank() > 0) return;
  auto at = all.begin();
  for (const auto size : sizes) {
    const Json states = Json::from_cbor(at, at + size);
    for (std::size_t c = 0; c < states.size(); ++c)
      profile.columns[c].sketch.merge(ColumnSketch::from_state(states[c]));
    at += size;
  }
}

Json report_of(const Profile& profile, const Json& parameters) {
  Json columns = Json::array();
  for (const auto& column : profile.columns) {
    Json entry = column.sketch.summary(parameters.at("bins"), parameters.at("top"));
    entry["name"] = column.name;
    entry["type"] = column.type;
    columns.push_back(std::move(entry));
  }
  return {
      {"format", "rankflow profile 1"}, {"kind", profile.kind}, {"rows", profile.rows}, {"columns", columns}};
}

class ProfileStep : public Step {
 public:
  void run(StepContext& context) override {
    Profile profile;
    run_together(context.comm, [&] {
      const std::string& path = context.inputs.at("data");
      profile =
          exists(path + "/dataset.json") ? profile_prepared(context, path) : profile_table(context, path);
    });
    join(context.comm, profile);
    run_together(context.comm, [&] {
      if (!context.first()) return;
      const Json report = report_of(profile, context.parameters);
      write_file_atomically(context.outputs.at("profile") + "/profile.json", report.dump(1) + "\n", false);
      context.report.result("rows", profile.rows);
      context.report.result("columns", profile.columns.size());
    });
  }
};

}  // namespace

std::unique_ptr<Step> make_profile() {
  return std::make_unique<ProfileStep>();
}

}  // namespace rankflow
