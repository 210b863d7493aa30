#include "steps/table_keys.h"

namespace rankflow {
namespace {

const Json& parameter(const Json& parameters, const char* key) {
  static const Json absent = nullptr;
  auto it = parameters.find(key);
  return it == parameters.end() ? absent : *it;
}

ColumnType type_named(const std::string& text) {
  for (const ColumnType type : {ColumnType::boolean, ColumnType::integer, ColumnType::real}) {
    if (text == name(type)) return type;
  }
  return ColumnType::text;
}

}  // namespace

TableOptions table_options(const Json& p) {
  TableOptions options;
  if (!parameter(p, "datasets").is_null())
    options.datasets = p.at("datasets").get<std::vector<std::string>>();
  if (!parameter(p, "format").is_null()) options.format = p.at("format");
  options.header = p.at("header");
  if (!parameter(p, "columns").is_null()) options.columns = p.at("columns").get<std::vector<std::string>>();
  if (!parameter(p, "delimiter").is_null()) options.delimiter = p.at("delimiter");
  options.missing = p.at("missing").get<std::vector<std::string>>();
  options.encoding = p.at("encoding");
  if (!parameter(p, "files").is_null()) options.files = p.at("files").get<std::vector<std::string>>();
  for (const auto& [column, type] : p.at("schema").items()) options.types[column] = type_named(type);
  return options;
}

}  // namespace rankflow
