// Results as Parquet: a plain column for each label, categories as dictionaries of texts, null where a value is missing (NaN, too). A file is written by one rank, in
// groups of a fixed number of rows; several files by several ranks at once.
#include <arrow/io/file.h>
#include <parquet/arrow/writer.h>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/arrow_result.h"
#include "io/result_arrow.h"
#include "io/result_format.h"

namespace rankflow {
namespace {

constexpr std::int64_t rows_per_group = 1 << 17;

void check(const arrow::Status& status) {
  if (status.IsIOError()) throw Error(ExitStatus::io, str("cannot write Parquet: ", status.message()));
  check_arrow(status, "cannot write Parquet");
}

template <typename T>
T take(arrow::Result<T> result) {
  check(result.status());
  return std::move(result).ValueUnsafe();
}

std::shared_ptr<arrow::Schema> arrow_schema(const ResultSchema& schema, const Json& about) {
  arrow::FieldVector fields;
  for (const ResultColumn& column : schema) {
    for (const auto& label : column.labels) fields.push_back(arrow::field(label, arrow_type(column)));
  }
  return arrow::schema(fields, arrow::key_value_metadata({{"rankflow", about.dump()}}));
}

class ParquetFormat : public ResultFormat {
 public:
  void assemble(const std::vector<ResultFile>& files, const ResultSchema& schema, const Json& about,
                Communicator& comm) const override {
    run_together(comm, [&] {
      for (std::size_t f = 0; f < files.size(); ++f) {
        if (static_cast<int>(f % static_cast<std::size_t>(comm.size())) == comm.rank())
          write(files[f], schema, about);
      }
    });
  }

 private:
  static void write(const ResultFile& file, const ResultSchema& schema, const Json& about) {
    const auto columns_of_file = arrow_schema(schema, about);
    const auto out = take(arrow::io::FileOutputStream::Open(file.path));
    const auto properties = parquet::WriterProperties::Builder()
                                .max_row_group_length(rows_per_group)
                                ->compression(arrow::Compression::SNAPPY)
                                ->build();
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    const auto writer = take(parquet::arrow::FileWriter::Open(*columns_of_file, arrow::default_memory_pool(),
                                                              out, properties, arrow_properties));
    const auto flush = [&](const ResultTable& group) {
      arrow::ArrayVector arrays;
      for (std::size_t c = 0; c < schema.size(); ++c) {
        const auto& missing = c < group.missing.size() ? group.missing[c] : std::vector<std::uint8_t>();
        for (std::size_t label = 0; label < schema[c].width(); ++label)
          arrays.push_back(arrow_array(schema[c], group.columns[c], label, missing));
      }
      check(writer->WriteTable(*arrow::Table::Make(columns_of_file, arrays, group.rows), rows_per_group));
    };
    ResultTable pending = empty_table(schema);
    for (const ResultChunk* chunk : file.chunks) {
      pending.append(decoded(schema, chunk->rows, read_piece(chunk->sections.at(columns))));
      std::int64_t begin = 0;
      for (; pending.rows - begin >= rows_per_group; begin += rows_per_group)
        flush(pending.slice(schema, begin, begin + rows_per_group));
      if (begin > 0) pending = pending.slice(schema, begin, pending.rows);
    }
    if (pending.rows > 0) flush(pending);
    check(writer->Close());
    check(out->Close());
  }
};

}  // namespace

std::unique_ptr<ResultFormat> make_parquet_format() {
  return std::make_unique<ParquetFormat>();
}

}  // namespace rankflow
