#include "steps/batch_loader.h"

#include <torch/torch.h>

#include <cstring>
#include <functional>

#include "base/error.h"
#include "base/text.h"
#include "steps/batch_transfer.h"

namespace rankflow {
namespace {

std::int64_t count_of(std::span<const std::int64_t> rows) {
  return static_cast<std::int64_t>(rows.size());
}
std::int64_t count_of(Range rows) {
  return rows.size();
}

/// Makes `tensor` hold [rows, …] of `type`, in its own memory where it can.
void shape(at::Tensor& tensor, std::int64_t rows, const ColumnInfo& column, at::ScalarType type,
           const BatchFormat& wanted, at::MemoryFormat format = at::MemoryFormat::Contiguous) {
  std::vector<std::int64_t> sizes = {rows};
  sizes.insert(sizes.end(), column.shape.begin(), column.shape.end());
  if (!tensor.defined())
    tensor = torch::empty({0}, torch::dtype(type).pinned_memory(wanted.device.is_cuda()));
  tensor.resize_(sizes, format);
}

/// Columns have the types of dataset.h's conventions, or the dataset is not one of ours.
void require_type(const ColumnInfo& column, DType type) {
  if (column.dtype == type) return;
  throw Error(ExitStatus::bad_data, str("the column ", column.name, " of the dataset is ", name(column.dtype),
                                        ", not ", name(type)));
}

template <typename Rows>
void copy_integers(const Dataset& data, const ColumnInfo& column, const Rows& rows, at::Tensor& tensor) {
  require_type(column, DType::i64);
  auto* out = tensor.mutable_data_ptr<std::int64_t>();
  data.for_each_row(column.name, rows, [&](const std::byte* row) {
    std::memcpy(out, row, column.row_bytes());
    out += column.elements();
  });
}

/// Features as they are.
template <typename Real, typename Rows>
void copy_reals(const Dataset& data, const ColumnInfo& column, const Rows& rows, at::Tensor& tensor) {
  require_type(column, DType::f32);
  const std::int64_t n = column.elements();
  auto* out = tensor.mutable_data_ptr<Real>();
  data.for_each_row(column.name, rows, [&](const std::byte* row) {
    const auto* in = reinterpret_cast<const float*>(row);
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<Real>(in[i]);
    out += n;
  });
}

/// What happens to an image of the batch before it is converted; called for its rows in their order.
using ImageChange = std::function<void(std::span<std::uint8_t> image)>;

/// Bytes as 0 … 1. A row is fetched whole before it is converted: rows lie far apart, and a conversion that
/// waits for each of their cache lines in turn takes twice as long.
template <typename Real, typename Rows>
void copy_images(const Dataset& data, const ColumnInfo& column, const Rows& rows, bool channels_last,
                 const ImageChange& change, at::Tensor& tensor) {
  require_type(column, DType::u8);
  const std::int64_t n = column.elements();
  const std::int64_t channels = channels_last ? column.shape[0] : 1, pixels = n / channels;
  std::vector<std::uint8_t> fetched(static_cast<std::size_t>(n));
  auto* out = tensor.mutable_data_ptr<Real>();
  data.for_each_row(column.name, rows, [&, n, channels, pixels](const std::byte* row) {
    std::memcpy(fetched.data(), row, fetched.size());
    if (change) change(fetched);
    const std::uint8_t* in = fetched.data();
    if (channels == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<Real>(in[i]) / Real(255);
    } else {
      for (std::int64_t c = 0; c < channels; ++c, in += pixels) {
        for (std::int64_t i = 0; i < pixels; ++i)
          out[i * channels + c] = static_cast<Real>(in[i]) / Real(255);
      }
    }
    out += n;
  });
}

/// Bytes as they are.
template <typename Rows>
void copy_bytes(const Dataset& data, const ColumnInfo& column, const Rows& rows, const ImageChange& change,
                at::Tensor& tensor) {
  require_type(column, DType::u8);
  auto* out = tensor.mutable_data_ptr<std::uint8_t>();
  data.for_each_row(column.name, rows, [&](const std::byte* row) {
    std::memcpy(out, row, column.row_bytes());
    if (change) change({out, column.row_bytes()});
    out += column.row_bytes();
  });
}

template <typename Real, typename Rows>
void copy_standardised(const Dataset& data, const ColumnInfo& column, const Rows& rows, TargetScale scale,
                       at::Tensor& tensor) {
  require_type(column, DType::f32);
  auto* out = tensor.mutable_data_ptr<Real>();
  data.for_each_row(column.name, rows, [&](const std::byte* row) {
    float value;
    std::memcpy(&value, row, sizeof value);
    *out++ = static_cast<Real>((value - scale.mean) / scale.scale);
  });
}

template <typename Real, typename Rows>
void load_target_into(const Dataset& data, const Rows& rows, TargetScale scale, const BatchFormat& format,
                      at::Tensor& target) {
  const ColumnInfo& column = data.info().at("target");
  const bool classes = column.dtype == DType::i64;
  shape(target, count_of(rows), column, classes ? at::kLong : c10::CppTypeToScalarType<Real>::value, format);
  if (target.dim() != 1) target = target.reshape({count_of(rows)});
  if (classes)
    copy_integers(data, column, rows, target);
  else
    copy_standardised<Real>(data, column, rows, scale, target);
}

template <typename Real, typename Rows>
void load_inputs_into(const Dataset& data, const Rows& rows, const BatchFormat& format,
                      const ImageChange& change, Batch& batch) {
  const std::int64_t n = count_of(rows);
  batch.rows = n;
  if (const ColumnInfo* column = data.info().find("features")) {
    shape(batch.features, n, *column, format.real, format);
    copy_reals<Real>(data, *column, rows, batch.features);
  }
  if (const ColumnInfo* column = data.info().find("categories")) {
    shape(batch.categories, n, *column, at::kLong, format);
    copy_integers(data, *column, rows, batch.categories);
  }
  const ColumnInfo* images = data.info().find("images");
  if (images && format.device.is_cuda()) {
    shape(batch.images, n, *images, at::kByte, format);
    copy_bytes(data, *images, rows, change, batch.images);
  } else if (images) {
    const bool last = format.channels_last && images->shape.size() == 3;
    shape(batch.images, n, *images, format.real, format,
          last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
    copy_images<Real>(data, *images, rows, last, change, batch.images);
  }
}

/// Calls work(Real()) with the type of numbers that `format` wants.
template <typename Work>
void with_real(const BatchFormat& format, const Work& work) {
  if (format.real == at::kDouble)
    work(double());
  else
    work(float());
}

}  // namespace

BatchLoader::BatchLoader(const Dataset& data, bool with_target, TargetScale scale, BatchFormat format)
    : data_(data), with_target_(with_target), scale_(scale), format_(format) {
  if (with_target) data.info().at("target");
}

Batch BatchLoader::load(std::span<const std::int64_t> rows) const {
  Batch batch;
  load_rows(rows, {}, batch);
  return on_device(std::move(batch), format_);
}

void BatchLoader::load(std::span<const std::int64_t> rows, Batch& batch, std::int64_t epoch) const {
  const ColumnInfo* images = data_.info().find("images");
  if (!format_.augmentation || !images) return load_rows(rows, {}, batch);
  AugmentedImage augmented(*format_.augmentation, images->shape);
  const auto change = [&, next = rows.begin()](std::span<std::uint8_t> image) mutable {
    augmented.change(image, epoch, *next++);
  };
  load_rows(rows, change, batch);
}

void BatchLoader::load_rows(std::span<const std::int64_t> rows,
                            const std::function<void(std::span<std::uint8_t>)>& change, Batch& batch) const {
  with_real(format_, [&](auto real) {
    using Real = decltype(real);
    load_inputs_into<Real>(data_, rows, format_, change, batch);
    if (with_target_) load_target_into<Real>(data_, rows, scale_, format_, batch.target);
  });
}

Batch BatchLoader::load(Range rows) const {
  Batch batch;
  with_real(format_, [&](auto real) { load_inputs_into<decltype(real)>(data_, rows, format_, {}, batch); });
  if (with_target_) batch.target = load_target(rows);
  return on_device(std::move(batch), format_);
}

at::Tensor BatchLoader::load_target(Range rows) const {
  at::Tensor target;
  with_real(format_,
            [&](auto real) { load_target_into<decltype(real)>(data_, rows, scale_, format_, target); });
  return target;
}

}  // namespace rankflow
