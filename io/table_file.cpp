#include "io/table_file.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "io/arrow_result.h"
#include "io/table_formats.h"

namespace rankflow {

namespace {

/// What files of a kind begin with, from `offset` on; Parquet's end with it, too, as a column may be called so.
struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* kind;
  const char* hint;
  bool at_end = false;
};

constexpr Signature signatures[] = {
    {0, "PAR1", "Parquet", "format: parquet, or a name that ends in .parquet", true},
    {0, "ARROW1", "Arrow's IPC format", "format: arrow, or a name that ends in .arrow"},
    {0, "\x89HDF\r\n", "HDF5", "format: hdf5, or a name that ends in .h5"},
    {0, "\x93NUMPY", "a NumPy array", "format: npy, or a name that ends in .npy"},
    {0, std::string_view("PK\x03\x04", 4), "a zip archive or a spreadsheet", "unpack it, or save it as CSV"},
    {0, "\x28\xb5\x2f\xfd", "a file compressed with zstd", "a name that ends in .zst"},
    {0,
     std::string_view("\xfd"
                      "7zXZ",
                      5),
     "a file compressed with xz", "unpack it with xz -d, or compress it with gzip or zstd"},
    {4, "1AY&SY", "a file compressed with bzip2", "unpack it with bunzip2, or compress it with gzip or zstd"},
};

/// Throws Error (bad_data) where a file that is to be read as text begins like another kind.
void check_text(const InputFile& file, const std::string& format) {
  const auto bytes = open_bytes(file);
  const auto size = static_cast<std::int64_t>(file.size);
  const auto read = [&](std::int64_t at) {
    const auto buffer = value_of(bytes->ReadAt(at, std::min<std::int64_t>(16, size - at)), file.name);
    return std::string(std::string_view(*buffer));
  };
  const std::string begin = read(0);
  for (const Signature& s : signatures) {
    if (begin.size() < s.offset + s.bytes.size() || begin.compare(s.offset, s.bytes.size(), s.bytes) != 0)
      continue;
    if (s.at_end && !read(std::max<std::int64_t>(0, size - 16)).ends_with(s.bytes)) continue;
    throw Error(ExitStatus::bad_data,
                str(file.name, " looks like ", s.kind, ", but would be read as ",
                    format == "csv" ? "CSV" : "JSON lines"),
                s.hint);
  }
  const std::size_t first = begin.find_first_not_of(" \t\r\n");
  if (format == "jsonl" && first != std::string::npos && begin[first] == '[')
    throw Error(ExitStatus::bad_data, str(file.name, " holds a JSON array, not an object on each line"),
                "jq -c '.[]' makes JSON lines of it");
}

}  // namespace

#define RANKFLOW_TABLE_FORMAT(name, text, suffixes, help) \
  std::unique_ptr<TableFile> open_##name(const InputFile& file, const TableOptions& options);
#include "io/table_formats.inc"
#undef RANKFLOW_TABLE_FORMAT

std::unique_ptr<TableFile> open_table_file(const InputFile& file, const TableOptions& options) {
  const TableFormat& kind = format_of_table(file.name, options.format);
  const std::string& format = kind.name;
  if (file.size == 0) throw Error(ExitStatus::bad_data, str(file.name, " is empty"));
  if (kind.text) check_text(file, format);
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
