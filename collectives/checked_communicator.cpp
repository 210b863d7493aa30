#include "base/error.h"
#include "base/text.h"
#include "collectives/call.h"
#include "collectives/communicator.h"
#include "collectives/mailbox.h"

namespace rankflow {
namespace {

class CheckedCommunicator : public Communicator, public Messenger {
 public:
  explicit CheckedCommunicator(std::unique_ptr<Communicator> inner) : inner_(std::move(inner)) {}

  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }

  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override {
    compare(reduction_call(Operation::all_reduce, count, type, op));
    inner_->all_reduce(data, count, type, op);
  }
  void reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                              ReduceOp op) override {
    compare(pieces_call(counts, type, op));
    inner_->reduce_scatter_unequal(data, counts, type, op);
  }
  void broadcast(void* data, std::size_t bytes, int root) override {
    compare(bytes_call(Operation::broadcast, bytes, root));
    inner_->broadcast(data, bytes, root);
  }
  void all_gather(const void* in, std::size_t bytes, void* out) override {
    compare(bytes_call(Operation::all_gather, bytes));
    inner_->all_gather(in, bytes, out);
  }
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override {
    compare(sizes_call(Operation::all_gather_unequal, sizes));
    inner_->all_gather_unequal(in, sizes, out);
  }
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override {
    compare(sizes_call(Operation::gather_unequal, sizes, root));
    inner_->gather_unequal(in, sizes, out, root);
  }
  int lowest_failed(bool failed) override {
    compare(bytes_call(Operation::agreement, 0));
    return inner_->lowest_failed(failed);
  }
  void barrier() override {
    compare(bytes_call(Operation::barrier, 0));
    inner_->barrier();
  }
  std::unique_ptr<Communicator> split(int color) override {
    compare(bytes_call(Operation::split, 0));
    auto part = inner_->split(color);
    return part ? make_checked(std::move(part)) : nullptr;
  }
  std::unique_ptr<Mailbox> open_mailbox() override {
    compare(bytes_call(Operation::mailbox, 0));
    return rankflow::open_mailbox(*inner_);
  }
  void close() override {
    compare(bytes_call(Operation::close, 0));
    inner_->close();
  }

 private:
  void compare(Call mine) {
    mine.number = calls_++;
    const auto calls = inner_->all_gather_value(mine);
    for (std::size_t r = 1; r < calls.size(); ++r) {
      if (calls[r] == calls[0]) continue;
      throw Error(
          ExitStatus::internal,
          str("ranks of a group make different collective calls: rank 0 makes call ", calls[0].number, " ",
              describe(calls[0]), ", rank ", r, " makes call ", calls[r].number, " ", describe(calls[r])));
    }
  }

  std::unique_ptr<Communicator> inner_;
  std::int64_t calls_ = 0;
};

}  // namespace

std::unique_ptr<Communicator> make_checked(std::unique_ptr<Communicator> inner) {
  return std::make_unique<CheckedCommunicator>(std::move(inner));
}

}  // namespace rankflow
