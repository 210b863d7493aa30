#include "io/result_shard.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr const char* ledger_ending = ".ledger";

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace

ShardWriter::ShardWriter(std::string folder, const Json& about)
    : folder_(std::move(folder)),
      stem_(str(folder_, "/shard-", unique_suffix())),
      ledger_(stem_ + ledger_ending, O_WRONLY | O_CREAT | O_EXCL | O_APPEND) {
  ledger_.write_all(about.dump() + "\n");
}

ResultChunk ShardWriter::write(Range units, std::int64_t rows,
                               const std::map<std::string, std::string>& sections, Json notes) {
  ResultChunk chunk{units, rows, {}, std::move(notes)};
  for (const auto& [name, bytes] : sections) {
    const std::string path = str(stem_, ".", name);
    Section& section = sections_[name];
    if (section.file.fd() < 0) section.file = File(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
    section.file.write_all(bytes);
    const auto size = static_cast<std::int64_t>(bytes.size());
    chunk.sections[name] = {path, section.bytes, size, crc_of(bytes)};
    section.bytes += size;
  }
  ledger_.write_all(to_json(chunk).dump() + "\n");
  return chunk;
}

std::vector<ResultChunk> read_ledgers(const std::string& folder, const Json& about) {
  std::vector<ResultChunk> chunks;
  if (!exists(folder)) return chunks;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ledger_ending) continue;
    std::istringstream lines(read_file(entry.path()));
    std::string line;
    if (!std::getline(lines, line) || Json::parse(line, nullptr, false) != about) continue;
    while (std::getline(lines, line)) {
      try {
        chunks.push_back(result_chunk(Json::parse(line), folder));
      } catch (const Json::exception&) {
        break;  // cut off: what comes after it was never written
      }
    }
  }
  return chunks;
}

std::string read_piece(const ShardPiece& piece) {
  std::string bytes(static_cast<std::size_t>(piece.bytes), '\0');
  const File file(piece.path, O_RDONLY);
  for (std::size_t done = 0; done < bytes.size();) {
    const auto got =
        pread(file.fd(), bytes.data() + done, bytes.size() - done, piece.offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("cannot read", piece.path, errno);
    if (got == 0) throw Error(ExitStatus::bad_data, str(piece.path, " is cut off"));
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

bool is_whole(const ResultChunk& chunk) {
  return std::all_of(chunk.sections.begin(), chunk.sections.end(), [](const auto& section) {
    const ShardPiece& piece = section.second;
    FileStamp stamp;
    return stamp_of(piece.path, stamp) &&
           stamp.size >= static_cast<std::uint64_t>(piece.offset + piece.bytes) &&
           crc_of(read_piece(piece)) == piece.crc;
  });
}

Json to_json(const ResultChunk& chunk) {
  Json sections = Json::object();
  for (const auto& [name, p] : chunk.sections)
    sections[name] = {std::filesystem::path(p.path).filename().string(), p.offset, p.bytes, p.crc};
  return {{"units", {chunk.units.begin, chunk.units.end}},
          {"rows", chunk.rows},
          {"sections", sections},
          {"notes", chunk.notes}};
}

ResultChunk result_chunk(const Json& json, const std::string& folder) {
  ResultChunk chunk{{json.at("units")[0], json.at("units")[1]}, json.at("rows"), {}, json.at("notes")};
  for (const auto& [name, p] : json.at("sections").items())
    chunk.sections[name] = {str(folder, "/", p[0].get<std::string>()), p[1], p[2], p[3]};
  return chunk;
}

}  // namespace rankflow
