// Results as HDF5: a contiguous array for each column, [rows] or [rows, labels]; categories as their numbers, whose names
// the root's attribute "rankflow" has. HDF5 has no missing values: integers and booleans of which some are missing are reals, NaN where
// they are, a missing text is empty. Every rank writes its rows where they belong.
#include <fcntl.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file_range.h"
#include "io/hdf5.h"
#include "io/result_format.h"

namespace rankflow {
namespace {

DType element(ResultType type) {
  switch (type) {
    case ResultType::boolean:
    case ResultType::byte:
      return DType::u8;
    case ResultType::integer:
      return DType::i64;
    case ResultType::real32:
      return DType::f32;
    case ResultType::real64:
    case ResultType::missing:
    case ResultType::nan:
      return DType::f64;
    case ResultType::text:
      break;
  }
  throw Error(ExitStatus::internal, "texts have no element type");
}

ResultType stored_type(const ResultColumn& column) {
  const bool whole = column.type == ResultType::integer || column.type == ResultType::boolean;
  return whole && column.gaps && column.categories.empty() ? ResultType::real64 : column.type;
}

/// Throws where a real can't hold an integer, which is most likely an id.
void check_exact(const ResultColumn& column, const std::vector<std::int64_t>& values) {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  for (const std::int64_t value : values) {
    if (value >= -most && value <= most) continue;
    throw Error(ExitStatus::bad_data,
                str("column ", in_quotes(column.name), " has missing values and the integer ", value,
                    ", which are reals in HDF5, where it would be rounded"),
                "leave hdf5 out of `formats`, or give texts");
  }
}

/// Values as the file has them.
ResultValues stored_values(const ResultColumn& column, ResultValues values,
                           const std::vector<std::uint8_t>& missing) {
  if (stored_type(column) == column.type) return values;
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values)) check_exact(column, *integers);
  return values_as(stored_type(column), column.type, std::move(values), missing);
}

/// Characters of each text column's longest value, over all files: a fixed length needs no heap in the file.
std::vector<std::int64_t> text_lengths(const std::vector<ResultFile>& files, const ResultSchema& schema,
                                       Communicator& comm) {
  std::vector<std::int64_t> longest(schema.size(), 1);
  const bool any =
      std::any_of(schema.begin(), schema.end(), [](const auto& c) { return c.type == ResultType::text; });
  if (!any) return longest;
  run_together(comm, [&] {
    for_own_chunks(files, comm, [&](std::size_t, const ResultChunk& chunk, std::int64_t) {
      const auto table = decoded(schema, chunk.rows, read_piece(chunk.sections.at(ResultFormat::columns)));
      for (std::size_t c = 0; c < schema.size(); ++c) {
        if (schema[c].type != ResultType::text) continue;
        for (const auto& text : std::get<std::vector<std::string>>(table.columns[c]))
          longest[c] = std::max(longest[c], static_cast<std::int64_t>(text.size()));
      }
    });
  });
  comm.all_reduce(std::span(longest), ReduceOp::max);
  return longest;
}

class Hdf5Format : public ResultFormat {
 public:
  void assemble(const std::vector<ResultFile>& files, const ResultSchema& schema, const Json& about,
                Communicator& comm) const override {
    const auto lengths = text_lengths(files, schema, comm);
    std::string created;
    run_together(comm, [&] {
      if (comm.rank() == 0) created = create(files, schema, lengths, about).dump();
    });
    const Json offsets = Json::parse(comm.broadcast_text(std::move(created)));
    run_together(comm, [&] {
      std::size_t current = files.size();
      File to;
      for_own_chunks(files, comm, [&](std::size_t f, const ResultChunk& chunk, std::int64_t row) {
        if (f != current) {
          if (to.fd() >= 0) to.close();
          to = File(files[f].path, O_WRONLY);
          current = f;
        }
        write(to, schema, lengths, chunk, row, offsets[f]);
      });
      if (to.fd() >= 0) to.close();
    });
  }

 private:
  static std::int64_t row_bytes(const ResultColumn& column, std::int64_t length) {
    const auto one =
        column.type == ResultType::text ? length : static_cast<std::int64_t>(bytes_of(stored_type(column)));
    return one * static_cast<std::int64_t>(column.width());
  }

  /// Of each column in each file, where it starts.
  static Json create(const std::vector<ResultFile>& files, const ResultSchema& schema,
                     const std::vector<std::int64_t>& lengths, Json about) {
    for (const ResultColumn& column : schema) {
      Json& of_column = about["columns"][column.name];
      of_column["labels"] = column.labels;
      if (!column.categories.empty()) of_column["categories"] = column.categories;
    }
    Json offsets = Json::array();
    for (const ResultFile& file : files) {
      std::vector<hdf5::Array> arrays;
      for (std::size_t c = 0; c < schema.size(); ++c) {
        const bool text = schema[c].type == ResultType::text;
        hdf5::Array array{schema[c].name, text ? DType::u8 : element(stored_type(schema[c])), {file.rows()}};
        if (schema[c].matrix) array.shape.push_back(static_cast<std::int64_t>(schema[c].width()));
        if (text) array.text_length = lengths[c];
        arrays.push_back(std::move(array));
      }
      Json& of_file = offsets.emplace_back(Json::array());
      for (const auto& array : hdf5::create(file.path, std::move(arrays), {{"rankflow", about.dump()}}, 8))
        of_file.push_back(array.offset);
    }
    return offsets;
  }

  static void write(const File& to, const ResultSchema& schema, const std::vector<std::int64_t>& lengths,
                    const ResultChunk& chunk, std::int64_t row, const Json& offsets) {
    auto table = decoded(schema, chunk.rows, read_piece(chunk.sections.at(columns)));
    for (std::size_t c = 0; c < schema.size(); ++c) {
      const ResultValues column = stored_values(schema[c], std::move(table.columns[c]), table.missing[c]);
      const std::int64_t at = offsets[c].get<std::int64_t>() + row * row_bytes(schema[c], lengths[c]);
      if (const auto* texts = std::get_if<std::vector<std::string>>(&column)) {
        std::string padded;
        for (const auto& text : *texts) {
          padded += text;
          padded.append(static_cast<std::size_t>(lengths[c]) - text.size(), '\0');
        }
        write_at(to, at, padded);
        continue;
      }
      std::visit(
          [&](const auto& values) {
            write_at(to, at,
                     {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
          },
          column);
    }
  }
};

}  // namespace

std::unique_ptr<ResultFormat> make_hdf5_format() {
  return std::make_unique<Hdf5Format>();
}

}  // namespace rankflow
