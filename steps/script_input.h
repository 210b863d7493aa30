// What an entry script gets for a mini-batch, and how the results say which row is whose.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/partition.h"
#include "collectives/communicator.h"
#include "io/result_table.h"

namespace rankflow {

class ScriptInput {
 public:
  virtual ~ScriptInput() = default;
  virtual std::int64_t rows() const = 0;
  /// What the script's process is told, beside the rows: {"paths": […]} where these are the rows.
  virtual Json head(Range) const { return Json::object(); }
  /// The rows as an Arrow IPC stream.
  virtual std::string payload(Range) const { return {}; }
  /// Columns that stand before the script's own in the results.
  virtual const ResultSchema& leading() const = 0;
  virtual std::vector<ResultValues> leading_values(Range rows) const = 0;
};

/// A prepared dataset (a folder with dataset.json), another folder's files, or a table: a file of any format of tables.
/// `columns`: of a dataset or table, to go before the results; `scratch`: a folder for unpacked files. Collective. Throws Error
/// (bad_data, configuration).
std::unique_ptr<ScriptInput> open_script_input(Communicator& comm, const std::string& path,
                                               const std::vector<std::string>& columns,
                                               const std::string& scratch);

}  // namespace rankflow
