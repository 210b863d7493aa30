#include "base/error.h"
#include "base/text.h"
#include "collectives/communicator.h"

namespace rankflow {
namespace {

enum class Operation : std::int64_t {
  all_reduce,
  broadcast,
  all_gather,
  all_gather_unequal,
  gather_unequal,
  barrier,
  close
};

const char* name(Operation o) {
  switch (o) {
    case Operation::all_reduce:
      return "all_reduce";
    case Operation::broadcast:
      return "broadcast";
    case Operation::all_gather:
      return "all_gather";
    case Operation::all_gather_unequal:
      return "all_gather_unequal";
    case Operation::gather_unequal:
      return "gather_unequal";
    case Operation::barrier:
      return "barrier";
    case Operation::close:
      return "close";
  }
  return "unknown call";
}

constexpr std::int64_t kNone = -1;

/// What one rank is about to do; all fields of one size, so that it travels without padding.
struct Call {
  std::int64_t number;  // how many calls this rank made before
  Operation operation;
  std::int64_t amount;  // elements of an all_reduce, bytes elsewhere
  std::int64_t dtype = kNone;
  std::int64_t reduce = kNone;
  std::int64_t root = kNone;
  std::int64_t sizes_hash = kNone;
  friend bool operator==(const Call&, const Call&) = default;
};

std::string describe(const Call& c) {
  std::string text = str("call ", c.number, " ", name(c.operation), "(");
  switch (c.operation) {
    case Operation::all_reduce:
      text += str(rankflow::name(static_cast<ReduceOp>(c.reduce)), " of ", c.amount, " ",
                  rankflow::name(static_cast<DType>(c.dtype)));
      break;
    case Operation::broadcast:
      text += str(c.amount, " bytes from rank ", c.root);
      break;
    case Operation::all_gather:
      text += str(c.amount, " bytes");
      break;
    case Operation::all_gather_unequal:
    case Operation::gather_unequal:
      text += str(c.amount, " bytes in all");
      if (c.root != kNone) text += str(" to rank ", c.root);
      text += str(", sizes hash ", static_cast<std::uint32_t>(c.sizes_hash));
      break;
    case Operation::barrier:
    case Operation::close:
      break;
  }
  return text + ")";
}

/// FNV-1a: sizes that differ must show, nobody tries to fool it.
std::int64_t hash_of(std::span<const std::int64_t> sizes) {
  std::uint64_t h = 14695981039346656037ULL;
  for (auto s : sizes) h = (h ^ static_cast<std::uint64_t>(s)) * 1099511628211ULL;
  return static_cast<std::int64_t>(h);
}

std::int64_t sum_of(std::span<const std::int64_t> sizes) {
  std::int64_t total = 0;
  for (auto s : sizes) total += s;
  return total;
}

class CheckedCommunicator : public Communicator {
 public:
  explicit CheckedCommunicator(std::unique_ptr<Communicator> inner) : inner_(std::move(inner)) {}

  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }

  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override {
    Call call = next(Operation::all_reduce, count);
    call.dtype = static_cast<std::int64_t>(type);
    call.reduce = static_cast<std::int64_t>(op);
    compare(call);
    inner_->all_reduce(data, count, type, op);
  }
  void broadcast(void* data, std::size_t bytes, int root) override {
    Call call = next(Operation::broadcast, bytes);
    call.root = root;
    compare(call);
    inner_->broadcast(data, bytes, root);
  }
  void all_gather(const void* in, std::size_t bytes, void* out) override {
    compare(next(Operation::all_gather, bytes));
    inner_->all_gather(in, bytes, out);
  }
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override {
    Call call = next(Operation::all_gather_unequal, sum_of(sizes));
    call.sizes_hash = hash_of(sizes);
    compare(call);
    inner_->all_gather_unequal(in, sizes, out);
  }
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override {
    Call call = next(Operation::gather_unequal, sum_of(sizes));
    call.sizes_hash = hash_of(sizes);
    call.root = root;
    compare(call);
    inner_->gather_unequal(in, sizes, out, root);
  }
  void barrier() override {
    compare(next(Operation::barrier, 0));
    inner_->barrier();
  }
  void close() override {
    compare(next(Operation::close, 0));
    inner_->close();
  }

 private:
  template <typename Count>
  Call next(Operation operation, Count amount) {
    return Call{.number = calls_++, .operation = operation, .amount = static_cast<std::int64_t>(amount)};
  }

  void compare(const Call& mine) {
    const auto calls = inner_->all_gather_value(mine);
    for (std::size_t r = 1; r < calls.size(); ++r) {
      if (calls[r] == calls[0]) continue;
      throw Error(ExitStatus::internal, str("ranks of a group make different collective calls: rank 0 makes ",
                                            describe(calls[0]), ", rank ", r, " makes ", describe(calls[r])));
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
