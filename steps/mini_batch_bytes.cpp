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

}  // namespace

ChildMessage message_of(const MiniBatch& batch) {
  ResultSchema schema;
  ResultTable table{batch.table.rows, {}};
  for (const RowColumn& column : batch.table.columns) {
    schema.push_back(described(column));
    table.columns.push_back(column.values);
    table.missing.push_back(column.missing);
  }
  return {{{"first_row", batch.first_row},
           {"rows", batch.table.rows},
           {"paths", batch.paths},
           {"schema", to_json(schema)}},
          encoded(schema, table)};
}

MiniBatch mini_batch_from(const ChildMessage& message) {
  const Json& head = message.head;
  const ResultSchema schema = result_schema(head.at("schema"));
  ResultTable table = decoded(schema, head.at("rows"), message.payload);
  MiniBatch batch{head.at("first_row"), {table.rows, {}}, head.at("paths")};
  for (std::size_t c = 0; c < schema.size(); ++c) {
    const ResultColumn& about = schema[c];
    RowColumn column{about.name, std::move(table.columns[c])};
    if (about.matrix) column.labels = about.labels;
    column.categories = about.categories;
    column.missing = std::move(table.missing[c]);
    column.boolean = about.type == ResultType::boolean;
    batch.table.columns.push_back(std::move(column));
  }
  return batch;
}

}  // namespace rankflow
