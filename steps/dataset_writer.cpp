#include "steps/dataset_writer.h"

#include <algorithm>
#include <cstring>

#include "collectives/agreement.h"
#include "io/part_writer.h"

namespace rankflow {
namespace {

constexpr std::size_t piece_bytes = 32u << 20;

struct Output {
  std::string folder;
  DatasetInfo info;
  const std::vector<std::int64_t>* rows;
};

struct Part {
  const Output* output;
  std::int64_t number;
  std::span<const std::int64_t> rows() const {
    const Range range = output->info.part_rows(number);
    return std::span(*output->rows)
        .subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
  }
};

std::vector<Output> outputs_of(const StepContext& context, const PreparedData& data,
                               std::int64_t rows_per_part) {
  std::vector<Output> outputs;
  for (const auto& [name, rows] : data.splits) {
    DatasetInfo info;
    info.rows = static_cast<std::int64_t>(rows.size());
    info.rows_per_part = std::min(rows_per_part, data.most_rows_per_part);
    for (const OutputColumn& column : data.columns) info.columns.push_back(column.info);
    info.schema = data.schema;
    outputs.push_back({context.outputs.at(name), std::move(info), &rows});
  }
  return outputs;
}

/// Every size-th part, from this rank on: parts are alike, so the work is even.
std::vector<Part> my_parts(const Communicator& comm, const std::vector<Output>& outputs) {
  std::vector<Part> parts;
  std::int64_t index = 0;
  for (const Output& output : outputs) {
    for (std::int64_t p = 0; p < output.info.parts(); ++p) {
      if (index++ % comm.size() == comm.rank()) parts.push_back({&output, p});
    }
  }
  return parts;
}

void write(const Part& part, const std::vector<OutputColumn>& columns, const StopFlag& stop) {
  const auto rows = part.rows();
  const auto at_once =
      std::max<std::size_t>(1, piece_bytes / std::max<std::size_t>(1, part.output->info.row_bytes()));
  PartWriter writer(part.output->folder, part.output->info, part.number);
  std::vector<std::byte> values;
  for (std::size_t begin = 0; begin < rows.size() && !stop.requested(); begin += at_once) {
    const auto piece = rows.subspan(begin, std::min(at_once, rows.size() - begin));
    const auto first = static_cast<std::int64_t>(begin);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      values.resize(piece.size() * columns[c].info.row_bytes());
      columns[c].fill(piece, values.data());
      writer.write(c, {first, first + std::ssize(piece)}, values.data());
    }
  }
  writer.close();
}

}  // namespace

void write_datasets(StepContext& context, const PreparedData& data, std::int64_t rows_per_part) {
  const std::vector<Output> outputs = outputs_of(context, data, rows_per_part);
  const std::vector<Part> parts = my_parts(context.comm, outputs);
  run_together(context.comm, [&] {
    const TimedSpan span(context.timeline, "write parts", "prepare");
    for (std::size_t i = 0; i < parts.size() && !context.stop.requested(); ++i) {
      write(parts[i], data.columns, context.stop);
      if (context.first()) {
        context.report.progress(static_cast<double>(i + 1), static_cast<double>(parts.size()), "parts",
                                "writing", {});
      }
    }
    if (!context.first()) return;
    for (const Output& output : outputs) {
      write_dataset_info(output.folder, output.info);
      if (data.beside) data.beside(output.folder, *output.rows);
    }
  });
  if (!context.comm.all_agree(!context.stop.requested())) throw Stopped();
}

OutputColumn row_column() {
  return {{"row", DType::i64, {}}, [](std::span<const std::int64_t> rows, std::byte* out) {
            std::memcpy(out, rows.data(), rows.size_bytes());
          }};
}

}  // namespace rankflow
