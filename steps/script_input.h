// What an entry script, or a plug-in, gets for a mini-batch, and how the results say which row is whose.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/partition.h"
#include "collectives/communicator.h"
#include "io/result_table.h"
#include "io/table_file.h"
#include "steps/row_plugin.h"

namespace rankflow {

class ScriptInput {
 public:
  virtual ~ScriptInput() = default;
  virtual std::int64_t rows() const = 0;
  /// What the script's process is told, beside the rows: {"paths": […]} where these are the rows.
  virtual Json head(Range) const { return Json::object(); }
  /// The rows as an Arrow IPC stream.
  virtual std::string payload(Range) const { return {}; }
  /// The same for code in this process.
  virtual MiniBatch mini_batch(Range rows) const = 0;
  /// Columns that stand before the script's own in the results.
  virtual const ResultSchema& leading() const = 0;
  virtual ResultTable leading_values(Range rows) const = 0;
  /// Collective. That what was read is what was found. Throws Error (bad_data).
  virtual void check_unchanged(Communicator&) const {}
  /// The same of what these rows were read from, by this rank alone: what is kept of an unfinished step must not come from other
  /// content than a later run finds. Throws Error (bad_data).
  virtual void check_unchanged(Range) const {}
};

/// A prepared dataset (a folder with dataset.json), another folder's files, or a table: a file of any format of tables, or what
/// `options` picks in a folder (`files`, `format`). `columns`: of a dataset or table, to go before the results; `scratch`: a folder for
/// unpacked files. Collective. Throws Error (bad_data, configuration).
std::unique_ptr<ScriptInput> open_script_input(Communicator& comm, const std::string& path,
                                               const TableOptions& options,
                                               const std::vector<std::string>& columns,
                                               const std::string& scratch);

}  // namespace rankflow
