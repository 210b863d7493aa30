#include "steps/row_split.h"

#include <algorithm>

namespace rankflow {
namespace {

constexpr std::uint64_t golden_gamma = 0x9E3779B97F4A7C15u;

/// The output function of SplitMix64.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t stream_seed(std::uint64_t seed, std::uint64_t stream) {
  return mixed(mixed(seed + golden_gamma) ^ ((stream + 1) * 0xD1342543DE82EF95u));
}

double split_position(std::uint64_t seed, std::int64_t row) {
  const std::uint64_t start = mixed(seed + golden_gamma);
  const std::uint64_t value = mixed(start + (static_cast<std::uint64_t>(row) + 1) * golden_gamma);
  return static_cast<double>(value >> 11) * 0x1p-53;
}

std::map<std::string, std::vector<std::int64_t>> split_rows(const std::vector<std::int64_t>& rows,
                                                            const SplitFractions& fractions,
                                                            std::uint64_t seed) {
  std::map<std::string, std::vector<std::int64_t>> splits;
  std::vector<double> ends;
  std::vector<std::vector<std::int64_t>*> lists;
  double end = 0;
  for (const auto& [name, fraction] : fractions) {
    ends.push_back(end += fraction);
    lists.push_back(&splits[name]);
  }
  if (lists.size() == 1) {  // no dice for one
    *lists.front() = rows;
    return splits;
  }
  for (std::int64_t row : rows) {
    const double position = split_position(seed, row);
    // The last one takes what rounding leaves above the sum.
    const auto index = std::upper_bound(ends.begin(), ends.end() - 1, position) - ends.begin();
    lists[static_cast<std::size_t>(index)]->push_back(row);
  }
  return splits;
}

}  // namespace rankflow
