// Tables for tests: files written and read on one rank, and what went wrong with them.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <numeric>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/table.h"
#include "io/table_input.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {

inline void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, text, false);
}

inline void put_gzip(const std::string& path, const std::string& content) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
}

/// A whole table, on one rank.
inline Table read_table(const std::string& path, const TableOptions& options) {
  const TemporaryFolder scratch;
  const auto alone = make_self_communicator();
  TableInput input(*alone, path, options, scratch / "scratch");
  input.settle(*alone, {}, 1 << 30);
  return input.whole();
}

inline TableOptions defaults() {
  TableOptions options;
  options.missing = {"", "NA"};
  return options;
}

inline std::vector<double> numbers(const Table& table, const std::string& name) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<double> out(rows.size());
  gather_numbers(*table.at(name), rows, out.data());
  return out;
}

template <typename Work>
std::string message_of(ExitStatus expected, Work work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(code(e.status()), code(expected)) << e.message();
    return e.message();
  }
  return "no error";
}

class CsvTest : public ::testing::Test {
 protected:
  std::string error(const std::string& content, const TableOptions& options = defaults()) {
    write_text(folder_ / "a.csv", content);
    return message_of(ExitStatus::bad_data, [&] { read_table(folder_ / "a.csv", options); });
  }
  Table table(const std::string& content, const TableOptions& options = defaults()) {
    write_text(folder_ / "a.csv", content);
    return read_table(folder_ / "a.csv", options);
  }
  TemporaryFolder folder_;
};

}  // namespace rankflow
