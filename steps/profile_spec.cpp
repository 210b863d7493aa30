#include "io/table_formats.h"
#include "steps/specs.h"

namespace rankflow {

StepSpec profile_spec() {
  StepSpec spec;
  spec.type = "profile";
  spec.help =
      "Looks at every column of a table or prepared dataset: type, missing and distinct values, extremes, "
      "mean, quantiles, "
      "histogram, most frequent values. One run over the data, shared out over the ranks; the same bytes on "
      "any number of them. "
      "`rankflow dataset profile` runs it for a registered dataset and shows what it found.";
  std::vector<std::string> formats;
  for (const TableFormat& format : table_formats()) formats.push_back(format.name);
  spec.fields = {
      choice("format", formats, "Tables: by default the suffix decides, csv where it says nothing"),
      or_single(
          at_least(list("files", text("", "a glob below the folder"),
                        "Tables in a folder: which files; by default all in it with a suffix of a format"),
                   1)),
      with_default(text("encoding", "Text tables: utf-8, latin-1, utf-16 or another that iconv knows"),
                   "utf-8"),
      with_default(boolean("header", "Tables: the first row of each file holds the column names"), true),
      at_least(list("columns", text("", "a column's name"),
                    "Tables without a header: the names of the columns; by default c0, c1, …"),
               1),
      text("delimiter", "CSV: the character between two cells; by default a comma, in *.tsv a tab"),
      with_default(
          list("missing", text("", "a cell's text"), "Tables: unquoted cells with these texts have no value"),
          Json::array({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})),
      with_default(between(integer("bins", "Equally wide bins of a histogram"), 1, 1000), 20),
      with_default(between(integer("top", "How many of the most frequent values are listed"), 1, 1000), 20),
  };
  spec.inputs = {
      {"data",
       "a prepared dataset, or a table: a file of any format that `prepare` reads, or a folder of them"}};
  spec.outputs = [](const Json&) { return std::vector<OutputSpec>{{"profile", "profile.json"}}; };
  spec.outputs_help = "profile";
  return spec;
}

}  // namespace rankflow
