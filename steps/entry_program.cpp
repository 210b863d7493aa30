#include "steps/entry_program.h"

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {

std::unique_ptr<EntryProgram> make_entry_program(StepContext& context, double timeout, ProgramRows wanted) {
  std::string path = context.parameters.at("entry_script");
  if (!path.starts_with('/')) path = str(context.folder, "/", path);
  if (!exists(path)) throw Error(ExitStatus::configuration, str("entry_script: there is no file ", path));
  return path.ends_with(".so") ? make_library_program(context, path, wanted)
                               : make_script_program(context, path, timeout, wanted);
}

}  // namespace rankflow
