#include "steps/mini_batch_bytes.h"

#include <utility>

#include "io/result_table.h"

namespace rankflow {
namespace {

ResultType type_of(const RowColumn& column) {
  constexpr ResultType types[] = {ResultType::byte, ResultType::integer, ResultType::real32,
                                  ResultType::real64, ResultType::text};
  return column.boolean ? ResultType::boolean : types[column.values.index()];
}

ResultColumn described(const RowColumn& column) {
  if (column.labels.empty()) return plain_column(column.name, type_of(column), column.categories);
  return {column.name, type_of(column), true, column.labels, column.categories};
}

/// Rows without a value, as a column after their own.
ResultColumn marks() {
  return plain_column("missing", ResultType::byte);
}

}  // namespace

ChildMessage message_of(const MiniBatch& batch) {
  ResultSchema schema;
  ResultTable table{batch.table.rows, {}};
  Json with_missing = Json::array();
  for (const RowColumn& column : batch.table.columns) {
    schema.push_back(described(column));
    table.columns.push_back(column.values);
    with_missing.push_back(!column.missing.empty());
    if (!column.missing.empty()) table.columns.emplace_back(column.missing);
  }
  return {{{"first_row", batch.first_row},
           {"rows", batch.table.rows},
           {"paths", batch.paths},
           {"schema", to_json(schema)},
           {"missing", with_missing}},
          encoded(table)};
}

MiniBatch mini_batch_from(const ChildMessage& message) {
  const Json& head = message.head;
  const ResultSchema schema = result_schema(head.at("schema"));
  ResultSchema all;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    all.push_back(schema[c]);
    if (head.at("missing")[c]) all.push_back(marks());
  }
  ResultTable table = decoded(all, head.at("rows"), message.payload);
  MiniBatch batch{head.at("first_row"), {table.rows, {}}, head.at("paths")};
  std::size_t next = 0;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    const ResultColumn& about = schema[c];
    RowColumn column{about.name, std::move(table.columns[next++])};
    if (about.matrix) column.labels = about.labels;
    column.categories = about.categories;
    column.boolean = about.type == ResultType::boolean;
    if (head.at("missing")[c])
      column.missing = std::get<std::vector<std::uint8_t>>(std::move(table.columns[next++]));
    batch.table.columns.push_back(std::move(column));
  }
  return batch;
}

}  // namespace rankflow
