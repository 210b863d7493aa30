#include "steps/result_names.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

void check_result_names(const ResultSchema& schema, const std::vector<std::string>& formats,
                        const std::string& hint) {
  const bool hdf5 = std::find(formats.begin(), formats.end(), "hdf5") != formats.end();
  std::set<std::string> names;
  for (const ResultColumn& column : schema) {
    std::set<std::string> own(column.labels.begin(), column.labels.end());
    own.insert(column.name);
    for (const std::string& name : own) {
      if (!names.insert(name).second)
        throw Error(ExitStatus::configuration, str("two columns of the results are called ", in_quotes(name)),
                    hint);
    }
    if (hdf5 && (column.name.empty() || column.name == "." || column.name.find('/') != std::string::npos))
      throw Error(ExitStatus::configuration,
                  str("the format hdf5 can't have a column called ", in_quotes(column.name)),
                  "leave hdf5 out of `formats`, or rename the column");
  }
}

}  // namespace rankflow
