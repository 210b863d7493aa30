// Rows made by a library of the user's (row_plugin.h), in this process.
#pragma once

#include <memory>
#include <string>

#include "steps/entry_program.h"
#include "steps/plugin_library.h"
#include "steps/row_plugin.h"

namespace rankflow {

class LibraryRows {
 public:
  /// Throws Error (configuration) where the library can't be loaded, or was compiled for another rankflow.
  LibraryRows(std::string path, RowProgramContext about);
  ~LibraryRows();

  /// An Arrow IPC stream. Throws Error (step_failed, bad_data) with what the library threw, or what is wrong with its rows.
  std::string run(const MiniBatch& batch);

 private:
  void make();
  template <typename Code>
  auto run_code(const Code& code) const -> decltype(code());
  std::string stream(RowTable table) const;

  const std::string path_;
  const PluginLibrary library_;
  const RowProgramContext about_;
  std::unique_ptr<RowProgram> program_;
};

}  // namespace rankflow
