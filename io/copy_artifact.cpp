#include "io/copy_artifact.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr const char* kMadeAgain = "rankflow run with the same pipeline: what is damaged is made again";

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
                  kMadeAgain);
    }
  } catch (...) {
    unlink(to.c_str());
    throw;
  }
}

}  // namespace

Manifest manifest_of(const StoreLayout& layout, const std::string& digest) {
  const std::string text = read_file(layout.manifest(digest));
  auto manifest = decode_manifest(text);
  if (!manifest || sha256(text) != digest) {
    throw Error(ExitStatus::bad_data,
                str("the artifact ", digest, " is damaged: its manifest is not the one it had"), kMadeAgain);
  }
  return *std::move(manifest);
}

std::uint64_t copy_artifact(const StoreLayout& layout, const std::string& digest, const std::string& folder,
                            bool durable) {
  const Manifest manifest = manifest_of(layout, digest);
  make_directories(folder);
  for (const auto& sub : manifest.folders) make_directories(str(folder, "/", sub));
  std::uint64_t bytes = 0;
  for (const auto& file : manifest.files) {
    copy_checked(str(layout.artifact_data(digest), "/", file.path), str(folder, "/", file.path), file);
    bytes += file.bytes;
  }
  if (durable) sync_folder(folder, manifest);
  return bytes;
}

}  // namespace rankflow
