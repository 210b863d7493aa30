#include "steps/column_statistics.h"

#include <algorithm>
#include <cmath>

namespace rankflow {

void Moments::add(double value) {
  ++count;
  const double difference = value - mean;
  mean += difference / static_cast<double>(count);
  m2 += difference * (value - mean);
  minimum = std::min(minimum, value);
  maximum = std::max(maximum, value);
}

double Moments::standard_deviation() const {
  return count ? std::sqrt(m2 / static_cast<double>(count)) : 0.0;
}

Moments merge(const Moments& a, const Moments& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  Moments both;
  both.count = a.count + b.count;
  const double n = static_cast<double>(both.count), na = static_cast<double>(a.count),
               nb = static_cast<double>(b.count);
  const double difference = b.mean - a.mean;
  both.mean = a.mean + difference * (nb / n);
  both.m2 = a.m2 + b.m2 + difference * difference * (na * nb / n);
  both.minimum = std::min(a.minimum, b.minimum);
  both.maximum = std::max(a.maximum, b.maximum);
  return both;
}

Range my_blocks(const Communicator& comm, std::int64_t rows) {
  return partition(ceil_div(rows, statistics_block), comm.size(), comm.rank());
}

Range block_rows(std::int64_t block, std::int64_t rows) {
  return {block * statistics_block, std::min(rows, (block + 1) * statistics_block)};
}

std::vector<Moments> merge_over_ranks(Communicator& comm, const std::vector<Moments>& mine,
                                      std::size_t columns) {
  // Ranks take consecutive blocks, so joining in rank order gives them in block order.
  const std::vector<Moments> all = comm.all_gather_vector<Moments>(mine);
  std::vector<Moments> merged(columns);
  for (std::size_t i = 0; i < all.size(); ++i) merged[i % columns] = merge(merged[i % columns], all[i]);
  return merged;
}

}  // namespace rankflow
