#include "runtime/device.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
}

/// "0", "1", … in ascending order.
std::vector<std::string> device_files() {
  std::vector<int> numbers;
  std::error_code failed;
  const std::string prefix = "nvidia";
  for (std::filesystem::directory_iterator entry("/dev", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name.starts_with(prefix) && is_number(name.substr(prefix.size())))
      numbers.push_back(std::atoi(name.c_str() + prefix.size()));
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> names;
  for (const int n : numbers) names.push_back(std::to_string(n));
  return names;
}

}  // namespace

std::vector<std::string> usable_gpus(const std::vector<std::string>& files, const char* visible) {
  if (!visible || files.empty()) return files;
  std::vector<std::string> chosen;
  for (const std::string& entry : split(visible, ',')) {
    const std::string name(trim(entry));
    // Others than numbers are UUIDs, which device files don't show.
    const bool known = is_number(name) ? static_cast<std::size_t>(std::atoi(name.c_str())) < files.size()
                                       : name.starts_with("GPU-") || name.starts_with("MIG-");
    if (!known || std::find(chosen.begin(), chosen.end(), name) != chosen.end()) break;
    chosen.push_back(name);
  }
  return chosen;
}

std::vector<std::string> usable_gpus() {
  return usable_gpus(device_files(), std::getenv("CUDA_VISIBLE_DEVICES"));
}

bool each_has_a_gpu(const std::vector<RankGpus>& ranks) {
  std::set<std::pair<int, std::string>> taken;
  for (const RankGpus& rank : ranks) {
    if (rank.gpus.empty()) return false;
    const auto mine = static_cast<std::size_t>(rank.local_rank) % rank.gpus.size();
    if (!taken.emplace(rank.node, rank.gpus[mine]).second) return false;
  }
  return true;
}

std::string automatic_device(const std::vector<RankGpus>& ranks) {
  return built_with_cuda() && each_has_a_gpu(ranks) ? "cuda" : "cpu";
}

std::string automatic_device(int ranks) {
  if (!built_with_cuda()) return "cpu";
  std::vector<RankGpus> all;
  for (int r = 0; r < ranks; ++r) all.push_back({0, r, usable_gpus()});
  return automatic_device(all);
}

std::string device_of(const PipelineStep& step, const std::string& automatic) {
  const std::string why_cpu = step.spec->cpu_only(step.parameters);
  const std::string why_cuda = step.spec->cuda_only(step.parameters);
  if (step.device == "cuda" && !why_cpu.empty())
    throw Error(ExitStatus::configuration,
                str("step ", step.name, ": resources.device is cuda, but ", why_cpu), "device: cpu, or auto");
  if (step.device == "cuda" && !built_with_cuda())
    throw Error(
        ExitStatus::configuration,
        str("step ", step.name, ": resources.device is cuda, but this program was built without CUDA"),
        "launchers/cuda-build, which builds rankflow for GPUs; or device: cpu");
  const std::string device =
      step.device != "auto" ? step.device : (why_cpu.empty() ? automatic : std::string("cpu"));
  if (device == "cpu" && !why_cuda.empty())
    throw Error(ExitStatus::configuration, str("step ", step.name, " would run on the CPU, but ", why_cuda),
                step.device == "auto"
                    ? "a program built for GPUs (launchers/cuda-build) and a GPU for each rank"
                    : "device: cuda");
  return device;
}

}  // namespace rankflow
