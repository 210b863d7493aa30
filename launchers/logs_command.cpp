#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/tree.h"
#include "launchers/commands.h"
#include "runtime/run_record.h"

namespace rankflow {
namespace {

struct RankLog {
  int rank;
  std::string path;
};

/// rank-<r>.log files of a folder, by rank.
std::vector<RankLog> rank_logs(const std::string& folder) {
  std::vector<RankLog> logs;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
  if (!entries) return logs;
  while (const dirent* entry = readdir(entries.get())) {
    const std::string name = entry->d_name, before = "rank-", after = ".log";
    if (!name.starts_with(before) || !name.ends_with(after)) continue;
    int rank = 0;
    const auto [end, error] = std::from_chars(name.data() + before.size(), name.data() + name.size(), rank);
    if (error == std::errc() && end == name.data() + name.size() - after.size())
      logs.push_back({rank, folder + "/" + name});
  }
  std::sort(logs.begin(), logs.end(), [](const RankLog& a, const RankLog& b) { return a.rank < b.rank; });
  return logs;
}

/// Prints a log, each line after `prefix`.
void print_log(const std::string& path, const std::string& prefix) {
  const std::string text = read_file(path);
  std::size_t start = 0;
  while (start < text.size()) {
    const auto end = std::min(text.find('\n', start), text.size());
    std::fputs(prefix.c_str(), stdout);
    std::fwrite(text.data() + start, 1, end - start, stdout);
    std::fputc('\n', stdout);
    start = end + 1;
  }
}

std::vector<std::string> step_names(const Json& record) {
  std::vector<std::string> names;
  const Json steps = record.value("steps", Json::object());
  for (const auto& step : steps.items()) names.push_back(step.key());
  return names;
}

/// The run whose logs are a step's: the one that made what this run reused.
std::string maker_of(const Json& step, const std::string& id) {
  return step.value("status", "") == "reused" ? step.value("run", id) : id;
}

void print_files(const std::string& folder) {
  if (!exists(folder)) return;
  for (const auto& entry : list_tree(folder)) {
    const std::string size = human_bytes(static_cast<double>(entry.size));
    std::fputs(str("  ", folder, "/", entry.path, "  ", size, "\n").c_str(), stdout);
  }
}

int list_logs(const StoreLayout& layout, const Json& record, const std::string& id) {
  std::fputs(str("logs of run ", id, ", and of the runs that made what it reused:\n").c_str(), stdout);
  print_files(RunLayout{layout.run(id)}.logs());
  const Json steps = record.value("steps", Json::object());
  for (const auto& [name, step] : steps.items()) {
    if (const auto maker = maker_of(step, id); maker != id)
      print_files(RunLayout{layout.run(maker)}.step_logs(name));
  }
  return code(ExitStatus::ok);
}

}  // namespace

int logs_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  const Json record = load_run(layout, line.text("run"));
  const auto id = record.at("run").get<std::string>();
  if (line.arguments.empty()) return list_logs(layout, record, id);

  const std::string& step = line.arguments[0];
  const auto names = step_names(record);
  if (std::find(names.begin(), names.end(), step) == names.end()) {
    throw Error(ExitStatus::usage, str("run ", id, " has no step \"", step, "\"", did_you_mean(step, names)),
                str("rankflow show ", id));
  }
  const std::string maker = maker_of(record["steps"][step], id);
  const RunLayout run{layout.run(maker)};
  auto logs = rank_logs(run.step_logs(step));
  if (line.has("rank"))
    std::erase_if(logs, [&](const RankLog& log) { return log.rank != line.integer("rank"); });
  if (!exists(run.root)) {
    throw Error(ExitStatus::io,
                str("run ", maker, ", which made step \"", step, "\", is no longer in the store"),
                "rankflow run --force " + step);
  }
  if (logs.empty()) {
    std::fputs(str("step ", step, line.has("rank") ? str(" on rank ", line.integer("rank")) : "",
                   " logged nothing in run ", maker, "; what its ranks logged is in ", run.logs(), "\n")
                   .c_str(),
               stderr);
  }
  for (const auto& log : logs) print_log(log.path, logs.size() > 1 ? str("[rank ", log.rank, "] ") : "");
  return code(ExitStatus::ok);
}

}  // namespace rankflow
