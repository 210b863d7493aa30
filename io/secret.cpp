#include "io/secret.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::string_view env = "env:", file = "file:";

}  // namespace

void check_reference(const std::string& key, const std::string& reference) {
  const bool variable = reference.starts_with(env) && reference.size() > env.size();
  const bool path = reference.starts_with(std::string(file) + "/");
  if (variable || path) return;
  throw Error(ExitStatus::configuration, str(key, " is no reference to a secret"),
              "env:NAME, or file:/PATH of a file with mode 0600");
}

std::string reference_in(const std::string& reference, const std::string& folder) {
  if (!reference.starts_with(file) || reference.size() == file.size()) return reference;
  const std::string path = reference.substr(file.size());
  return path.starts_with('/') ? reference : str(file, absolute_path(str(folder, "/", path)));
}

std::string secret_of(const std::string& reference) {
  check_reference("a secret", reference);
  if (reference.starts_with(env)) {
    const std::string name = reference.substr(env.size());
    const char* value = std::getenv(name.c_str());
    if (!value || !*value)
      throw Error(ExitStatus::configuration, str("the environment variable ", name, " is not set"),
                  str("export ", name, "=…"));
    return value;
  }
  const std::string path = reference.substr(file.size());
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw system_error("cannot read", path, errno);
  if ((info.st_mode & 077) != 0) {
    throw Error(ExitStatus::permission,
                str(path, " holds a secret, and others than its owner may read or write it"),
                str("chmod 0600 ", path));
  }
  std::string text = read_file(path);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace rankflow
