// Rows to and from other processes, as streams in Arrow's IPC format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/result_table.h"

namespace rankflow {

/// Plain columns as they are; a matrix as a column of fixed-size lists, whose field has the names of their elements in its
/// metadata: "labels", a JSON list. Fields are nullable where a value may be missing.
std::string to_ipc(const ResultSchema& schema, const ResultTable& table);

struct IpcTable {
  ResultSchema schema;
  ResultTable table;
};
/// A stream of plain columns of null, bool, int64, float, double and utf8. Null reals are NaN; a column of which
/// all are is of the type `nan`. Throws Error (bad_data) for anything else.
IpcTable from_ipc(std::string_view bytes);

}  // namespace rankflow
