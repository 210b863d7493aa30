#include <utility>

#include "collectives/call_record.h"
#include "collectives/cuda_handles.h"
#include "collectives/device_communicator.h"
#include "collectives/nccl_communicator.h"

namespace rankflow {
namespace {

class GpuCommunicator : public DeviceCommunicator {
 public:
  /// `owned`: null where somebody else owns `host`.
  GpuCommunicator(Communicator& host, std::unique_ptr<Communicator> owned,
                  std::unique_ptr<NcclCommunicator> gpus, CurrentStream current_stream)
      : owned_(std::move(owned)),
        host_(host),
        gpus_(*gpus),
        collectives_(std::move(gpus)),
        current_stream_(std::move(current_stream)) {
    const Recording recording = recording_of(host);
    if (!recording.record) return;
    const std::string group = recording.group + "/gpus";
    collectives_ = make_recorded(std::move(collectives_), *recording.record, group);
    queued_ = recording.record->open(group + "/queued", host.size());
  }

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }

  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override {
    way(data).all_reduce(data, count, type, op);
  }
  void reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                              ReduceOp op) override {
    way(data).reduce_scatter_unequal(data, counts, type, op);
  }
  void broadcast(void* data, std::size_t bytes, int root) override { way(data).broadcast(data, bytes, root); }
  void all_gather(const void* in, std::size_t bytes, void* out) override {
    way(in, out).all_gather(in, bytes, out);
  }
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override {
    way(in, out).all_gather_unequal(in, sizes, out);
  }
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override {
    way(in, out).gather_unequal(in, sizes, out, root);
  }
  void barrier() override { host_.barrier(); }
  int lowest_failed(bool failed) override { return host_.lowest_failed(failed); }

  std::unique_ptr<Communicator> split(int color) override {
    auto host = host_.split(color);
    auto gpus = gpus_.split(color);
    if (!host) return nullptr;
    Communicator& part = *host;
    return std::make_unique<GpuCommunicator>(
        part, std::move(host),
        std::unique_ptr<NcclCommunicator>(static_cast<NcclCommunicator*>(gpus.release())), current_stream_);
  }
  void close() override {
    collectives_->close();
    if (owned_) owned_->close();
  }

  void begin_all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override {
    gpus_.wait_for(current_stream_());
    gpus_.begin_all_reduce(data, count, type, op);
  }
  void join() override { gpus_.hold(current_stream_()); }
  void synchronize() override {
    // Here a rank stands when a peer has not queued its part, so here the watchdog looks.
    const InsideCall inside(queued_.get(), bytes_call(Operation::device_work, 0));
    gpus_.watch(current_stream_());
  }

 private:
  /// Where either is of the device, the call goes there: an empty piece has no address.
  Communicator& way(const void* data, const void* other = nullptr) {
    if (!cuda::on_device(data) && !cuda::on_device(other)) return host_;
    gpus_.wait_for(current_stream_());
    return *collectives_;
  }

  std::unique_ptr<Communicator> owned_;
  Communicator& host_;
  NcclCommunicator& gpus_;
  std::unique_ptr<Communicator> collectives_;  // the same, on the record where there is one
  std::shared_ptr<CallRecord::Line> queued_;   // what was begun and is waited for later
  CurrentStream current_stream_;
};

}  // namespace

std::unique_ptr<DeviceCommunicator> make_device_communicator(Communicator& host, int device,
                                                             CurrentStream current_stream) {
  return std::make_unique<GpuCommunicator>(host, nullptr, std::make_unique<NcclCommunicator>(host, device),
                                           std::move(current_stream));
}

DeviceIdentity device_identity(int device) {
  const cuda::Identity found = cuda::identity(device);
  return {found.name, found.uuid};
}

}  // namespace rankflow
