#include "steps/specs.h"
#include "steps/table_keys_spec.h"

namespace rankflow {

StepSpec profile_spec() {
  StepSpec spec;
  spec.type = "profile";
  spec.version = 3;
  spec.help =
      "Looks at every column of a table or prepared dataset: type, missing and distinct values, extremes, "
      "mean, quantiles, "
      "histogram, most frequent values. One run over the data, shared out over the ranks; the same bytes on "
      "any number of them. "
      "`rankflow dataset profile` runs it for a registered dataset and shows what it found.";
  spec.fields = table_keys();
  for (Field& field : Fields{
           with_default(between(integer("bins", "Equally wide bins of a histogram"), 1, 1000), 20),
           with_default(between(integer("top", "How many of the most frequent values are listed"), 1, 1000),
                        20),
       })
    spec.fields.push_back(std::move(field));
  spec.check = check_table_keys;
  spec.inputs = {
      {"data",
       "a prepared dataset, or a table: a file of any format that `prepare` reads, or a folder of them"}};
  spec.outputs = [](const Json&) { return std::vector<OutputSpec>{{"profile", "profile.json", "profile"}}; };
  spec.outputs_help = "profile";
  return spec;
}

}  // namespace rankflow
