#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "collectives/arguments.h"
#include "collectives/communicator.h"
#include "collectives/mailbox.h"

namespace rankflow {
namespace {

void copy(const void* in, std::size_t bytes, void* out) {
  // memmove: `in` and `out` may be the same buffer, and null where nothing is sent.
  if (bytes > 0 && in != out) std::memmove(out, in, bytes);
}

void require_root_zero(const char* operation, int root) {
  if (root != 0)
    throw Error(ExitStatus::internal, str(operation, ": root ", root, " in a communicator of 1 rank"));
}

std::size_t only_size(const char* operation, std::span<const std::int64_t> sizes) {
  if (sizes.size() != 1 || sizes[0] < 0)
    throw Error(ExitStatus::internal,
                str(operation, ": ", sizes.size(), " sizes in a communicator of 1 rank"));
  return static_cast<std::size_t>(sizes[0]);
}

class SelfCommunicator : public Communicator, public Messenger {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }

  void all_reduce(void*, std::size_t, DType type, ReduceOp op) override {
    require_reduction("all_reduce", type, op);
  }
  void reduce_scatter_unequal(void*, std::span<const std::int64_t> counts, DType type, ReduceOp op) override {
    require_reduction("reduce_scatter", type, op);
    only_size("reduce_scatter", counts);
  }
  void broadcast(void*, std::size_t, int root) override { require_root_zero("broadcast", root); }
  void all_gather(const void* in, std::size_t bytes, void* out) override { copy(in, bytes, out); }
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override {
    copy(in, only_size("all_gather_unequal", sizes), out);
  }
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override {
    require_root_zero("gather_unequal", root);
    copy(in, only_size("gather_unequal", sizes), out);
  }
  void barrier() override {}
  std::unique_ptr<Communicator> split(int color) override {
    return color < 0 ? nullptr : make_self_communicator();
  }
  std::unique_ptr<Mailbox> open_mailbox() override { return make_own_mailbox(); }
  void close() override {}
};

}  // namespace

std::unique_ptr<Communicator> make_self_communicator() {
  return std::make_unique<SelfCommunicator>();
}

}  // namespace rankflow
