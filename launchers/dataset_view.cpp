#include "launchers/dataset_view.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/optional_key.h"
#include "launchers/dataset_profile.h"
#include "launchers/display.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

constexpr std::size_t most_files = 20;

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// "run 2026…, prepare.train", "copied from /data/x.csv", "/data/x.csv".
std::string made_by(const DatasetVersion& version) {
  if (version.remote) return str("by reference: ", shown(*version.remote));
  if (!version.in_store()) return str("by reference: ", version.path);
  if (const auto from = text_of(version.lineage, "copied_from"); !from.empty())
    return str("copied from ", from);
  const std::string run = text_of(version.lineage, "run"), output = text_of(version.lineage, "output");
  if (run.empty()) return "";
  return str(text_of(version.lineage, "step"), output.empty() ? "" : ".", output, " of run ", run);
}

/// Of a table, once it was profiled; -1: not known.
std::int64_t rows_of(const DatasetVersion& version, const StoreLayout& layout) {
  if (version.rows >= 0) return version.rows;
  const auto profile = known_profile(layout, version);
  return profile ? profile->value("rows", std::int64_t{-1}) : -1;
}

std::string rows_text(const DatasetVersion& version, const StoreLayout& layout) {
  const auto rows = rows_of(version, layout);
  return rows < 0 ? "" : human_count(rows);
}

std::string tags_text(const DatasetVersion& version) {
  std::vector<std::string> tags;
  for (const auto& [key, value] : version.tags) tags.push_back(str(key, "=", value));
  return join(tags, ", ");
}

std::string key_value_lines(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::size_t widest = 0;
  for (const auto& [key, value] : lines) widest = std::max(widest, value.empty() ? 0 : key.size());
  std::string out;
  for (const auto& [key, value] : lines) {
    if (!value.empty()) out += str(key, std::string(widest + 2 - key.size(), ' '), value, "\n");
  }
  return out;
}

std::string shape_text(const Json& shape) {
  std::vector<std::string> sizes;
  for (const Json& size : shape) sizes.push_back(size.dump());
  return sizes.empty() ? "" : str("[", join(sizes, ", "), "]");
}

std::string columns_text(const Json& columns, const Terminal& terminal) {
  TextTable table({{"column"}, {"type"}, {"per row"}});
  for (const Json& column : columns) {
    table.add({{text_of(column, "name")},
               {column.contains("carried") ? str(text_of(column, "carried"), ", carried along")
                                           : text_of(column, "dtype")},
               {shape_text(column.value("shape", Json::array()))}});
  }
  return table.empty() ? "" : str("\n", table.text(terminal.width, terminal.color));
}

/// Adds to each column that is carried along the type of its values.
Json with_carried(Json columns, const Json& schema) {
  for (const Json& carried : value_or_null(schema, "carried")) {
    for (Json& column : columns) {
      if (text_of(column, "name") == text_of(carried, "name")) column["carried"] = carried.value("type", "");
    }
  }
  return columns;
}

std::string files_text(const std::vector<DatasetFile>& files, const Terminal& terminal) {
  const bool tagged =
      std::any_of(files.begin(), files.end(), [](const DatasetFile& f) { return !f.version.empty(); });
  TextTable table({{"file"}, {"size", true}, {tagged ? "etag" : "sha256"}});
  for (std::size_t i = 0; i < std::min(files.size(), most_files); ++i) {
    table.add({{files[i].path},
               {human_bytes(static_cast<double>(files[i].bytes))},
               {(tagged ? files[i].version : files[i].sha256.substr(0, 16)), Color::dim}});
  }
  std::string out = str("\n", table.text(terminal.width, terminal.color));
  if (files.size() > most_files) out += str("… and ", files.size() - most_files, " more (--json)\n");
  return out;
}

}  // namespace

Json known_columns(const DatasetVersion& version, const StoreLayout& layout) {
  const auto info = version.remote ? std::nullopt : try_read_json(version.place(layout) + "/dataset.json");
  if (info && info->is_object() && info->contains("columns") && info->at("columns").is_array())
    return with_carried(info->at("columns"), info->value("schema", Json::object()));
  Json columns = Json::array();
  const auto profile = known_profile(layout, version);
  if (!profile) return columns;
  for (const Json& c : profile->at("columns"))
    columns.push_back({{"name", c.at("name")}, {"dtype", c.at("type")}});
  return columns;
}

std::string datasets_text(const DatasetRegistry& registry, const StoreLayout& layout,
                          const CommandLine& line) {
  TextTable table(
      {{"dataset"}, {"newest", true}, {"rows", true}, {"size", true}, {"registered"}, {"made by"}, {"tags"}});
  Json all = Json::array();
  for (const auto& name : registry.names()) {
    const auto versions = registry.versions(name);
    Json entry = {{"dataset", name}, {"versions", versions}};
    try {
      const DatasetVersion newest = registry.get({name, 0});
      table.add({{name},
                 {str(newest.version)},
                 {rows_text(newest, layout)},
                 {human_bytes(static_cast<double>(newest.bytes))},
                 {newest.registered},
                 {made_by(newest)},
                 {tags_text(newest)}});
      entry["newest"] = to_json(newest);
      if (const auto rows = rows_of(newest, layout); rows >= 0) entry["newest"]["rows"] = rows;
    } catch (const Error& e) {
      // One damaged record must not hide the others.
      table.add({{name}, {str(versions.back())}, {}, {}, {}, {e.message(), Color::red}, {}});
      entry["problem"] = e.message();
    }
    all.push_back(std::move(entry));
  }
  if (line.flag("json")) return all.dump(2) + "\n";
  if (table.empty()) return str("no datasets in ", layout.root, "\n");
  const Terminal terminal = terminal_of_tables(line.text("color"));
  return table.text(terminal.width, terminal.color);
}

std::string dataset_versions_text(const DatasetRegistry& registry, const StoreLayout& layout,
                                  const std::string& name, const CommandLine& line) {
  TextTable table({{"version"},
                   {"rows", true},
                   {"size", true},
                   {"registered"},
                   {"by"},
                   {"made by"},
                   {"tags"},
                   {"description"}});
  Json all = Json::array();
  auto versions = registry.versions(name);
  std::reverse(versions.begin(), versions.end());
  for (const int number : versions) {
    try {
      const DatasetVersion v = registry.get({name, number});
      table.add({{v.title()},
                 {rows_text(v, layout)},
                 {human_bytes(static_cast<double>(v.bytes))},
                 {v.registered},
                 {v.user},
                 {made_by(v)},
                 {tags_text(v)},
                 {v.description}});
      all.push_back(to_json(v));
    } catch (const Error& e) {
      if (e.status() != ExitStatus::bad_data) throw;
      table.add({{str(name, ":", number)}, {}, {}, {}, {}, {e.message(), Color::red}, {}, {}});
      all.push_back({{"dataset", name}, {"version", number}, {"problem", e.message()}});
    }
  }
  if (line.flag("json")) return all.dump(2) + "\n";
  const Terminal terminal = terminal_of_tables(line.text("color"));
  return table.text(terminal.width, terminal.color);
}

std::string dataset_text(const DatasetRegistry& registry, const DatasetVersion& version,
                         const StoreLayout& layout, const CommandLine& line) {
  const std::string place = version.place(layout);
  const Json columns = known_columns(version, layout);
  const auto files = registry.files(version);
  if (line.flag("json")) {
    Json json = to_json(version);
    if (const auto rows = rows_of(version, layout); rows >= 0) json["rows"] = rows;
    json["place"] = place;
    json["columns"] = columns;
    json["file_list"] = Json::array();
    for (const auto& f : files) json["file_list"].push_back(to_json(f));
    return json.dump(2) + "\n";
  }
  const auto versions = registry.versions(version.dataset);
  const Terminal terminal = terminal_of_tables(line.text("color"));
  const std::string pipeline = text_of(version.lineage, "pipeline");
  return str(
      key_value_lines(
          {{"dataset", str(version.title(), version.version == versions.back() ? " (the newest)" : "")},
           {"description", version.description},
           {"tags", tags_text(version)},
           {"registered", str(version.registered, " by ", version.user)},
           {"place", version.remote || exists(place) ? place : str(place, " (no longer there)")},
           {"made by", str(made_by(version), pipeline.empty() ? "" : str(" of pipeline ", pipeline))},
           {"rows", rows_text(version, layout)},
           {"size", str(human_bytes(static_cast<double>(version.bytes)), " in ", version.files,
                        version.files == 1 ? " file" : " files")},
           {"content", version.content}}),
      columns_text(columns, terminal), files_text(files, terminal));
}

}  // namespace rankflow
