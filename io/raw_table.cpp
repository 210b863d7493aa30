#include "io/raw_table.h"

#include <arrow/api.h>
#include <arrow/compute/initialize.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "io/arrow_result.h"
#include "io/arrow_stream.h"
#include "io/input_file.h"
#include "io/result_ipc.h"
#include "io/table_input.h"

namespace rankflow {
namespace {

ResultType result_type(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
      return ResultType::boolean;
    case ColumnType::integer:
      return ResultType::integer;
    case ColumnType::real:
      return ResultType::real64;
    case ColumnType::text:
      break;
  }
  return ResultType::text;
}

/// Fields are nullable where the table, not these rows alone, lacks a value.
std::shared_ptr<arrow::Table> arrow_table(const Table& table, const TableInput& input) {
  arrow::FieldVector fields;
  arrow::ChunkedArrayVector columns;
  for (const auto& name : table.names()) {
    columns.push_back(table.at(name));
    fields.push_back(arrow::field(name, columns.back()->type(), input.may_be_missing(name)));
  }
  return arrow::Table::Make(arrow::schema(fields), columns, table.rows());
}

}  // namespace

/// Keeps what was read last: ranks take rows in order.
class RawTable::Pieces {
 public:
  Pieces(Communicator& comm, const std::string& path, const TableOptions& options, const std::string& scratch,
         std::int64_t budget)
      : path_(path), input_(comm, path, options, scratch) {
    input_.settle(comm, {}, budget);
    if (comm.rank() == 0) {
      for (const std::string& sentence : input_.left_out()) log::warning(sentence);
    }
    names_ = input_.without_rows().names();
  }

  const TableInput& input() const { return input_; }
  const std::vector<std::string>& names() const { return names_; }

  void check_unchanged(Range rows) const {
    const std::size_t first = input_.file_of(piece_of(rows.begin)),
                      last = input_.file_of(piece_of(std::max(rows.begin, rows.end - 1)));
    for (std::size_t f = first; f <= last; ++f) rankflow::check_unchanged(input_.files()[f]);
  }

  std::shared_ptr<arrow::Table> read(Range rows) {
    const std::int64_t first = piece_of(rows.begin), last = piece_of(std::max(rows.begin, rows.end - 1));
    if (!table_ || first != first_ || last != last_) {
      std::vector<std::shared_ptr<arrow::Table>> tables;
      for (std::int64_t p = first; p <= last; ++p) tables.push_back(arrow_table(input_.read(p), input_));
      table_ = value_of(arrow::ConcatenateTables(tables), path_);
      first_ = first, last_ = last;
    }
    return table_->Slice(rows.begin - input_.first_row(first), rows.size());
  }

 private:
  /// The last piece that begins at or before the row: those without rows begin where the next one does.
  std::int64_t piece_of(std::int64_t row) const {
    std::int64_t low = 0, high = input_.pieces();
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (input_.first_row(middle) <= row ? low : high) = middle;
    }
    return low;
  }

  std::string path_;
  TableInput input_;
  std::vector<std::string> names_;
  std::shared_ptr<arrow::Table> table_;
  std::int64_t first_ = -1, last_ = -1;
};

RawTable::RawTable(Communicator& comm, const std::string& path, const TableOptions& options,
                   const std::string& scratch, std::int64_t budget)
    : path_(path) {
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  pieces_ = std::make_unique<Pieces>(comm, path, options, scratch, budget);
}

RawTable::~RawTable() = default;

std::int64_t RawTable::rows() const {
  return pieces_->input().rows();
}

void RawTable::check_unchanged(Communicator& comm) const {
  pieces_->input().check_unchanged(comm);
}

void RawTable::check_unchanged(Range rows) const {
  pieces_->check_unchanged(rows);
}

const std::vector<std::string>& RawTable::names() const {
  return pieces_->names();
}

ResultColumn RawTable::column(const std::string& name) const {
  const Table table = pieces_->input().without_rows();
  if (table.has(name)) return plain_column(name, result_type(table.type(name)));
  throw Error(ExitStatus::configuration,
              str(path_, " has no column ", in_quotes(name), did_you_mean(name, table.names())),
              str("one of ", join(table.names(), ", ")));
}

ResultValues RawTable::values(const std::string& name, Range rows, std::vector<std::uint8_t>& missing) const {
  const Column values = pieces_->read(rows)->GetColumnByName(name);
  missing.clear();
  if (values->null_count() > 0) {
    for (const auto& chunk : values->chunks()) {
      for (std::int64_t i = 0; i < chunk->length(); ++i) missing.push_back(chunk->IsNull(i));
    }
  }
  const auto one = arrow::Table::Make(arrow::schema({arrow::field(name, values->type())}), {values});
  return std::move(from_ipc(ipc_stream(*one, path_)).table.columns.at(0));
}

std::string RawTable::to_ipc(Range rows) const {
  return ipc_stream(*pieces_->read(rows), path_);
}

}  // namespace rankflow
