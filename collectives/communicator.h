// What a group of ranks can do together. One contract, several backends (one rank, MPI, NCCL): callers have
// no #ifdef.
//
// Every call is collective: all ranks of the group must make the same calls in the same order, from one
// thread at a time. Calls block until the local buffers may be used again; only `barrier` promises that all
// have arrived. A failed call throws Error (internal) with the backend's text; the communicator is then of no
// further use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rankflow {

enum class DType { u8, i32, i64, f32, f64 };
enum class ReduceOp { sum, max, min };

constexpr std::size_t size_of(DType t) {
  switch (t) {
    case DType::u8:
      return 1;
    case DType::i32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::f64:
      return 8;
  }
  return 0;
}
const char* name(DType t);
const char* name(ReduceOp op);

template <typename T>
struct dtype_of;
template <>
struct dtype_of<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct dtype_of<std::byte> {
  static constexpr DType value = DType::u8;
};
template <>
struct dtype_of<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct dtype_of<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct dtype_of<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of<double> {
  static constexpr DType value = DType::f64;
};

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// In place: `count` elements at `data` become their element-wise reduction over all ranks, the same bits
  /// on every rank (but for the payload of a NaN in a sum). The max or min of numbers and a NaN is NaN; -0 is
  /// less than +0.
  virtual void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) = 0;
  /// In place: every rank gets the root's bytes.
  virtual void broadcast(void* data, std::size_t bytes, int root) = 0;
  /// `out` holds size() * bytes, ordered by rank. Equal sizes on all ranks.
  virtual void all_gather(const void* in, std::size_t bytes, void* out) = 0;
  /// Unequal sizes: `out` holds the concatenation in rank order; `sizes[r]` are the bytes of rank r, known to
  /// all.
  virtual void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) = 0;
  /// Like all_gather_unequal, but only `root` receives; `out` is ignored elsewhere.
  virtual void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) = 0;
  /// Returns after every rank has entered.
  virtual void barrier() = 0;
  /// Ends the communicator; collective, so never done by the destructor. A communicator whose step failed is
  /// dropped without it.
  virtual void close() = 0;

  // Conveniences on top of the calls above.
  template <typename T>
  void all_reduce(std::span<T> values, ReduceOp op) {
    all_reduce(values.data(), values.size(), dtype_of<T>::value, op);
  }
  template <typename T>
  T all_reduce_value(T value, ReduceOp op) {
    all_reduce(&value, 1, dtype_of<T>::value, op);
    return value;
  }
  /// True on every rank when it is true on every rank.
  bool all_agree(bool mine) { return all_reduce_value<std::int32_t>(mine ? 1 : 0, ReduceOp::min) == 1; }
  /// Every rank's value, ordered by rank.
  template <typename T>
  std::vector<T> all_gather_value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> all(size());
    all_gather(&value, sizeof(T), all.data());
    return all;
  }
  /// Every rank's text, ordered by rank.
  std::vector<std::string> all_gather_text(const std::string& mine);
  /// The root's text, on every rank.
  std::string broadcast_text(std::string text, int root = 0);
  /// Every rank's vector joined in rank order.
  template <typename T>
  std::vector<T> all_gather_vector(std::span<const T> mine) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto counts = all_gather_value<std::int64_t>(static_cast<std::int64_t>(mine.size_bytes()));
    std::int64_t total = 0;
    for (auto c : counts) total += c;
    std::vector<T> out(static_cast<std::size_t>(total) / sizeof(T));
    all_gather_unequal(mine.data(), counts, out.data());
    return out;
  }
};

/// One rank: every collective is the identity. The same code path as with many.
std::unique_ptr<Communicator> make_self_communicator();

/// Wraps a communicator so that every call first compares operation, dtype and size across ranks, and throws
/// an internal error that names both sides of a mismatch. Costs one small all-gather per call: for tests and
/// debugging (RANKFLOW_CHECK_COLLECTIVES=1).
std::unique_ptr<Communicator> make_checked(std::unique_ptr<Communicator> inner);

}  // namespace rankflow
