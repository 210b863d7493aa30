// What a plug-in that makes rows sees of rankflow: the same as a Python entry script, in C++ and inside the rank.
//
//   class Ink : public rankflow::RowProgram {
//    public:
//     rankflow::RowTable run(const rankflow::MiniBatch& batch) override { … }
//   };
//   extern "C" const char* rankflow_rows_interface() { return rankflow::rows_interface; }
//   extern "C" rankflow::RowProgram* rankflow_make_row_program(const rankflow::RowProgramContext& context) {
//     return new Ink(context);
//   }
//
// `entry_script: libink.so` names the library; configs/plugin/ has a whole example. Nothing here needs more than this header.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "io/json.h"

namespace rankflow {

/// Compared as text when a library is loaded: classes change between versions.
inline constexpr const char* rows_interface = "rankflow " RANKFLOW_VERSION ", rows";

/// Where the program stands, as `rankflow_step.context` says it in Python.
struct RowProgramContext {
  std::string step;
  int rank = 0, ranks = 1;
  std::map<std::string, std::string> inputs, outputs;  // paths by name
  Json parameters;                                     // the step's key of that name
};

/// One element per row and label, row after row: booleans and bytes, 64-bit integers, numbers, texts.
using RowValues = std::variant<std::vector<std::uint8_t>, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<double>, std::vector<std::string>>;

struct RowColumn {
  std::string name;
  RowValues values;
  /// Of columns with several elements a row (pixels, features): the elements' names. None: one element.
  std::vector<std::string> labels = {};
  /// Where there are any, integers are indices into them, and -1 where the category is missing.
  std::vector<std::string> categories = {};
  /// 1 for a row without a value; empty where every row has one. Missing numbers are NaN as well.
  std::vector<std::uint8_t> missing = {};
  /// Values of one byte are true and false rather than numbers.
  bool boolean = false;
};

struct RowTable {
  std::int64_t rows = 0;
  std::vector<RowColumn> columns;
};

struct MiniBatch {
  std::int64_t first_row = 0;      // its number in the input
  RowTable table;                  // where the input is a table or a prepared dataset
  std::vector<std::string> paths;  // where it is a folder of files: one for each row
};

class RowProgram {
 public:
  virtual ~RowProgram() = default;

  /// In a score step one row for each of the mini-batch, in their order; in a prepare step any number of
  /// rows. Columns have one element a row. Throws any std::exception where the mini-batch fails: its text is shown. Called by one
  /// thread at a time.
  virtual RowTable run(const MiniBatch& batch) = 0;
};

}  // namespace rankflow
