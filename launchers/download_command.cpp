#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"
#include "io/manifest.h"
#include "io/store.h"
#include "launchers/commands.h"
#include "runtime/run_record.h"

namespace rankflow {
namespace {

Manifest manifest_of(const StoreLayout& layout, const std::string& digest) {
  const std::string text = read_file(layout.manifest(digest));
  auto manifest = decode_manifest(text);
  if (!manifest || sha256(text) != digest) {
    throw Error(ExitStatus::bad_data,
                str("the artifact ", digest, " is damaged: its manifest is not the one it had"),
                "rankflow run with the same pipeline: what is damaged is made again");
  }
  return *std::move(manifest);
}

/// Copies while the checksum is taken, so that what lands is what was checked.
void copy_checked(const std::string& from, const std::string& to, const Manifest::File& file) {
  File source(from, O_RDONLY);
  File target(to, O_WRONLY | O_CREAT | O_EXCL, file.executable ? 0775 : 0664);
  try {
    Sha256 hash;
    std::array<char, 1 << 16> buffer;
    while (const std::size_t got = source.read_some(buffer.data(), buffer.size())) {
      hash.update(buffer.data(), got);
      target.write_all(std::string_view(buffer.data(), got));
    }
    target.close();
    if (hash.finish() != file.sha256) {
      throw Error(ExitStatus::bad_data, str(from, " is damaged: its checksum is not the manifest's"),
                  "rankflow run with the same pipeline: what is damaged is made again");
    }
  } catch (...) {
    unlink(to.c_str());
    throw;
  }
}

}  // namespace

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
  make_directories(folder);
  for (const auto& sub : manifest.folders) make_directories(str(folder, "/", sub));
  double bytes = 0;
  for (const auto& file : manifest.files) {
    copy_checked(str(layout.artifact_data(digest), "/", file.path), str(folder, "/", file.path), file);
    bytes += static_cast<double>(file.bytes);
  }
  std::fputs(str(manifest.files.size(), manifest.files.size() == 1 ? " file, " : " files, ",
                 human_bytes(bytes), " → ", folder, "\n")
                 .c_str(),
             stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
