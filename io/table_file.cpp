#include "io/table_file.h"

#include "base/text.h"
#include "io/table_formats.h"

namespace rankflow {

#define RANKFLOW_TABLE_FORMAT(name, text, suffixes, help) \
  std::unique_ptr<TableFile> open_##name(const InputFile& file, const TableOptions& options);
#include "io/table_formats.inc"
#undef RANKFLOW_TABLE_FORMAT

std::unique_ptr<TableFile> open_table_file(const InputFile& file, const TableOptions& options) {
  const std::string format = format_of_table(file.name, options.format).name;
  if (file.size == 0) throw Error(ExitStatus::bad_data, str(file.name, " is empty"));
  if (!options.beside.empty() && format != "npy")
    throw Error(ExitStatus::configuration,
                str("the input `target` goes with a NumPy array, and ", file.name, " is none"),
                "the key `target` names a column");
  if (!options.datasets.empty() && format != "hdf5")
    throw Error(ExitStatus::configuration, str("`datasets` is for HDF5, and ", file.name, " is none"),
                "leave it out");
#define RANKFLOW_TABLE_FORMAT(name, text, suffixes, help) \
  if (format == #name) return open_##name(file, options);
#include "io/table_formats.inc"
#undef RANKFLOW_TABLE_FORMAT
  throw Error(ExitStatus::internal, str("format ", format, " has no code in this program"));
}

}  // namespace rankflow
