#include "steps/script_input.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/carried.h"
#include "io/file.h"
#include "io/file_changed.h"
#include "io/raw_table.h"
#include "io/result_ipc.h"
#include "io/tree.h"
#include "steps/input_columns.h"

namespace rankflow {
namespace {

constexpr std::int64_t most_in_memory = std::int64_t{256} << 20;  // bytes of a table

RowColumn row_column(const ResultColumn& about, ResultValues values, std::vector<std::uint8_t> missing = {}) {
  return {about.name,       std::move(values),  about.matrix ? about.labels : std::vector<std::string>(),
          about.categories, std::move(missing), about.type == ResultType::boolean};
}

std::vector<std::int64_t> numbers(Range rows) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(rows.size()));
  std::iota(values.begin(), values.end(), rows.begin);
  return values;
}

class DatasetInput : public ScriptInput {
 public:
  DatasetInput(const std::string& folder, const std::vector<std::string>& columns) : data_(folder) {
    for (const auto& name : names_for_script(data_.info())) {
      inputs_.push_back(input_column(data_.info(), name));
      schema_.push_back(inputs_.back().column);
    }
    leading_inputs_.push_back(input_column(data_.info(), "row"));
    for (const auto& name : columns) leading_inputs_.push_back(input_column(data_.info(), name));
    for (const auto& input : leading_inputs_) leading_.push_back(input.column);
  }

  std::int64_t rows() const override { return data_.rows(); }
  const ResultSchema& leading() const override { return leading_; }
  std::string payload(Range rows) const override {
    return to_ipc(schema_, {rows.size(), read(inputs_, rows)});
  }
  MiniBatch mini_batch(Range rows) const override {
    MiniBatch batch{rows.begin, {rows.size(), {}}, {}};
    for (const auto& input : inputs_)
      batch.table.columns.push_back(row_column(input.column, input.read(data_, rows)));
    return batch;
  }
  ResultTable leading_values(Range rows) const override { return {rows.size(), read(leading_inputs_, rows)}; }

 private:
  /// All but the target and what is only carried along; categorical features one by one, since each has a vocabulary of its own.
  static std::vector<std::string> names_for_script(const DatasetInfo& info) {
    std::vector<std::string> names;
    for (const ColumnInfo& column : info.columns) {
      if (column.name == "row" || column.name == "target" || carried_type(info, column.name)) continue;
      if (column.name != "categories") names.push_back(column.name);
    }
    for (const Json& category : info.schema.value("categories", Json::array()))
      names.push_back(category.at("name"));
    return names;
  }
  std::vector<ResultValues> read(const std::vector<InputColumn>& columns, Range rows) const {
    std::vector<ResultValues> values;
    for (const auto& column : columns) values.push_back(column.read(data_, rows));
    return values;
  }

  Dataset data_;
  std::vector<InputColumn> inputs_, leading_inputs_;
  ResultSchema schema_, leading_;
};

class FolderInput : public ScriptInput {
 public:
  explicit FolderInput(const std::string& folder) : folder_(folder) {
    for (TreeEntry& entry : list_tree(folder)) {
      if (!is_utf8(entry.path))
        throw Error(ExitStatus::bad_data,
                    str("in ", folder, " the name ", in_quotes(entry.path),
                        " is no UTF-8, as names in results have to be"),
                    "rename it");
      files_.push_back(std::move(entry.path));
      stamps_.push_back(stamp_now(files_.back()));
    }
  }

  std::int64_t rows() const override { return std::ssize(files_); }
  const ResultSchema& leading() const override { return leading_; }
  Json head(Range rows) const override { return {{"paths", paths(rows)}}; }
  MiniBatch mini_batch(Range rows) const override { return {rows.begin, {rows.size(), {}}, paths(rows)}; }
  ResultTable leading_values(Range rows) const override {
    return {rows.size(), {std::vector<std::string>(files_.begin() + rows.begin, files_.begin() + rows.end)}};
  }
  using ScriptInput::check_unchanged;
  void check_unchanged(Range rows) const override {
    for (auto i = static_cast<std::size_t>(rows.begin); i < static_cast<std::size_t>(rows.end); ++i) {
      if (!(stamp_now(files_[i]) == stamps_[i])) throw file_changed(path_of(files_[i]));
    }
  }

 private:
  std::vector<std::string> paths(Range rows) const {
    std::vector<std::string> all;
    for (std::int64_t i = rows.begin; i < rows.end; ++i)
      all.push_back(str(folder_, "/", files_[static_cast<std::size_t>(i)]));
    return all;
  }

  FileStamp stamp_now(const std::string& file) const {
    FileStamp stamp;
    if (!stamp_of(path_of(file), stamp)) throw file_changed(path_of(file));
    return stamp;
  }
  std::string path_of(const std::string& file) const { return str(folder_, "/", file); }

  std::string folder_;
  std::vector<std::string> files_;  // below the folder
  std::vector<FileStamp> stamps_;   // of each when it was found
  ResultSchema leading_ = {plain_column("file", ResultType::text)};
};

class TableRows : public ScriptInput {
 public:
  TableRows(Communicator& comm, const std::string& path, const TableOptions& options,
            const std::vector<std::string>& columns, const std::string& scratch)
      : table_(comm, path, options, scratch, most_in_memory) {
    leading_.push_back(plain_column("row", ResultType::integer));
    run_together(comm, [&] {
      for (const auto& name : columns) leading_.push_back(table_.column(name));
    });
  }

  std::int64_t rows() const override { return table_.rows(); }
  const ResultSchema& leading() const override { return leading_; }
  std::string payload(Range rows) const override { return table_.to_ipc(rows); }
  MiniBatch mini_batch(Range rows) const override {
    MiniBatch batch{rows.begin, {rows.size(), {}}, {}};
    for (const auto& name : table_.names()) {
      std::vector<std::uint8_t> missing;
      auto values = table_.values(name, rows, missing);
      batch.table.columns.push_back(row_column(table_.column(name), std::move(values), std::move(missing)));
    }
    return batch;
  }
  ResultTable leading_values(Range rows) const override {
    ResultTable table{rows.size(), {numbers(rows)}, {{}}};
    for (std::size_t c = 1; c < leading_.size(); ++c)
      table.columns.push_back(table_.values(leading_[c].name, rows, table.missing.emplace_back()));
    return table;
  }
  void check_unchanged(Communicator& comm) const override { table_.check_unchanged(comm); }
  void check_unchanged(Range rows) const override { table_.check_unchanged(rows); }

 private:
  RawTable table_;
  ResultSchema leading_;
};

}  // namespace

std::unique_ptr<ScriptInput> open_script_input(Communicator& comm, const std::string& path,
                                               const TableOptions& options,
                                               const std::vector<std::string>& columns,
                                               const std::string& scratch) {
  const bool table =
      !std::filesystem::is_directory(path) || !options.files.empty() || !options.format.empty();
  if (table) return std::make_unique<TableRows>(comm, path, options, columns, scratch);
  std::unique_ptr<ScriptInput> input;
  run_together(comm, [&] {
    if (exists(path + "/dataset.json")) {
      input = std::make_unique<DatasetInput>(path, columns);
      return;
    }
    if (!columns.empty())
      throw Error(ExitStatus::configuration, "input_columns: a folder of files has no columns");
    input = std::make_unique<FolderInput>(path);
  });
  return input;
}

}  // namespace rankflow
