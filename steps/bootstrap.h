// Confidence intervals of metrics by the bootstrap: how a metric would vary if other rows of the same kind had been
// drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/step.h"
#include "steps/outcomes.h"

namespace rankflow {

struct BootstrapOptions {
  std::int64_t samples = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
};

struct Interval {
  double low, high;
};

/// How often each row counts in a sample: independent Poisson numbers of mean 1 (Hanley and MacGibbon, "Creating
/// non-parametric bootstrap samples using Poisson frequencies", 2006), a function of seed, sample and row alone, so that
/// a slice has the same weights as the whole, two models the same as each other, and any rank can draw any sample.
void poisson_weights(std::uint64_t seed, std::int64_t sample, std::span<std::uint8_t> weights);

/// Percentiles of the samples (Efron and Tibshirani 1993, chapter 13), interpolated as numpy does; NaN samples are
/// left out, nullopt where they are more than half.
std::optional<Interval> percentile_interval(std::vector<double> samples, double confidence);

/// A measure's values in every sample.
class Replicates {
 public:
  Replicates(std::vector<double> values, std::size_t measures, std::size_t width)
      : values_(std::move(values)), measures_(measures), width_(width) {}
  /// Of value `k` of measure `m`.
  std::vector<double> of(std::size_t m, std::size_t k) const;
  /// The same minus that of measure `other`, sample by sample.
  std::vector<double> difference(std::size_t m, std::size_t other, std::size_t k) const;

 private:
  std::vector<double> values_;  // [samples, measures, width]
  std::size_t measures_, width_;
};

/// Draws the samples, divided over the ranks; all of them on the first rank, none on the others. `measures` give `width`
/// values each and are the same on all ranks. Throws Stopped. Collective.
Replicates bootstrap(StepContext& context, const BootstrapOptions& options, std::int64_t rows,
                     const std::vector<Measure>& measures, std::size_t width);

}  // namespace rankflow
