#include "steps/batches.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

namespace rankflow {
namespace {

std::uint64_t splitmix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Uniform on [0, bound): draws above the largest multiple of `bound` are thrown away.
std::uint64_t draw_below(std::mt19937_64& generator, std::uint64_t bound) {
  const std::uint64_t limit = std::mt19937_64::max() - std::mt19937_64::max() % bound;
  std::uint64_t x = generator();
  while (x >= limit) x = generator();
  return x % bound;
}

template <typename T>
void permute(std::span<T> items, std::mt19937_64& generator) {
  for (std::size_t left = items.size(); left > 1; --left)
    std::swap(items[left - 1], items[draw_below(generator, left)]);
}

constexpr std::int64_t pieces_per_window = 16;

}  // namespace

std::uint64_t mixed_seed(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  return splitmix(splitmix(splitmix(a) + b) + c);
}

std::vector<std::int64_t> epoch_order(std::int64_t rows, std::uint64_t seed, std::int64_t epoch,
                                      bool shuffle) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  if (!shuffle) return order;
  std::mt19937_64 generator(mixed_seed(seed, static_cast<std::uint64_t>(epoch), 0));
  permute(std::span(order), generator);
  return order;
}

WindowedOrder windowed_order(std::int64_t rows, std::uint64_t seed, std::int64_t epoch, std::int64_t window) {
  std::mt19937_64 generator(mixed_seed(seed, static_cast<std::uint64_t>(epoch), 0));
  const std::int64_t length = ceil_div(window, pieces_per_window);
  std::vector<Range> pieces;
  for (std::int64_t begin = 0; begin < rows; begin += length)
    pieces.push_back({begin, std::min(rows, begin + length)});
  permute(std::span(pieces), generator);

  WindowedOrder order;
  order.rows.reserve(static_cast<std::size_t>(rows));
  for (auto piece = pieces.begin(); piece != pieces.end();) {
    ShuffleWindow w{{std::ssize(order.rows), 0}, {}};
    for (; piece != pieces.end() && std::ssize(w.pieces) < pieces_per_window; ++piece) {
      w.pieces.push_back(*piece);
      for (std::int64_t row = piece->begin; row < piece->end; ++row) order.rows.push_back(row);
    }
    w.positions.end = std::ssize(order.rows);
    permute(std::span(order.rows).subspan(static_cast<std::size_t>(w.positions.begin)), generator);
    order.windows.push_back(std::move(w));
  }
  return order;
}

Range batch_range(std::int64_t rows, std::int64_t batch_size, std::int64_t batch) {
  return {batch * batch_size, std::min(rows, (batch + 1) * batch_size)};
}

std::span<const std::int64_t> batch_shard(std::span<const std::int64_t> order, Range batch, int ranks,
                                          int rank) {
  const Range mine = partition(batch.size(), ranks, rank);
  return order.subspan(static_cast<std::size_t>(batch.begin + mine.begin),
                       static_cast<std::size_t>(mine.size()));
}

}  // namespace rankflow
