// What differs between two versions of a dataset.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "launchers/dataset_profile.h"
#include "launchers/dataset_view.h"
#include "launchers/profile_view.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

constexpr std::size_t most_files = 30;

/// {key: [before, now]} of what is not the same.
using Changes = Json;

Changes changed_files(const std::vector<DatasetFile>& before, const std::vector<DatasetFile>& now) {
  std::map<std::string, const DatasetFile*> old;
  for (const auto& f : before) old[f.path] = &f;
  Json added = Json::array(), removed = Json::array(), changed = Json::array();
  for (const auto& f : now) {
    const auto found = old.find(f.path);
    if (found == old.end()) {
      added.push_back(f.path);
    } else {
      if (found->second->sha256 != f.sha256 || found->second->version != f.version) changed.push_back(f.path);
      old.erase(found);
    }
  }
  for (const auto& [path, f] : old) removed.push_back(path);
  return {{"added", added}, {"removed", removed}, {"changed", changed}};
}

std::string type_text(const Json& column) {
  const Json shape = column.value("shape", Json::array());
  return str(column.value("dtype", ""), shape.empty() ? "" : shape.dump());
}

Changes changed_columns(const Json& before, const Json& now) {
  std::map<std::string, std::string> old;
  for (const Json& c : before) old[c.at("name")] = type_text(c);
  Json added = Json::array(), removed = Json::array(), changed = Json::object();
  for (const Json& c : now) {
    const auto found = old.find(c.at("name"));
    if (found == old.end()) {
      added.push_back(c.at("name"));
      continue;
    }
    if (found->second != type_text(c)) changed[found->first] = {found->second, type_text(c)};
    old.erase(found);
  }
  for (const auto& [name, type] : old) removed.push_back(name);
  return {{"added", added}, {"removed", removed}, {"changed", changed}};
}

double missing_share(const Json& column) {
  const double count = column.at("count").get<double>();
  return count > 0 ? column.at("missing").get<double>() / count : 0;
}

/// Of a column that both have: {missing, distinct, mean, std, min, median, max: [before, now]}, and texts that are listed in one only.
Changes changed_values(const Json& before, const Json& now) {
  Json out = Json::object();
  if (missing_share(before) != missing_share(now))
    out["missing"] = {missing_share(before), missing_share(now)};
  const auto compare = [&](const char* name, const Json& a, const Json& b, const char* key) {
    const Json old = a.value(key, Json()), recent = b.value(key, Json());
    if (old != recent) out[name] = {old, recent};
  };
  for (const char* key : {"distinct", "mean", "std", "min", "max"}) compare(key, before, now, key);
  compare("median", before.value("quantiles", Json::object()), now.value("quantiles", Json::object()), "0.5");
  if (!before.contains("top") || !now.contains("top") || before.contains("mean")) return out;
  const auto values = [](const Json& column) {
    std::set<std::string> texts;
    for (const Json& v : column.at("top"))
      texts.insert(v.at("value").is_string() ? v.at("value").get<std::string>() : v.at("value").dump());
    return texts;
  };
  // Lists that are cut leave out values that may be there all the same.
  const auto whole = [](const Json& column) {
    return column.at("top").size() == column.at("distinct").get<std::size_t>();
  };
  const auto old = values(before), recent = values(now);
  const auto missing_in = [](const std::set<std::string>& from, const std::set<std::string>& in) {
    Json only = Json::array();
    for (const auto& value : from) {
      if (!in.contains(value)) only.push_back(value);
    }
    return only;
  };
  if (Json fresh = missing_in(recent, old); whole(before) && !fresh.empty())
    out["new_values"] = std::move(fresh);
  if (Json gone = missing_in(old, recent); whole(now) && !gone.empty()) out["gone_values"] = std::move(gone);
  return out;
}

Changes changed_profiles(const Json& before, const Json& now) {
  std::map<std::string, const Json*> old;
  for (const Json& c : before.at("columns")) old[c.at("name")] = &c;
  Json out = Json::object();
  for (const Json& c : now.at("columns")) {
    const auto found = old.find(c.at("name"));
    if (found == old.end()) continue;
    if (Json changes = changed_values(*found->second, c); !changes.empty())
      out[found->first] = std::move(changes);
  }
  return out;
}

std::string plain(const Json& value) {
  return value.is_null()     ? "none"
         : value.is_number() ? significant(value.get<double>(), 5)
         : value.is_string() ? on_one_line(value.get<std::string>())
                             : value.dump();
}

std::string arrow(const Json& pair) {
  return str(plain(pair[0]), " → ", plain(pair[1]));
}

std::string list_of(const Json& names, const char* sign) {
  std::string out;
  std::size_t n = 0;
  for (const Json& name : names) {
    if (n++ == most_files) return str(out, "  … and ", names.size() - most_files, " more (--json)\n");
    out += str("  ", sign, " ", on_one_line(name.get<std::string>()), "\n");
  }
  return out;
}

std::string section(const char* title, const std::string& lines) {
  return str(title, lines.empty() ? ": no difference\n" : str("\n", lines));
}

std::string columns_lines(const Json& columns) {
  std::string out = str(list_of(columns.at("added"), "+"), list_of(columns.at("removed"), "-"));
  for (const auto& [name, pair] : columns.at("changed").items())
    out += str("  ~ ", on_one_line(name), ": ", arrow(pair), "\n");
  return out;
}

std::string values_lines(const Json& values) {
  std::string out;
  for (const auto& [name, changes] : values.items()) {
    std::vector<std::string> parts;
    for (const auto& [what, pair] : changes.items()) {
      if (what == "missing") {
        parts.push_back(str("missing ", share_text(pair[0].get<double>(), 1), " → ",
                            share_text(pair[1].get<double>(), 1)));
      } else if (what == "new_values" || what == "gone_values") {
        std::vector<std::string> texts;
        for (const Json& v : pair) texts.push_back(on_one_line(v.get<std::string>()));
        parts.push_back(str(what == "new_values" ? "new: " : "gone: ", fit(join(texts, ", "), 60)));
      } else {
        parts.push_back(str(what, " ", arrow(pair)));
      }
    }
    out += str("  ", on_one_line(name), ": ", join(parts, "; "), "\n");
  }
  return out;
}

}  // namespace

std::string dataset_diff_text(const DatasetRegistry& registry, const DatasetVersion& before,
                              const DatasetVersion& now, const StoreLayout& layout, const CommandLine& line) {
  const auto old_profile = known_profile(layout, before), profile = known_profile(layout, now);
  const auto rows = [](const DatasetVersion& v, const std::optional<Json>& p) -> Json {
    if (v.rows >= 0) return v.rows;
    return p ? p->at("rows") : Json();
  };
  const bool profiled = old_profile && profile;
  const Json old_columns = known_columns(before, layout), columns = known_columns(now, layout);
  Json out = {{"before", before.title()},
              {"now", now.title()},
              {"same_content", before.content == now.content},
              {"rows", {rows(before, old_profile), rows(now, profile)}},
              {"bytes", {before.bytes, now.bytes}},
              {"files", changed_files(registry.files(before), registry.files(now))}};
  out["columns"] = old_columns.empty() || columns.empty() ? Json() : changed_columns(old_columns, columns);
  out["values"] = profiled ? changed_profiles(*old_profile, *profile) : Json();
  if (line.flag("json")) return out.dump(2) + "\n";

  std::string text =
      str(before.title(), " → ", now.title(), before.content == now.content ? ": the same content\n" : "\n");
  text += str("rows: ",
              plain(out["rows"][0]) == "none" ? "not known" : human_count(out["rows"][0].get<std::int64_t>()),
              " → ", out["rows"][1].is_null() ? "not known" : human_count(out["rows"][1].get<std::int64_t>()),
              "\n");
  text += str("size: ", human_bytes(static_cast<double>(before.bytes)), " → ",
              human_bytes(static_cast<double>(now.bytes)), "\n");
  const Json& files = out["files"];
  const std::string lines =
      str(list_of(files["added"], "+"), list_of(files["removed"], "-"), list_of(files["changed"], "~"));
  // The content has more to it than the files' names and bytes.
  text += lines.empty() && before.content != now.content
              ? "files: the same names and bytes; which are executable, or whether it is a folder, differs\n"
              : section("files", lines);
  text += out["columns"].is_null() ? "columns: not known before both are profiled\n"
                                   : section("columns", columns_lines(out["columns"]));
  text += profiled ? section("values", values_lines(out["values"]))
                   : str("values: not compared; rankflow dataset profile ",
                         !old_profile ? before.title() : now.title(), " first\n");
  return text;
}

}  // namespace rankflow
