#include "runtime/plan_disk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/text.h"
#include "io/file.h"
#include "io/tree.h"
#include "runtime/code_files.h"

namespace rankflow {
namespace {

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

class RealDisk : public PlanDisk {
 public:
  RealDisk(Store& store, FileMemory& memory, ListRemote list_remote)
      : store_(store), memory_(memory), list_remote_(std::move(list_remote)) {}

  std::optional<ActionRecord> find_usable(const std::string& fingerprint, std::string* problem) override {
    return store_.find_usable(fingerprint, problem);
  }

  std::string content_digest(const std::string& path) override {
    return rankflow::content_digest(path, memory_);
  }

  std::string content_digest(const Selection& selection) override {
    return rankflow::content_digest(selection, memory_);
  }

  std::string remote_digest(const Location& location) override { return list_remote_(location); }

  std::string find_program(const std::string& name, const std::string& folder,
                           const std::string& search_path) override {
    const auto in_folder = [&](const std::string& path) {
      return path.starts_with('/') ? path : folder + "/" + path;
    };
    if (name.find('/') != std::string::npos) {
      const std::string path = in_folder(name);
      return is_program(path) ? absolute_path(path) : "";
    }
    for (const std::string& place : split(search_path, ':')) {
      const std::string path = in_folder(place) + "/" + name;
      if (is_program(path)) return absolute_path(path);
    }
    return "";
  }

  std::vector<std::string> find_files(const std::string& pattern, const std::string& folder,
                                      bool skip_ignored) override {
    return code_files(pattern, folder, skip_ignored);
  }

  std::optional<std::string> environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  }

 private:
  Store& store_;
  FileMemory& memory_;
  ListRemote list_remote_;
};

}  // namespace

std::unique_ptr<PlanDisk> make_plan_disk(Store& store, FileMemory& memory, ListRemote list_remote) {
  return std::make_unique<RealDisk>(store, memory, std::move(list_remote));
}

}  // namespace rankflow
