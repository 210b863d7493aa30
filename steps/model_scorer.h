// Scores rows of a prepared dataset with a model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "steps/predictor.h"
#include "steps/row_scorer.h"
#include "steps/score_options.h"

namespace rankflow {

struct NamedPredictor {
  std::string name;  // "": the only one
  std::unique_ptr<Predictor> predictor;
};

/// Columns: row (of the source), the chosen columns of the input, prediction (a class, or a number in the target's units),
/// probability of the predicted class or probabilities of all, and the most probable classes with theirs. Several models have
/// columns of their own, with _NAME after their names. Throws Error (configuration, bad_data).
std::unique_ptr<RowScorer> make_model_scorer(std::vector<NamedPredictor> predictors,
                                             const ScoreOptions& options);

}  // namespace rankflow
