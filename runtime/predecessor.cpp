#include "runtime/predecessor.h"

#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/manifest.h"

namespace rankflow {
namespace {

/// What is wrong with this rank's share of an artifact's files; "" where nothing is.
std::string damage(const StoreLayout& store, const std::string& artifact, const Communicator& comm,
                   FileMemory& memory) {
  const std::string path = store.manifest(artifact);
  if (!exists(path)) return str("the artifact ", artifact, " is no longer there");
  const std::string text = read_file(path);
  const auto manifest = decode_manifest(text);
  if (!manifest || sha256(text) != artifact) return str(path, " is damaged");
  for (std::size_t i = static_cast<std::size_t>(comm.rank()); i < manifest->files.size();
       i += static_cast<std::size_t>(comm.size())) {
    const std::string file = str(store.artifact_data(artifact), "/", manifest->files[i].path);
    const auto digest = memory.digest_if_exists(file);
    if (!digest || *digest != manifest->files[i].sha256) return str(file, " is missing or damaged");
  }
  return "";
}

}  // namespace

std::optional<Predecessor> find_predecessor(Communicator& comm, const StoreLayout& store,
                                            const std::string& family) {
  std::string text;
  run_together(comm, [&] {
    if (comm.rank() != 0) return;
    if (const auto record = try_read_json(store.predecessor(family))) text = record->dump();
  });
  text = comm.broadcast_text(std::move(text));
  if (text.empty()) return std::nullopt;
  const Json record = Json::parse(text);
  Predecessor found;
  std::string wrong;
  run_together(comm, [&] {
    FileMemory memory(FileMemory::default_path());
    for (const auto& [output, artifact] : record.at("outputs").items()) {
      if (wrong.empty()) wrong = damage(store, artifact, comm, memory);
      found.outputs[output] = store.artifact_data(artifact);
    }
  });
  if (!wrong.empty()) log::warning(str("nothing is taken over from the earlier run: ", wrong));
  if (!comm.all_agree(wrong.empty())) return std::nullopt;
  found.notes = record.at("notes");
  return found;
}

void keep_for_successors(const StoreLayout& store, const std::string& family,
                         const std::map<std::string, std::string>& outputs, const Json& notes) {
  const std::string path = store.predecessor(family);
  make_directories(parent_of(path));
  write_file_atomically(path, Json{{"outputs", outputs}, {"notes", notes}}.dump() + "\n", false);
}

}  // namespace rankflow
