#include "steps/entry_program.h"

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/optional_key.h"

namespace rankflow {

std::optional<double> mini_batch_timeout(const Json& parameters) {
  const Json& seconds = value_or_null(parameters.at("retry_settings"), "timeout");
  return seconds.is_null() ? std::nullopt : std::optional(seconds.get<double>());
}

std::unique_ptr<EntryProgram> make_entry_program(StepContext& context, ProgramRows wanted) {
  std::string path = context.parameters.at("entry_script");
  if (!path.starts_with('/')) path = str(context.folder, "/", path);
  if (!exists(path)) throw Error(ExitStatus::configuration, str("entry_script: there is no file ", path));
  const auto timeout = mini_batch_timeout(context.parameters);
  if (!path.ends_with(".so")) return make_script_program(context, path, timeout, wanted);
  return timeout ? make_timed_library_program(context, path, *timeout) : make_library_program(context, path);
}

}  // namespace rankflow
