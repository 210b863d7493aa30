#include "collectives/call_record.h"

#include "base/clock.h"
#include "base/text.h"
#include "collectives/mailbox.h"

namespace rankflow {

CallRecord::Line::Line(std::string group, int ranks) : since_(monotonic_seconds()) {
  status_.group = std::move(group);
  status_.ranks = ranks;
}

void CallRecord::Line::enter(Call call) {
  const std::lock_guard lock(mutex_);
  call.number = status_.call.number + 1;
  status_.call = call;
  status_.inside = true;
  since_ = monotonic_seconds();
}

void CallRecord::Line::leave() {
  const std::lock_guard lock(mutex_);
  status_.inside = false;
  since_ = monotonic_seconds();
}

CallStatus CallRecord::Line::status() const {
  const std::lock_guard lock(mutex_);
  CallStatus now = status_;
  now.seconds = monotonic_seconds() - since_;
  return now;
}

std::shared_ptr<CallRecord::Line> CallRecord::open(const std::string& group, int ranks) {
  auto line = std::make_shared<Line>(group, ranks);
  const std::lock_guard lock(mutex_);
  lines_.push_back(line);
  return line;
}

std::vector<CallStatus> CallRecord::now() const {
  const std::lock_guard lock(mutex_);
  std::erase_if(lines_, [](const auto& line) { return line.expired(); });
  std::vector<CallStatus> all;
  for (const auto& weak : lines_)
    if (const auto line = weak.lock()) all.push_back(line->status());
  return all;
}

namespace {

class RecordedCommunicator : public Communicator, public Messenger {
 public:
  RecordedCommunicator(std::unique_ptr<Communicator> inner, CallRecord& record, std::string group)
      : inner_(std::move(inner)),
        record_(record),
        group_(std::move(group)),
        line_(record.open(group_, inner_->size())) {}

  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }

  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override {
    const InsideCall inside(line_.get(), reduction_call(Operation::all_reduce, count, type, op));
    inner_->all_reduce(data, count, type, op);
  }
  void reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                              ReduceOp op) override {
    const InsideCall inside(line_.get(), pieces_call(counts, type, op));
    inner_->reduce_scatter_unequal(data, counts, type, op);
  }
  void broadcast(void* data, std::size_t bytes, int root) override {
    const InsideCall inside(line_.get(), bytes_call(Operation::broadcast, bytes, root));
    inner_->broadcast(data, bytes, root);
  }
  void all_gather(const void* in, std::size_t bytes, void* out) override {
    const InsideCall inside(line_.get(), bytes_call(Operation::all_gather, bytes));
    inner_->all_gather(in, bytes, out);
  }
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override {
    const InsideCall inside(line_.get(), sizes_call(Operation::all_gather_unequal, sizes));
    inner_->all_gather_unequal(in, sizes, out);
  }
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override {
    const InsideCall inside(line_.get(), sizes_call(Operation::gather_unequal, sizes, root));
    inner_->gather_unequal(in, sizes, out, root);
  }
  void barrier() override {
    const InsideCall inside(line_.get(), bytes_call(Operation::barrier, 0));
    inner_->barrier();
  }
  int lowest_failed(bool failed) override {
    const InsideCall inside(line_.get(), bytes_call(Operation::agreement, 0));
    return inner_->lowest_failed(failed);
  }
  std::unique_ptr<Communicator> split(int color) override {
    const InsideCall inside(line_.get(), bytes_call(Operation::split, 0));
    auto part = inner_->split(color);
    if (!part) return nullptr;
    return make_recorded(std::move(part), record_, str(group_, "/", line_->status().call.number, ".", color));
  }
  std::unique_ptr<Mailbox> open_mailbox() override {
    const InsideCall inside(line_.get(), bytes_call(Operation::mailbox, 0));
    return rankflow::open_mailbox(*inner_);
  }
  void close() override {
    const InsideCall inside(line_.get(), bytes_call(Operation::close, 0));
    inner_->close();
  }
  Recording recording() const { return {&record_, group_}; }

 private:
  std::unique_ptr<Communicator> inner_;
  CallRecord& record_;
  std::string group_;
  std::shared_ptr<CallRecord::Line> line_;
};

}  // namespace

std::unique_ptr<Communicator> make_recorded(std::unique_ptr<Communicator> inner, CallRecord& record,
                                            const std::string& group) {
  return std::make_unique<RecordedCommunicator>(std::move(inner), record, group);
}

Recording recording_of(const Communicator& communicator) {
  const auto* recorded = dynamic_cast<const RecordedCommunicator*>(&communicator);
  return recorded ? recorded->recording() : Recording{};
}

}  // namespace rankflow
