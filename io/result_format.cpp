#include "io/result_format.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/file_range.h"

namespace rankflow {

#define RANKFLOW_RESULT_FORMAT(name, ending, help) std::unique_ptr<ResultFormat> make_##name##_format();
#include "io/result_formats.inc"
#undef RANKFLOW_RESULT_FORMAT

namespace {

struct Known {
  const char* name;
  const char* ending;
  std::unique_ptr<ResultFormat> (*make)();
};

const Known& known(const std::string& format) {
  static constexpr std::array formats = {
#define RANKFLOW_RESULT_FORMAT(name, ending, help) Known{#name, ending, make_##name##_format},
#include "io/result_formats.inc"
#undef RANKFLOW_RESULT_FORMAT
  };
  for (const Known& k : formats) {
    if (format == k.name) return k;
  }
  throw Error(ExitStatus::internal, str("no format of results is called ", format));
}

}  // namespace

std::int64_t ResultFile::rows() const {
  std::int64_t sum = 0;
  for (const ResultChunk* chunk : chunks) sum += chunk->rows;
  return sum;
}

void ResultFormat::append(const ResultSchema& schema, const ResultTable& table, std::string& bytes) const {
  bytes += encoded(schema, table);
}

std::unique_ptr<ResultFormat> make_result_format(const std::string& name) {
  return known(name).make();
}

std::string file_ending(const std::string& format) {
  return known(format).ending;
}

void for_own_chunks(
    const std::vector<ResultFile>& files, const Communicator& comm,
    const std::function<void(std::size_t file, const ResultChunk& chunk, std::int64_t row)>& use) {
  std::int64_t count = 0, number = 0;
  for (const ResultFile& file : files) count += static_cast<std::int64_t>(file.chunks.size());
  const Range mine = partition(count, comm.size(), comm.rank());
  for (std::size_t f = 0; f < files.size(); ++f) {
    std::int64_t row = 0;
    for (const ResultChunk* chunk : files[f].chunks) {
      if (number >= mine.begin && number < mine.end) use(f, *chunk, row);
      ++number;
      row += chunk->rows;
    }
  }
}

void join_pieces(const std::vector<ResultFile>& files, const std::string& section, const std::string& head,
                 Communicator& comm) {
  std::vector<std::vector<std::int64_t>> offsets;  // of each chunk in its file
  for (const ResultFile& file : files) {
    auto& of_file = offsets.emplace_back(1, static_cast<std::int64_t>(head.size()));
    for (const ResultChunk* chunk : file.chunks)
      of_file.push_back(of_file.back() + chunk->sections.at(section).bytes);
  }
  run_together(comm, [&] {
    if (comm.rank() != 0) return;
    for (std::size_t f = 0; f < files.size(); ++f) {
      File file(files[f].path, O_WRONLY | O_CREAT | O_EXCL);
      file.write_all(head);
      resize(file, offsets[f].back());
      file.close();
    }
  });
  run_together(comm, [&] {
    std::size_t current = files.size(), next = 0;
    File to;
    for_own_chunks(files, comm, [&](std::size_t f, const ResultChunk& chunk, std::int64_t) {
      if (f != current) {
        if (to.fd() >= 0) to.close();
        to = File(files[f].path, O_WRONLY);
        current = f;
        next = static_cast<std::size_t>(std::find(files[f].chunks.begin(), files[f].chunks.end(), &chunk) -
                                        files[f].chunks.begin());
      }
      const ShardPiece& piece = chunk.sections.at(section);
      const File from(piece.path, O_RDONLY);
      copy_range(from, piece.offset, to, offsets[f][next++], piece.bytes);
    });
    if (to.fd() >= 0) to.close();
  });
}

}  // namespace rankflow
