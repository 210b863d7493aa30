// Code of the user's that makes rows of mini-batches, whatever it is written in: the key `entry_script` of score and prepare.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "runtime/step.h"
#include "steps/script_input.h"

namespace rankflow {

/// What the rows that a program gives are.
enum class ProgramRows {
  results,  // one for each row of the mini-batch
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

/// Seconds that a mini-batch of a Python script may take where no `timeout` is given.
inline constexpr double seconds_for_script = 60;

/// Bytes of an exception's text that are kept: enough for the deepest trace that somebody reads.
inline constexpr std::size_t longest_failure = 10'000;

/// `retry_settings.timeout` of a step.
std::optional<double> mini_batch_timeout(const Json& parameters);

/// The step's keys `entry_script` (a Python file, or a library: *.so), `python`, `parameters` and `retry_settings`. The context must
/// outlive it. Throws Error (configuration) where there is no such file.
std::unique_ptr<EntryProgram> make_entry_program(StepContext& context, ProgramRows wanted);

/// The kinds: a script in a process of its own; a library in this process, or, to be ended there after `timeout` seconds, in another.
std::unique_ptr<EntryProgram> make_script_program(StepContext& context, const std::string& path,
                                                  std::optional<double> timeout, ProgramRows wanted);
std::unique_ptr<EntryProgram> make_library_program(const StepContext& context, const std::string& path);
std::unique_ptr<EntryProgram> make_timed_library_program(StepContext& context, const std::string& path,
                                                         double timeout);

}  // namespace rankflow
