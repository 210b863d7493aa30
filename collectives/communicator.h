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

#include "collectives/dtype.h"

namespace rankflow {

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// In place: `count` elements at `data` become their element-wise reduction over all ranks, the same bits
  /// on every rank (but for the payload of a NaN in a sum). The max or min of numbers and a NaN is NaN; -0 is
  /// less than +0. 16-bit floats are added in f32, and every partial sum is rounded to 16 bits. No mean of
  /// integers, no sum and no mean of bool (max is any, min is all): Error (internal).
  virtual void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) = 0;
  /// In place: `data` holds a piece for each rank, one after the other, of `counts[r]` elements (known to all;
  /// 0 is allowed). This rank's piece becomes the reduction of all ranks' versions of it; what the other
  /// pieces hold afterwards is undefined.
  virtual void reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                                      ReduceOp op) = 0;
  /// In place: every rank gets the root's bytes.
  virtual void broadcast(void* data, std::size_t bytes, int root) = 0;
  /// `out` holds size() * bytes, ordered by rank. Equal sizes on all ranks. `in` may be this rank's own place
  /// in `out`.
  virtual void all_gather(const void* in, std::size_t bytes, void* out) = 0;
  /// Unequal sizes: `out` holds the concatenation in rank order; `sizes[r]` are the bytes of rank r, known to
  /// all. `in` may be this rank's own place in `out`.
  virtual void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) = 0;
  /// Like all_gather_unequal, but only `root` receives; `out` is ignored elsewhere.
  virtual void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) = 0;
  /// Returns after every rank has entered.
  virtual void barrier() = 0;
  /// The lowest rank that brings `failed`, on every rank; size() where none does. An all_reduce of one number,
  /// with a name of its own: what ranks wait for in it is others' local work (run_together), which may take
  /// any time.
  virtual int lowest_failed(bool failed);
  /// A communicator of those that gave the same `color`, ordered as here; null for a rank whose color is
  /// negative. Collective over this communicator, which stays as good as before.
  virtual std::unique_ptr<Communicator> split(int color) = 0;
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
  /// reduce_scatter_unequal with pieces of `count` elements.
  void reduce_scatter(void* data, std::size_t count, DType type, ReduceOp op);
  /// gather_unequal with `bytes` from every rank.
  void gather(const void* in, std::size_t bytes, void* out, int root);
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
