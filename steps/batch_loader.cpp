#include "steps/batch_loader.h"

#include <torch/torch.h>

#include "base/error.h"

namespace rankflow {
namespace {

at::ScalarType tensor_type(DType type) {
  switch (type) {
    case DType::u8:
      return at::kByte;
    case DType::i32:
      return at::kInt;
    case DType::i64:
      return at::kLong;
    case DType::f32:
      return at::kFloat;
    case DType::f64:
      return at::kDouble;
  }
  throw Error(ExitStatus::internal, "unknown element type");
}

/// `copy(column, out)` fills a column's rows; which rows is the caller's business.
template <typename Copy>
at::Tensor load_column(const DatasetInfo& info, const char* name, std::int64_t rows, const Copy& copy) {
  const ColumnInfo* column = info.find(name);
  if (!column) return {};
  std::vector<std::int64_t> shape = {rows};
  shape.insert(shape.end(), column->shape.begin(), column->shape.end());
  at::Tensor tensor = torch::empty(shape, tensor_type(column->dtype));
  copy(name, tensor.data_ptr());
  return tensor;
}

template <typename Copy>
at::Tensor load_scaled_target(const DatasetInfo& info, std::int64_t rows, TargetScale scale,
                              const Copy& copy) {
  at::Tensor target = load_column(info, "target", rows, copy).reshape({rows});
  if (target.scalar_type() != at::kFloat) return target;
  return target.to(at::kDouble).sub_(scale.mean).div_(scale.scale).to(at::kFloat);
}

template <typename Copy>
Batch load_columns(const DatasetInfo& info, std::int64_t rows, const Copy& copy) {
  Batch batch;
  batch.rows = rows;
  batch.features = load_column(info, "features", rows, copy);
  batch.categories = load_column(info, "categories", rows, copy);
  batch.images = load_column(info, "images", rows, copy);
  if (batch.images.defined()) batch.images = batch.images.to(at::kFloat).div_(255);
  return batch;
}

}  // namespace

BatchLoader::BatchLoader(const Dataset& data, bool with_target, TargetScale scale)
    : data_(data), with_target_(with_target), scale_(scale) {
  if (with_target) data.info().at("target");
}

Batch BatchLoader::load(std::span<const std::int64_t> rows) const {
  const auto copy = [&](const char* name, void* out) { data_.gather(name, rows, out); };
  const auto count = static_cast<std::int64_t>(rows.size());
  Batch batch = load_columns(data_.info(), count, copy);
  if (with_target_) batch.target = load_scaled_target(data_.info(), count, scale_, copy);
  return batch;
}

Batch BatchLoader::load(Range rows) const {
  Batch batch = load_columns(data_.info(), rows.size(),
                             [&](const char* name, void* out) { data_.copy(name, rows, out); });
  if (with_target_) batch.target = load_target(rows);
  return batch;
}

at::Tensor BatchLoader::load_target(Range rows) const {
  return load_scaled_target(data_.info(), rows.size(), scale_,
                            [&](const char* name, void* out) { data_.copy(name, rows, out); });
}

}  // namespace rankflow
