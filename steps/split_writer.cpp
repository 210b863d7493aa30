#include "steps/split_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "io/file.h"

namespace rankflow {

SplitWriter::SplitWriter(std::string folder, DatasetInfo info, const std::vector<std::int64_t>& rows,
                         int rank, std::string scratch)
    : folder_(std::move(folder)),
      scratch_(std::move(scratch)),
      info_(std::move(info)),
      begins_{0},
      rank_(rank) {
  for (const std::int64_t n : rows) begins_.push_back(begins_.back() + n);
  info_.rows = begins_.back();
  next_ = begins_[static_cast<std::size_t>(rank)];
}

std::int64_t SplitWriter::lead_of(int rank) const {
  const std::int64_t begin = begins_[static_cast<std::size_t>(rank)],
                     end = begins_[static_cast<std::size_t>(rank) + 1];
  if (begin % info_.rows_per_part == 0) return 0;
  return std::min(end, ceil_div(begin, info_.rows_per_part) * info_.rows_per_part) - begin;
}

bool SplitWriter::begun_elsewhere() const {
  return info_.part_rows(part_).begin < begins_[static_cast<std::size_t>(rank_)];
}

void SplitWriter::begin_part() {
  part_ = next_ / info_.rows_per_part;
  buffer_begin_ = next_;
  buffers_.resize(info_.columns.size());
  const Range rows = info_.part_rows(part_);
  for (std::size_t c = 0; c < buffers_.size(); ++c)
    buffers_[c].resize(static_cast<std::size_t>(rows.end - buffer_begin_) * info_.columns[c].row_bytes());
}

void SplitWriter::append(const std::vector<OutputColumn>& columns, std::span<const std::int64_t> rows) {
  while (!rows.empty()) {
    if (part_ < 0) begin_part();
    const std::int64_t end = info_.part_rows(part_).end;
    const auto n =
        static_cast<std::size_t>(std::min<std::int64_t>(end - next_, static_cast<std::int64_t>(rows.size())));
    for (std::size_t c = 0; c < columns.size(); ++c) {
      columns[c].fill(rows.first(n), buffers_[c].data() + static_cast<std::size_t>(next_ - buffer_begin_) *
                                                              info_.columns[c].row_bytes());
    }
    rows = rows.subspan(n);
    next_ += static_cast<std::int64_t>(n);
    if (next_ == end) write();
  }
}

void SplitWriter::write() {
  if (begun_elsewhere()) {
    File file(str(scratch_, "-", rank_), O_WRONLY | O_CREAT | O_TRUNC);
    for (std::size_t c = 0; c < buffers_.size(); ++c) {
      const std::size_t bytes =
          static_cast<std::size_t>(next_ - buffer_begin_) * info_.columns[c].row_bytes();
      file.write_all({reinterpret_cast<const char*>(buffers_[c].data()), bytes});
    }
    file.close();
  } else {
    std::vector<const void*> pointers;
    for (const auto& buffer : buffers_) pointers.push_back(buffer.data());
    write_part(folder_, info_, part_, pointers);
  }
  part_ = -1;
}

void SplitWriter::hand_over() {
  if (part_ >= 0 && begun_elsewhere()) write();
}

void SplitWriter::complete() {
  if (part_ < 0) return;
  const std::int64_t end = info_.part_rows(part_).end;
  for (int rank = rank_ + 1; next_ < end; ++rank) {
    const auto lead = lead_of(rank);
    if (lead == 0) continue;
    const std::string path = str(scratch_, "-", rank), bytes = read_file(path);
    std::size_t from = 0;
    for (std::size_t c = 0; c < buffers_.size(); ++c) {
      const std::size_t row_bytes = info_.columns[c].row_bytes(),
                        n = static_cast<std::size_t>(lead) * row_bytes;
      if (from + n > bytes.size()) throw Error(ExitStatus::io, str(path, " is shorter than it was written"));
      std::memcpy(buffers_[c].data() + static_cast<std::size_t>(next_ - buffer_begin_) * row_bytes,
                  bytes.data() + from, n);
      from += n;
    }
    next_ += lead;
  }
  write();
}

}  // namespace rankflow
