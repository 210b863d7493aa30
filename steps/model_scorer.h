// Scores rows of a prepared dataset with a model.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "steps/row_scorer.h"
#include "steps/score_options.h"

namespace rankflow {

/// Columns: row (of the source), the chosen columns of the input, prediction (a class, or a number in the target's units),
/// probability of the predicted class or probabilities of all, and the most probable classes with theirs. Several models have
/// columns of their own, with _NAME after their names. `inputs`: the models, and `data`. Throws Error (configuration, bad_data).
/// Local.
std::unique_ptr<RowScorer> make_model_scorer(const std::map<std::string, std::string>& inputs,
                                             const ScoreOptions& options);

}  // namespace rankflow
