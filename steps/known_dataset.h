// What the dataset given as `statistics` decides about the tables that are prepared like it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/table.h"
#include "steps/table_recipe.h"

namespace rankflow {

/// The types of the columns that the dataset was made from. `known`: its schema, null where there is no such dataset.
std::map<std::string, ColumnType> known_types(const Json& known);

/// Texts of cells without a value: those of the dataset and those that the step gives; the usual ones where neither has any.
std::vector<std::string> missing_texts(const Json& keys, const Json& known);

/// Scaling and categories are those of the dataset: a key that asks for others would have no effect. Throws Error (configuration).
void require_same_learning(const Json& keys, const Json& known);

/// That `schema` gives the columns which the dataset's features are made from the types that they had, but for integers and reals.
/// Throws Error (configuration).
void require_same_types(const Json& keys, const Json& known, const TableRecipe& recipe);

}  // namespace rankflow
