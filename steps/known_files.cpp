#include "steps/known_files.h"

#include "base/log.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file_memory.h"

namespace rankflow {

std::vector<std::string> digests_of(Communicator& comm, const std::vector<std::string>& paths) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::string mine;
  run_together(comm, [&] {
    FileMemory memory(FileMemory::default_path());
    for (auto i = static_cast<std::size_t>(comm.rank()); i < paths.size(); i += ranks)
      mine += memory.digest(paths[i]);
  });
  constexpr std::size_t length = 64;  // hexadecimal digits of a digest
  const auto texts = comm.all_gather_text(mine);
  std::vector<std::string> digests(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i)
    digests[i] = texts[i % ranks].substr(i / ranks * length, length);
  return digests;
}

void say_taken_over(StepContext& context, std::int64_t taken, std::int64_t all, const std::string& why) {
  if (!context.earlier) return;
  const std::string said = str(taken, " of ", all),
                    line = str("files taken over from the earlier run: ", said, why.empty() ? "" : ": ", why);
  log::info(line);
  context.report.note(line);
  context.report.result("files_taken_over", said);
}

}  // namespace rankflow
