// Where the records of a CSV file begin, when a block in its middle is looked at alone: whether a line end there ends a record
// depends on the quotes before it. So a block is scanned for every state in which it may begin, and the blocks' results are put
// together in their order: after Mytkowicz, Musuvathi, Schulte, "Data-parallel finite-state machines" (ASPLOS 2014).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

/// States between two bytes, as Arrow's parser and RFC 4180 have them: a quote opens a quoted cell only at the cell's start.
enum class CsvState : std::uint8_t { record_start, cell_start, cell, quoted, quote_in_quoted };
constexpr std::size_t csv_states = 5;

struct CsvScan {
  struct From {
    CsvState end = CsvState::record_start;
    std::int64_t first = -1;  // offset at which the first record begins; -1: none begins in the block
  };
  std::array<From, csv_states> from;  // by the state in which the block begins

  std::string packed() const;
  static CsvScan unpacked(const std::string& text);
};

/// `quoting` false: quotes are characters like others. A record may begin at offset 0 of the block, but not at its end: that
/// is the next block's.
CsvScan scan_csv(std::string_view block, char delimiter, bool quoting = true);

/// Offsets at which pieces begin: for each block of `block` bytes the first record in it, from `data_begin` on (where the
/// first record of all is), blocks without one left out. `end`: the state at the end of the file.
std::vector<std::int64_t> cut_csv(std::span<const CsvScan> scans, std::int64_t block, std::int64_t data_begin,
                                  CsvState& end);

/// Counts records up to the end of each block given, empty lines not counted.
class CsvCounter {
 public:
  explicit CsvCounter(char delimiter, bool quoting = true) : delimiter_(delimiter), quoting_(quoting) {}
  void add(std::string_view block);
  /// That have begun.
  std::int64_t records() const { return records_; }

 private:
  char delimiter_;
  bool quoting_;
  CsvState state_ = CsvState::record_start;
  std::int64_t records_ = 0;
};

/// In place of a quoted empty cell, with no quotes: nobody writes it, and it is as long.
constexpr std::string_view quoted_blank = "\x1a\x1a";

/// `text`, whole records, with quoted_blank in place of each quoted empty cell; nullopt where it has none.
std::optional<std::string> with_quoted_blanks_marked(std::string_view text, char delimiter);

/// The cells of the first record of `text`, unquoted, and the offset behind it; false where `text` ends before the record
/// does, unless `whole` says that nothing comes after it.
bool first_csv_record(std::string_view text, char delimiter, bool whole, std::vector<std::string>& cells,
                      std::size_t& behind);

}  // namespace rankflow
