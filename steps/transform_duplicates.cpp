// Drops rows whose values occurred in an earlier row. Rows are told apart by 128-bit hashes; these are sorted outside of memory:
// every rank writes what it has into buckets by hash, every bucket is searched by one rank, which writes the rows to drop.
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/table_columns.h"
#include "steps/table_transform.h"

namespace rankflow {
namespace {

// Rows of one bucket are in memory at once; many buckets at a time share this much for what is not yet written.
constexpr std::size_t buckets = 64;
constexpr std::size_t unwritten = 32768;  // entries

struct Entry {
  RowHash hash;
  std::int64_t row = 0;
  friend auto operator<=>(const Entry&, const Entry&) = default;
};

template <typename T>
void append(File& file, const std::vector<T>& values) {
  file.write_all({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

template <typename T>
std::vector<T> read_values(const std::string& path) {
  const std::string bytes = read_file(path);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

class DropDuplicates : public TableTransform {
 public:
  DropDuplicates(std::vector<std::string> columns, std::string prefix, int rank)
      : columns_(std::move(columns)), prefix_(std::move(prefix)), rank_(rank), pending_(buckets) {}

  bool ready() const override { return ready_; }
  bool independent() const override { return false; }
  bool by_row() const override { return false; }

  void look(const TablePart& part) override {
    const auto hashes = hashes_of(part.table, columns_.empty() ? part.table.names() : columns_);
    for (std::size_t row = 0; row < hashes.size(); ++row) {
      const std::size_t bucket = hashes[row].high % buckets;
      pending_[bucket].push_back({hashes[row], part.source_row(static_cast<std::int64_t>(row))});
      if (pending_[bucket].size() >= unwritten) write(bucket);
    }
    first_ = std::min(first_, part.first_row);
    last_ = std::max(last_, part.table.rows() == 0 ? part.first_row : part.source_row(part.table.rows() - 1));
  }

  void finish(Communicator& comm, const TableLearner&) override {
    run_together(comm, [&] {
      for (std::size_t b = 0; b < buckets; ++b) write(b);
      for (auto& file : files_) file.close();
      files_.clear();
    });
    run_together(comm, [&] { search(comm); });
    run_together(comm, [&] {
      for (int rank = 0; rank < comm.size(); ++rank) {
        for (const std::int64_t row : read_values<std::int64_t>(str(prefix_, "-found-", rank))) {
          if (row >= first_ && row <= last_) dropped_.insert(row);
        }
      }
    });
    ready_ = true;
  }

  void apply(TablePart& part) const override {
    std::vector<char> keep;
    for (std::int64_t row = 0; row < part.table.rows(); ++row)
      keep.push_back(dropped_.count(part.source_row(row)) == 0);
    part.keep_rows(keep);
  }

 private:
  std::string bucket_path(std::size_t bucket, int rank) const {
    return str(prefix_, "-bucket-", bucket, "-", rank);
  }
  void write(std::size_t bucket) {
    if (files_.empty()) {
      make_directories(parent_of(prefix_));
      for (std::size_t b = 0; b < buckets; ++b)
        files_.emplace_back(bucket_path(b, rank_), O_WRONLY | O_CREAT | O_TRUNC);
    }
    append(files_[bucket], pending_[bucket]);
    pending_[bucket].clear();
  }

  void search(Communicator& comm) {
    std::vector<std::int64_t> found;
    for (std::size_t b = static_cast<std::size_t>(comm.rank()); b < buckets;
         b += static_cast<std::size_t>(comm.size())) {
      std::vector<Entry> entries;
      for (int rank = 0; rank < comm.size(); ++rank) {
        const auto more = read_values<Entry>(bucket_path(b, rank));
        entries.insert(entries.end(), more.begin(), more.end());
      }
      std::sort(entries.begin(), entries.end());
      for (std::size_t i = 1; i < entries.size(); ++i) {
        if (entries[i].hash == entries[i - 1].hash) found.push_back(entries[i].row);
      }
    }
    File file(str(prefix_, "-found-", comm.rank()), O_WRONLY | O_CREAT | O_TRUNC);
    append(file, found);
    file.close();
  }

  std::vector<std::string> columns_;
  std::string prefix_;
  int rank_;
  std::vector<std::vector<Entry>> pending_;
  std::vector<File> files_;  // of this rank, one a bucket
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max(), last_ = -1;
  bool ready_ = false;
  std::set<std::int64_t> dropped_;  // of this rank's rows
};

}  // namespace

std::unique_ptr<TableTransform> make_drop_duplicates_transform(const Json& keys,
                                                               const TransformContext& context) {
  std::vector<std::string> columns;
  if (keys.contains("columns") && !keys.at("columns").is_null())
    columns = keys.at("columns").get<std::vector<std::string>>();
  return std::make_unique<DropDuplicates>(std::move(columns),
                                          str(context.scratch, "/duplicates-", context.number), context.rank);
}

}  // namespace rankflow
