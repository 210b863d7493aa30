#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "io/copy_artifact.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "runtime/run_record.h"

namespace rankflow {
int download_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  const std::string digest = output_digest(load_run(layout, line.arguments.at(0)), line.arguments.at(1));
  const std::string folder = absolute_path(line.arguments.at(2));
  const Manifest manifest = manifest_of(layout, digest);
  for (const auto& file : manifest.files) {
    if (exists(str(folder, "/", file.path))) {
      throw Error(ExitStatus::usage, str(folder, "/", file.path, " is there already and is not overwritten"),
                  "another folder");
    }
  }
  const auto bytes = static_cast<double>(copy_artifact(layout, digest, folder, false));
  std::fputs(str(manifest.files.size(), manifest.files.size() == 1 ? " file, " : " files, ",
                 human_bytes(bytes), " → ", folder, "\n")
                 .c_str(),
             stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
