#include "steps/batch_transfer.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/torch.h>

#include <utility>

namespace rankflow {
namespace {

c10::impl::VirtualGuardImpl guard_of(const BatchFormat& format) {
  return c10::impl::VirtualGuardImpl(format.device.type());
}

/// Into the memory that `to` has, where that is large enough.
void copy(const at::Tensor& from, const BatchFormat& format, at::Tensor& to) {
  if (!from.defined()) return;
  if (!to.defined()) to = torch::empty({0}, from.options().device(format.device).pinned_memory(false));
  to.resize_(from.sizes());
  to.copy_(from, /*non_blocking=*/true);
}

void convert(const at::Tensor& bytes, const BatchFormat& format, at::Tensor& images) {
  if (!bytes.defined()) return;
  const bool last = format.channels_last && bytes.dim() == 4;
  if (!images.defined()) images = torch::empty({0}, bytes.options().dtype(format.real));
  images.resize_(bytes.sizes(), last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  images.copy_(bytes);
  images.div_(255);
}

void transfer(const Batch& host, const BatchFormat& format, at::Tensor& bytes, Batch& batch) {
  torch::NoGradGuard no_grad;
  batch.rows = host.rows;
  copy(host.features, format, batch.features);
  copy(host.categories, format, batch.categories);
  copy(host.target, format, batch.target);
  copy(host.images, format, bytes);
  convert(bytes, format, batch.images);
}

}  // namespace

Batch on_device(Batch batch, const BatchFormat& format) {
  if (format.device.is_cpu()) return batch;
  Batch there;
  at::Tensor bytes;
  transfer(batch, format, bytes, there);
  return there;
}

BatchTransfer::BatchTransfer(const BatchFormat& format)
    : format_(format),
      copies_(guard_of(format).getStreamFromGlobalPool(format.device, /*isHighPriority=*/false)),
      arrived_(format.device.type()),
      released_(format.device.type()) {}

void BatchTransfer::send(const Batch& host) {
  const c10::StreamGuard guard(copies_);
  released_.block(copies_);
  if (host.rows > 0)
    transfer(host, format_, bytes_, batch_);
  else
    batch_.rows = 0;
  arrived_.record(copies_);
}

const Batch& BatchTransfer::receive() {
  arrived_.block(guard_of(format_).getStream(format_.device));
  return batch_;
}

void BatchTransfer::release() {
  released_.record(guard_of(format_).getStream(format_.device));
}

}  // namespace rankflow
