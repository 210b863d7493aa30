// How much a model needs each of its inputs: how much worse a metric gets when the values of one input column are
// dealt out among the rows anew (Breiman, "Random forests", 2001, section 10; Fisher, Rudin and Dominici 2019).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/step.h"
#include "steps/predictor.h"

namespace rankflow {

struct ImportanceOptions {
  std::int64_t repeats = 5;
  std::uint64_t seed = 0;
  std::int64_t mini_batch_size = 1024;
};

struct Importance {
  std::string column;
  std::string kind;            // feature, category
  std::vector<double> values;  // of the metric, one for each repeat

  double mean() const;
  double deviation() const;  // of the sample; 0 for one repeat
};

/// The metric with each feature and category of the data dealt out anew, but for those that choose a row's model, `repeats`
/// times; the permutations depend on seed, column and repeat alone. A rank goes through the whole dataset for a column and
/// repeat, so that results don't depend on the number of ranks. `metric` measures the predictions of all rows, given
/// mini-batch by mini-batch to `take`. Full on the first rank only. Throws Error (configuration) for data without features
/// and categories, and Stopped. Collective.
using Take = std::function<void(const at::Tensor& predictions, Range rows)>;
std::vector<Importance> permutation_importance(StepContext& context, const Predictor& predictor,
                                               const ImportanceOptions& options, const Take& take,
                                               const std::function<double()>& metric);

}  // namespace rankflow
