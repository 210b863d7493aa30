#include "steps/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "steps/batches.h"
#include "steps/divided_work.h"

namespace rankflow {
namespace {

/// A row counts k times where its draw lies below the k-th, 2³² · P(Poisson(1) <= k), but not below the one before;
/// above the last lies less than one draw in 2³⁰.
std::array<std::uint32_t, 12> poisson_thresholds() {
  std::array<std::uint32_t, 12> thresholds{};
  double probability = std::exp(-1.0), cumulative = 0;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    cumulative += probability;
    probability /= static_cast<double>(k + 1);
    thresholds[k] = static_cast<std::uint32_t>(cumulative * 0x1p32);
  }
  return thresholds;
}

}  // namespace

void poisson_weights(std::uint64_t seed, std::int64_t sample, std::span<std::uint8_t> weights) {
  const auto below = poisson_thresholds();
  const std::uint64_t stream = mixed_seed(seed, static_cast<std::uint64_t>(sample), 1);
  for (std::size_t row = 0; row < weights.size(); ++row) {
    // SplitMix64 (Steele et al. 2014), the row-th number of the sample's stream.
    std::uint64_t x = stream + (row + 1) * 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    const auto draw = static_cast<std::uint32_t>((x ^ (x >> 31)) >> 32);
    std::uint8_t count = 0;
    while (count < below.size() && draw >= below[count]) ++count;
    weights[row] = count;
  }
}

std::optional<Interval> percentile_interval(std::vector<double> samples, double confidence) {
  const std::size_t drawn = samples.size();
  std::erase_if(samples, [](double v) { return std::isnan(v); });
  if (samples.empty() || 2 * samples.size() < drawn) return std::nullopt;
  std::sort(samples.begin(), samples.end());
  const auto quantile = [&](double share) {
    const double place = share * static_cast<double>(samples.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, samples.size() - 1);
    return samples[below] + (place - static_cast<double>(below)) * (samples[above] - samples[below]);
  };
  return Interval{quantile((1 - confidence) / 2), quantile((1 + confidence) / 2)};
}

std::vector<double> Replicates::of(std::size_t m, std::size_t k) const {
  std::vector<double> samples;
  for (std::size_t at = m * width_ + k; at < values_.size(); at += measures_ * width_)
    samples.push_back(values_[at]);
  return samples;
}

std::vector<double> Replicates::difference(std::size_t m, std::size_t other, std::size_t k) const {
  std::vector<double> samples = of(m, k);
  const std::vector<double> others = of(other, k);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] -= others[i];
  return samples;
}

Replicates bootstrap(StepContext& context, const BootstrapOptions& options, std::int64_t rows,
                     const std::vector<Measure>& measures, std::size_t width) {
  std::vector<std::uint8_t> weights(static_cast<std::size_t>(rows));
  auto values = divide_work(context, options.samples, "bootstrap samples",
                            [&](std::int64_t sample, std::vector<double>& mine) {
                              poisson_weights(options.seed, sample, weights);
                              for (const Measure& measure : measures) {
                                const auto some = measure(weights);
                                mine.insert(mine.end(), some.begin(), some.end());
                              }
                            });
  return {std::move(values), measures.size(), width};
}

}  // namespace rankflow
