#include "steps/permutation_importance.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "base/error.h"
#include "collectives/agreement.h"
#include "steps/batches.h"
#include "steps/divided_work.h"

namespace rankflow {
namespace {

struct InputColumn {
  std::string name, kind;
  std::int64_t index;  // within `features` or `categories`
};

/// All but those that choose the model: with another row's key, a row would get another model, or none.
std::vector<InputColumn> input_columns(const DatasetInfo& info, const std::vector<std::string>& keys) {
  std::vector<InputColumn> columns;
  for (const auto& [key, kind] : {std::pair{"features", "feature"}, std::pair{"categories", "category"}}) {
    const auto found = info.schema.find(key);
    if (found == info.schema.end() || !info.find(key)) continue;
    for (std::size_t i = 0; i < found->size(); ++i) {
      const std::string name = found->at(i).at("name");
      if (std::find(keys.begin(), keys.end(), name) == keys.end())
        columns.push_back({name, kind, static_cast<std::int64_t>(i)});
    }
  }
  if (columns.empty()) {
    throw Error(ExitStatus::configuration,
                "permutation_importance is for features and categories; the model has neither as an input",
                "leave out permutation_importance");
  }
  return columns;
}

/// Puts the column's values of other rows into a batch.
template <typename T>
void replace(const Dataset& data, const char* name, std::int64_t index, std::span<const std::int64_t> from,
             at::Tensor& tensor) {
  std::vector<T> values;
  values.reserve(from.size());
  data.for_each_row(name, from,
                    [&](const std::byte* row) { values.push_back(reinterpret_cast<const T*>(row)[index]); });
  tensor.select(1, index).copy_(
      at::from_blob(values.data(), {std::ssize(values)}, c10::CppTypeToScalarType<T>::value));
}

}  // namespace

double Importance::mean() const {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Importance::deviation() const {
  if (values.size() < 2) return 0;
  double squares = 0;
  for (const double v : values) squares += (v - mean()) * (v - mean());
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<Importance> permutation_importance(StepContext& context, const Predictor& predictor,
                                               const ImportanceOptions& options, const Take& take,
                                               const std::function<double()>& metric) {
  const Dataset& data = predictor.data();
  std::vector<InputColumn> columns;
  run_together(context.comm, [&] { columns = input_columns(data.info(), predictor.key_columns()); });
  const MiniBatches mini_batches(data.rows(), options.mini_batch_size, 1);
  const auto measured =
      divide_work(context, std::ssize(columns) * options.repeats, "permuted columns",
                  [&](std::int64_t item, std::vector<double>& mine) {
                    const std::int64_t number = item / options.repeats;
                    const InputColumn& column = columns[static_cast<std::size_t>(number)];
                    const auto order = epoch_order(
                        data.rows(), mixed_seed(options.seed, static_cast<std::uint64_t>(number), 2),
                        item % options.repeats, true);
                    for (std::int64_t i = 0; i < mini_batches.count(); ++i) {
                      const Range rows = mini_batches.rows_of(i);
                      const auto from = std::span(order).subspan(static_cast<std::size_t>(rows.begin),
                                                                 static_cast<std::size_t>(rows.size()));
                      Batch batch = predictor.load(rows);
                      if (column.kind == "feature")
                        replace<float>(data, "features", column.index, from, batch.features);
                      else
                        replace<std::int64_t>(data, "categories", column.index, from, batch.categories);
                      take(predictor.predict(batch, rows), rows);
                    }
                    mine.push_back(metric());
                  });
  std::vector<Importance> all;
  if (!context.first()) return all;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto first = measured.begin() + static_cast<std::ptrdiff_t>(c) * options.repeats;
    all.push_back({columns[c].name, columns[c].kind, {first, first + options.repeats}});
  }
  return all;
}

}  // namespace rankflow
