#include "steps/table_keys_spec.h"

#include <algorithm>

#include "base/text.h"
#include "io/optional_key.h"
#include "io/table_formats.h"

namespace rankflow {
namespace {

std::string formats_help() {
  std::string help;
  for (const TableFormat& format : table_formats())
    help +=
        str(help.empty() ? "" : "; ", format.name, " (*", join(format.suffixes, ", *"), "): ", format.help);
  return help;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const TableFormat& format : table_formats()) names.push_back(format.name);
  return names;
}

Error wrong(const std::string& message, const std::string& hint = {}) {
  return Error(ExitStatus::configuration, message, hint);
}

}  // namespace

const std::vector<std::string>& usual_missing() {
  static const std::vector<std::string> texts{"NA", "N/A", "NaN", "nan", "null", "NULL"};
  return texts;
}

Fields table_keys() {
  return {
      choice("format", format_names(),
             str("Tables: by default the suffix decides, csv where it says nothing. ", formats_help(),
                 ". Text may be compressed: *.gz, *.zst")),
      or_single(at_least(list("files", text("", "a glob below the folder"),
                              "Tables in a folder: which files, such as `2024-*/part-*.csv`, with `**` for "
                              "folders at any depth; by default all "
                              "in it with a suffix of a "
                              "format. They are joined in the order of their names"),
                         1)),
      at_least(list("datasets", text("", "a dataset's name, or its path in groups"),
                    "HDF5: the datasets that are the columns; by default all in the root group"),
               1),
      with_default(text("encoding", "Text tables: utf-8, latin-1, utf-16 or another that iconv knows"),
                   "utf-8"),
      with_default(
          map("schema", choice("", {"boolean", "integer", "real", "text"}, "the type"),
              "Tables: types of columns. For others they are found by looking at all rows: all integers, all "
              "numbers, all true or false, otherwise text"),
          Json::object()),
      with_default(boolean("header", "Tables: the first row of each file holds the column names"), true),
      at_least(list("columns", text("", "a column's name"),
                    "Tables without a header: the names of the columns; by default c0, c1, …"),
               1),
      text("delimiter", "CSV: the character between two cells; by default a comma, in *.tsv a tab"),
      list("missing", text("", "a cell's text"),
           str("CSV: unquoted cells with these texts have no value; ", join(usual_missing(), ", "),
               " where the key isn't given. An empty cell never has one")),
  };
}

void check_unique(const Json& names, const std::string& where) {
  std::vector<std::string> seen;
  for (const Json& n : names) {
    const std::string name = n;
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      throw wrong(str("\"", name, "\" is listed twice in `", where, "`"));
    seen.push_back(name);
  }
}

void check_table_keys(const Json& p) {
  const std::string delimiter = given(p, "delimiter") ? p.at("delimiter") : ",";
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r") {
    throw wrong(
        str("`delimiter` is \"", delimiter, "\"; it must be one character, no quote and no line end"));
  }
  if (given(p, "columns")) {
    if (p.at("header").get<bool>())
      throw wrong("`columns` names the columns of files without a header", "header: false");
    check_unique(p.at("columns"), "columns");
  }
}

}  // namespace rankflow
