#include "steps/device_reducer.h"

#include <torch/torch.h>

#include "base/text.h"
#include "steps/tensors.h"

namespace rankflow {
namespace {

// As GradientReducerOptions: PyTorch's sizes, too.
constexpr std::int64_t first_bucket_bytes = std::int64_t{1} << 20;
constexpr std::int64_t bucket_bytes = std::int64_t{25} << 20;

}  // namespace

DeviceReducer::DeviceReducer(DeviceCommunicator& gpus, at::Tensor gradients,
                             std::vector<GradientPiece> pieces, std::optional<at::ScalarType> wire,
                             bool overlap)
    : gpus_(gpus),
      gradients_(std::move(gradients)),
      wire_(wire),
      overlap_(overlap),
      bucket_of_(pieces.size()) {
  const auto width = static_cast<std::int64_t>(gradients_.element_size());
  buckets_ = assign_buckets(pieces, first_bucket_bytes / width, bucket_bytes / width);
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    for (std::size_t i = 0; i < buckets_[b].pieces; ++i) bucket_of_[buckets_[b].first_piece + i] = b;
  }
  begin_pass();
}

void DeviceReducer::begin_pass() {
  next_ = 0;
  missing_.clear();
  for (const GradientBucket& bucket : buckets_) missing_.push_back(bucket.pieces);
}

void DeviceReducer::ready(std::size_t piece) {
  if (!communicates_ || !overlap_) return;
  --missing_[bucket_of_[piece]];
  while (next_ < buckets_.size() && missing_[next_] == 0) send(buckets_[next_++]);
}

void DeviceReducer::send(const GradientBucket& bucket) {
  torch::NoGradGuard no_grad;
  at::Tensor travels = part(gradients_, bucket.elements);
  if (wire_ && !bucket.full_precision) {
    copies_.push_back({travels, travels.to(*wire_)});
    travels = copies_.back().travels;
  }
  gpus_.begin_all_reduce(travels.data_ptr(), static_cast<std::size_t>(travels.numel()),
                         element_type({"gradients", travels}), ReduceOp::sum);
}

void DeviceReducer::finish() {
  if (!communicates_) return;
  while (next_ < buckets_.size()) send(buckets_[next_++]);
  gpus_.join();
  torch::NoGradGuard no_grad;
  for (Copy& copy : copies_) copy.place.copy_(copy.travels);
  copies_.clear();
  begin_pass();
}

std::string DeviceReducer::description() const {
  const at::ScalarType type = wire_.value_or(gradients_.scalar_type());
  return str(buckets_.size(), " bucket(s) of up to ", human_bytes(static_cast<double>(bucket_bytes)), " in ",
             at::toString(type), " over NCCL, ", overlap_ ? "while backward runs" : "after backward");
}

}  // namespace rankflow
