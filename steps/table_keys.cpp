#include "steps/table_keys.h"

#include "io/optional_key.h"
#include "steps/table_keys_spec.h"

namespace rankflow {
TableOptions table_options(const Json& p) {
  TableOptions options;
  if (given(p, "datasets")) options.datasets = p.at("datasets").get<std::vector<std::string>>();
  if (given(p, "format")) options.format = p.at("format");
  options.header = p.at("header");
  if (given(p, "columns")) options.columns = p.at("columns").get<std::vector<std::string>>();
  if (given(p, "delimiter")) options.delimiter = p.at("delimiter");
  options.missing = given(p, "missing") ? p.at("missing").get<std::vector<std::string>>() : usual_missing();
  options.encoding = p.at("encoding");
  if (given(p, "files")) options.files = p.at("files").get<std::vector<std::string>>();
  for (const auto& [column, type] : p.at("schema").items()) options.types[column] = column_type_named(type);
  return options;
}

}  // namespace rankflow
