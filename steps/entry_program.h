// Code of the user's that makes rows of mini-batches, whatever it is written in: the key `entry_script` of score and prepare.
#pragma once

#include <memory>
#include <string>

#include "runtime/step.h"
#include "steps/script_input.h"

namespace rankflow {

/// What the rows that a program gives are.
enum class ProgramRows {
  results,  // one for each row of the mini-batch, without missing values
  table,    // any number of rows of a table
};

class EntryProgram {
 public:
  virtual ~EntryProgram() = default;
  /// What it gave for these rows of the input, as an Arrow IPC stream. Throws Error saying why the mini-batch failed; Stopped.
  virtual std::string run(const ScriptInput& input, Range rows) = 0;
  /// Where it lies.
  virtual const std::string& path() const = 0;
};

/// The step's keys `entry_script` (a Python file, or a library: *.so), `python` and `parameters`. `timeout`: seconds for a
/// mini-batch of a Python script. The context must outlive it. Throws Error (configuration) where there is no such file.
std::unique_ptr<EntryProgram> make_entry_program(StepContext& context, double timeout, ProgramRows wanted);

/// The two kinds.
std::unique_ptr<EntryProgram> make_script_program(StepContext& context, const std::string& path,
                                                  double timeout, ProgramRows wanted);
std::unique_ptr<EntryProgram> make_library_program(StepContext& context, const std::string& path,
                                                   ProgramRows wanted);

}  // namespace rankflow
