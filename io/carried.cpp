#include "io/carried.h"

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

DType stored_as(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
    case ColumnType::text:
      return DType::u8;
    case ColumnType::integer:
      return DType::i64;
    case ColumnType::real:
      break;
  }
  return DType::f64;
}

}  // namespace

std::vector<CarriedColumn> carried_columns(const DatasetInfo& info) {
  std::vector<CarriedColumn> columns;
  const auto listed = info.schema.find("carried");
  if (listed == info.schema.end()) return columns;
  for (const Json& entry : *listed) {
    const std::string type = entry.at("type");
    CarriedColumn column{entry.at("name"), column_type_named(type)};
    const ColumnInfo& stored = info.at(column.name);
    const std::size_t dimensions = column.type == ColumnType::text ? 1 : 0;
    if (type != name(column.type) || stored.dtype != stored_as(column.type) ||
        stored.shape.size() != dimensions || stored.elements() < 1)
      throw Error(ExitStatus::bad_data,
                  str("the carried column ", in_quotes(column.name), " of type ", in_quotes(type),
                      " is stored as ", name(stored.dtype), " ", Json(stored.shape).dump()));
    columns.push_back(std::move(column));
  }
  return columns;
}

std::optional<ColumnType> carried_type(const DatasetInfo& info, const std::string& column) {
  for (const CarriedColumn& carried : carried_columns(info)) {
    if (carried.name == column) return carried.type;
  }
  return std::nullopt;
}

bool is_carried_text(const DatasetInfo& info, const std::string& column) {
  return carried_type(info, column) == ColumnType::text;
}

ColumnInfo column_info(const CarriedColumn& column, std::int64_t longest) {
  ColumnInfo info{column.name, stored_as(column.type), {}};
  if (column.type == ColumnType::text) info.shape = {longest};
  return info;
}

Json to_json(const std::vector<CarriedColumn>& columns) {
  Json json = Json::array();
  for (const CarriedColumn& column : columns)
    json.push_back({{"name", column.name}, {"type", name(column.type)}});
  return json;
}

std::string_view text_at(const std::byte* row, const ColumnInfo& column) {
  const std::string_view all(reinterpret_cast<const char*>(row), column.row_bytes());
  return all.substr(0, all.find('\0'));
}

}  // namespace rankflow
