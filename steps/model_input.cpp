#include "steps/model_input.h"

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "steps/task.h"

namespace rankflow {
namespace {

struct Convention {
  const char* name;
  DType dtype;
  std::size_t dimensions;
};
constexpr std::array<Convention, 3> input_columns = {
    {{"features", DType::f32, 1}, {"categories", DType::i64, 1}, {"images", DType::u8, 3}}};

std::string column_names(const DatasetInfo& info) {
  std::vector<std::string> names;
  for (const auto& column : info.columns) names.push_back(column.name);
  return join(names, ", ");
}

Error bad_dataset(const std::string& what) {
  return Error(ExitStatus::bad_data, str("the dataset's description is wrong: ", what),
               "make it again with a prepare step");
}

/// A column under one of the conventional names, checked; nullptr where there is none.
const ColumnInfo* input_column(const DatasetInfo& info, const Convention& expected) {
  const ColumnInfo* column = info.find(expected.name);
  if (!column) return nullptr;
  if (column->dtype != expected.dtype || column->shape.size() != expected.dimensions ||
      column->elements() < 1) {
    throw bad_dataset(str("column ", column->name, " is ", name(column->dtype), " with ",
                          column->shape.size(), " dimensions per row, not ", name(expected.dtype), " with ",
                          expected.dimensions));
  }
  return column;
}

const Json& list_of(const Json& schema, const char* key) {
  static const Json none = Json::array();
  const auto found = schema.find(key);
  return found != schema.end() && found->is_array() ? *found : none;
}

std::vector<std::string> names_in(const Json& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries)
    names.push_back(entry.is_string() ? entry.get<std::string>() : entry.value("name", "?"));
  return names;
}

void require_same_list(const DatasetInfo& trained_on, const DatasetInfo& data, const char* key,
                       const char* settings, const std::string& folder) {
  const Json &wanted = list_of(trained_on.schema, key), &given = list_of(data.schema, key);
  if (wanted == given) return;
  const auto wanted_names = names_in(wanted), given_names = names_in(given);
  if (wanted_names != given_names) {
    throw Error(ExitStatus::bad_data, str("the model was trained on the ", key, " ", join(wanted_names, ", "),
                                          ", but the dataset ", folder, " has ", join(given_names, ", ")));
  }
  for (std::size_t i = 0; i < wanted_names.size(); ++i) {
    if (wanted[i] != given[i]) {
      throw Error(ExitStatus::bad_data,
                  str("the dataset ", folder, " was prepared with other ", settings, " for ", wanted_names[i],
                      " than the model's training data"),
                  "split one prepare step's output, so that all parts share its statistics");
    }
  }
}

}  // namespace

ModelInput model_input(const DatasetInfo& info) {
  ModelInput input;
  input.columns = column_names(info);
  if (const auto* column = input_column(info, input_columns[0])) input.features = column->shape[0];
  if (const auto* column = input_column(info, input_columns[1])) {
    const Json& categories = list_of(info.schema, "categories");
    if (static_cast<std::int64_t>(categories.size()) != column->shape[0]) {
      throw bad_dataset(
          str(categories.size(), " vocabularies for ", column->shape[0], " categorical columns"));
    }
    for (const auto& category : categories) {
      input.vocabularies.push_back(static_cast<std::int64_t>(list_of(category, "vocabulary").size()) + 1);
    }
  }
  if (const auto* column = input_column(info, input_columns[2])) input.image = column->shape;
  if (task_of(info.schema) == Task::classification) {
    input.outputs = static_cast<std::int64_t>(list_of(info.schema, "classes").size());
    if (input.outputs < 2) throw bad_dataset(str("classification with ", input.outputs, " classes"));
  }
  return input;
}

Json describe_input(const DatasetInfo& info) {
  Json columns = Json::object();
  for (const auto& expected : input_columns) {
    if (const auto* column = input_column(info, expected)) columns[column->name] = column->shape;
  }
  Json schema = info.schema;
  schema.erase("carried");  // no model knows of these
  return {{"columns", columns}, {"schema", schema}};
}

DatasetInfo described_input(const Json& description) {
  DatasetInfo info;
  info.schema = description.at("schema");
  for (const auto& expected : input_columns) {
    const auto found = description.at("columns").find(expected.name);
    if (found == description.at("columns").end()) continue;
    info.columns.push_back({expected.name, expected.dtype, found->get<std::vector<std::int64_t>>()});
  }
  return info;
}

void require_same_input(const DatasetInfo& trained_on, const DatasetInfo& data, bool target,
                        const std::string& folder) {
  for (const auto& expected : input_columns) {
    const ColumnInfo *wanted = input_column(trained_on, expected), *given = input_column(data, expected);
    if (!wanted && !given) continue;
    if (!wanted || !given || wanted->shape != given->shape) {
      throw Error(ExitStatus::bad_data,
                  str("the model was trained on a dataset ", wanted ? "with" : "without", " the column ",
                      expected.name, wanted && given ? " in another shape" : "", "; the dataset ", folder,
                      " has ", column_names(data)));
    }
  }
  require_same_list(trained_on, data, "features", "statistics", folder);
  require_same_list(trained_on, data, "categories", "vocabularies", folder);
  if (!target) return;
  if (task_of(trained_on.schema) != task_of(data.schema)) {
    throw Error(ExitStatus::bad_data,
                str("the model does ", name(task_of(trained_on.schema)), ", but the dataset ", folder,
                    " is for ", name(task_of(data.schema))));
  }
  require_same_list(trained_on, data, "classes", "classes", folder);
}

}  // namespace rankflow
