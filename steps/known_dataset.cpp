#include "steps/known_dataset.h"

#include <algorithm>

#include "base/text.h"
#include "io/optional_key.h"
#include "steps/table_keys.h"

namespace rankflow {
namespace {

bool is_number(ColumnType type) {
  return type == ColumnType::integer || type == ColumnType::real;
}

}  // namespace

std::map<std::string, ColumnType> known_types(const Json& known) {
  std::map<std::string, ColumnType> types;
  const Json& named = value_or_null(known, "types");
  for (const auto& [column, type] : named.items()) types[column] = column_type_named(type);
  return types;
}

std::vector<std::string> missing_texts(const Json& keys, const Json& known) {
  const Json& theirs = value_or_null(known, "missing");
  std::vector<std::string> texts;
  if (theirs.is_null() || given(keys, "missing")) texts = table_options(keys).missing;
  for (const Json& text : theirs) {
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  }
  return texts;
}

void require_same_learning(const Json& keys, const Json& known) {
  for (const char* key : {"scaling", "min_count"}) {
    const Json &mine = value_or_null(keys, key), &theirs = value_or_null(known, key);
    if (mine.is_null() || theirs.is_null() || mine == theirs) continue;
    throw Error(
        ExitStatus::configuration,
        str("`", key, "` is ", mine.dump(), ", but the dataset given as `statistics` was prepared with ",
            theirs.dump(), ", which counts"),
        str("leave `", key, "` out"));
  }
}

void require_same_types(const Json& keys, const Json& known, const TableRecipe& recipe) {
  const auto types = known_types(known);
  const auto declared = table_options(keys).types;
  const Lineage lineage = recipe.lineage();
  for (const char* kind : {"features", "categories"}) {
    for (const Json& feature : value_or_null(known, kind)) {
      for (const std::string& column : lineage.of(feature.at("name").get<std::string>())) {
        const auto mine = declared.find(column), theirs = types.find(column);
        if (mine == declared.end() || theirs == types.end() || mine->second == theirs->second) continue;
        if (is_number(mine->second) && is_number(theirs->second)) continue;
        throw Error(
            ExitStatus::configuration,
            str("`schema` declares ", in_quotes(column), " as ", name(mine->second),
                ", but the dataset given as `statistics` was prepared from it as ", name(theirs->second)),
            "declare it there, too, and prepare that dataset again; or leave it out here");
      }
    }
  }
}

}  // namespace rankflow
