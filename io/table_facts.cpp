#include "io/table_facts.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr int unreadable = -2;  // in place of a type

/// The type that serves both: integers may be reals, and anything may be the text that it was.
ColumnType wider(ColumnType a, ColumnType b) {
  const auto number = [](ColumnType t) { return t == ColumnType::integer || t == ColumnType::real; };
  if (a == b) return a;
  return number(a) && number(b) ? ColumnType::real : ColumnType::text;
}

}  // namespace

Json FileFacts::packed() const {
  Json json{{"blocks", blocks}, {"same", same_columns}, {"columns", Json::array()}};
  for (const TableColumn& c : columns)
    json["columns"].push_back({c.name, c.type ? static_cast<int>(*c.type) : -1});
  return json;
}

FileFacts FileFacts::unpacked(const Json& json) {
  FileFacts facts{json.at("blocks"), json.at("same"), {}};
  for (const Json& c : json.at("columns")) {
    const int type = c.at(1);
    facts.columns.push_back(
        {c.at(0), type < 0 ? std::nullopt : std::optional(static_cast<ColumnType>(type))});
  }
  return facts;
}

void check_same_columns(const FileFacts& first, const FileFacts& other, const std::string& first_name,
                        const std::string& name, const std::map<std::string, ColumnType>& declared) {
  const std::size_t n = std::max(first.columns.size(), other.columns.size());
  for (std::size_t c = 0; c < n; ++c) {
    const std::string a = c < first.columns.size() ? str('"', first.columns[c].name, '"') : "none";
    const std::string b = c < other.columns.size() ? str('"', other.columns[c].name, '"') : "none";
    if (a != b) {
      throw Error(ExitStatus::bad_data,
                  str(name, ": column ", c + 1, " is ", b, ", but ", first_name, " has ", a, " there"),
                  "all files of a table have the same columns in the same order");
    }
    const auto ta = first.columns[c].type, tb = other.columns[c].type;
    const auto number = [](ColumnType t) { return t == ColumnType::integer || t == ColumnType::real; };
    if (declared.count(first.columns[c].name)) continue;
    if (ta && tb && *ta != *tb && !(number(*ta) && number(*tb))) {
      throw Error(ExitStatus::bad_data,
                  str(name, ": column ", a, " is ", rankflow::name(*tb), ", but ", first_name, " has it as ",
                      rankflow::name(*ta)),
                  "declare its type under `schema`");
    }
  }
}

void FoundColumns::add(const std::string& name, const std::optional<ColumnType>& type) {
  auto [it, added] = types.emplace(name, type);
  if (added) {
    names.push_back(name);
  } else if (type) {
    it->second = it->second ? wider(*it->second, *type) : *type;
  }
}

void FoundColumns::add(const Json& others) {
  for (const Json& c : others) {
    const int type = c.at(1);
    if (type == unreadable)
      left_out[c.at(0)] = c.at(2);
    else
      add(c.at(0), type < 0 ? std::nullopt : std::optional(static_cast<ColumnType>(type)));
  }
}

Json FoundColumns::packed() const {
  Json json = Json::array();
  for (const std::string& name : names) {
    const auto& type = types.at(name);
    json.push_back({name, type ? static_cast<int>(*type) : -1});
  }
  for (const auto& [name, type] : left_out) json.push_back({name, unreadable, type});
  return json;
}

ColumnType type_like_earlier(ColumnType earlier, const std::optional<ColumnType>& found) {
  return earlier == ColumnType::integer && found == ColumnType::real ? ColumnType::real : earlier;
}

bool must_be_read_again(ColumnType found, ColumnType type) {
  const bool as_number = type == ColumnType::integer || type == ColumnType::real;
  if (found == ColumnType::boolean && as_number) return false;
  return found != type && !(found == ColumnType::integer && type == ColumnType::real);
}

}  // namespace rankflow
