// Results on their way into an output: chunks of finished units of work (mini-batches), kept by each rank in files of its
// own with a ledger, so that whoever goes on after an interruption finds what is done, on any number of ranks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/partition.h"
#include "io/file.h"
#include "io/json.h"

namespace rankflow {

/// A piece of a shard's file.
struct ShardPiece {
  std::string path;
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
  std::uint32_t crc = 0;  // CRC-32 of these bytes, as zlib makes it
};

/// What became of consecutive units.
struct ResultChunk {
  Range units;
  std::int64_t rows = 0;
  std::map<std::string, ShardPiece> sections;  // the same rows in several forms
  Json notes;                                  // of the writer
};

/// Writes one shard: files SHARD.SECTION and SHARD.ledger in `folder`, which exists. The ledger's line follows the data, and
/// says their CRC: nothing is synced, so that a chunk that a crash of the machine tore is noticed and made again.
class ShardWriter {
 public:
  /// `about` says what the shard belongs to (read_ledgers).
  ShardWriter(std::string folder, const Json& about);
  /// Throws Error (io).
  ResultChunk write(Range units, std::int64_t rows, const std::map<std::string, std::string>& sections,
                    Json notes);

 private:
  struct Section {
    File file;
    std::int64_t bytes = 0;
  };
  std::string folder_, stem_;
  File ledger_;
  std::map<std::string, Section> sections_;
};

/// The chunks of all shards in `folder` whose `about` is equal, in no order; none where the folder is missing. Lines that
/// were cut off are left out.
std::vector<ResultChunk> read_ledgers(const std::string& folder, const Json& about);
/// Whether all sections are there with the bytes that the ledger says.
bool is_whole(const ResultChunk& chunk);
/// The bytes of a piece. Throws Error (io, bad_data).
std::string read_piece(const ShardPiece& piece);

/// Without the folder, which may be called otherwise on another host.
Json to_json(const ResultChunk& chunk);
ResultChunk result_chunk(const Json& json, const std::string& folder);

}  // namespace rankflow
