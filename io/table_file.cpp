#include "io/table_file.h"

#include "base/text.h"
#include "io/table_formats.h"

namespace rankflow {

#define RANKFLOW_TABLE_FORMAT(name, suffixes, help) \
  std::unique_ptr<TableFile> open_##name(const InputFile& file, const TableOptions& options);
#include "io/table_formats.inc"
#undef RANKFLOW_TABLE_FORMAT

std::unique_ptr<TableFile> open_table_file(const InputFile& file, const TableOptions& options) {
  std::string format = options.format;
  if (format.empty()) {
    const TableFormat* found = format_of_path(file.name);
    format = found ? found->name : "csv";  // any text may be a table
  }
  if (file.size == 0) throw Error(ExitStatus::bad_data, str(file.name, " is empty"));
#define RANKFLOW_TABLE_FORMAT(name, suffixes, help) \
  if (format == #name) return open_##name(file, options);
#include "io/table_formats.inc"
#undef RANKFLOW_TABLE_FORMAT
  throw Error(ExitStatus::internal, str("format ", format, " has no code in this program"));
}

}  // namespace rankflow
