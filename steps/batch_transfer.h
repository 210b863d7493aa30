// A batch on its way from the host to a GPU, in a stream of its own, so that it comes while the one before is computed.
#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include "steps/batch_loader.h"

namespace rankflow {

/// `batch` as BatchLoader makes it on the host, on the device of the format: images become real numbers 0 … 1 there. `batch`
/// itself for the CPU.
Batch on_device(Batch batch, const BatchFormat& format);

/// Memory on the GPU for one batch, used again and again. One thread sends, another receives; who hands over to whom, they
/// agree on themselves.
class BatchTransfer {
 public:
  /// The GPU is that of the format.
  explicit BatchTransfer(const BatchFormat& format);

  /// Returns when what was sent last has left the host's memory, which may be written again then.
  void wait() const { arrived_.synchronize(); }
  /// Queues the copy of `host`, which is as BatchLoader makes it for a GPU and stays as it is until wait().
  void send(const Batch& host);
  /// What was sent last, for work that is queued in this thread's current stream from now on.
  const Batch& receive();
  /// All work on it is in this thread's current stream: what is sent next waits for that.
  void release();

 private:
  BatchFormat format_;
  c10::Stream copies_;
  c10::Event arrived_, released_;
  at::Tensor bytes_;  // images before they are converted
  Batch batch_;
};

}  // namespace rankflow
