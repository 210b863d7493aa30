#include "runtime/abandoned.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "collectives/host_name.h"
#include "io/file.h"

namespace rankflow {

bool is_over(const StoreLayout& layout, const std::string& run) {
  const auto record = try_read_json(RunLayout{layout.run(run)}.record());
  if (!record || !record->is_object()) return false;
  const std::string status = record->value("status", "");
  if (status != "running" && status != "starting") return true;
  const Json process = record->value("process", Json::object());
  if (process.value("host", "") != host_name()) return false;
  return kill(process.value("pid", 1), 0) != 0 && errno == ESRCH;
}

void claim_run(RunRecord& record) {
  record.json()["process"] = {{"host", host_name()}, {"pid", getpid()}};
}

void remove_abandoned(Store& store) {
  std::error_code problem;
  for (std::filesystem::directory_iterator at(store.layout().temporary(), problem), end;
       !problem && at != end; at.increment(problem)) {
    const std::string name = at->path().filename().string();
    const auto dot = name.find('.');
    if (dot == std::string::npos || !is_over(store.layout(), name.substr(dot + 1))) continue;
    try {
      remove_tree(at->path().string());
    } catch (const Error& e) {
      log::warning(str("left by a killed run: ", e.message()));
    }
  }
}

}  // namespace rankflow
