// A store in a temporary folder, and what its tests look at.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/error.h"
#include "base/sha256.h"
#include "io/store.h"
#include "temporary_folder.h"

namespace rankflow {

inline mode_t mode_of(const std::string& path) {
  struct stat s {};
  EXPECT_EQ(lstat(path.c_str(), &s), 0) << path;
  return s.st_mode & 07777;
}

inline std::size_t count_below(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

/// Changes a file in place, as a bad disk would.
inline void overwrite(const std::string& path, const std::string& text) {
  const mode_t mode = mode_of(path);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  // Not O_TRUNC: file systems bring a truncated and rewritten file to disk at once, which makes thousands of
  // these slow.
  File file(path, O_WRONLY);
  file.write_all(text);
  ASSERT_EQ(ftruncate(file.fd(), static_cast<off_t>(text.size())), 0);
  file.close();
  ASSERT_EQ(chmod(path.c_str(), mode), 0);
}

inline ExitStatus status_of(const std::function<void()>& action, std::string* message = nullptr) {
  try {
    action();
  } catch (const Error& e) {
    if (message) *message = e.message();
    return e.status();
  }
  return ExitStatus::ok;
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { store.prepare_for_writing(); }

  Staging staged(const std::map<std::string, std::string>& files) {
    Staging staging = store.stage();
    for (const auto& [path, text] : files) {
      make_directories(parent_of(staging.data() + "/" + path));
      write_file_atomically(staging.data() + "/" + path, text, /*durable=*/false);
    }
    return staging;
  }
  std::string publish(const std::map<std::string, std::string>& files) {
    return store.publish(staged(files), {{"run", "test"}});
  }
  ActionRecord record(const std::string& digest) {
    return {fingerprint, {{"data", digest}}, "run-1", {{"seconds", 1.5}}};
  }

  TemporaryFolder folder;
  FileMemory memory{""};
  Store store{folder / "store", memory};
  const std::string fingerprint = sha256("a step");
};

}  // namespace rankflow
