// Scores with models in a process beside the rank: a forward pass can be ended there when it takes too long.
#pragma once

#include <memory>

#include "runtime/step.h"
#include "steps/row_scorer.h"
#include "steps/score_options.h"

namespace rankflow {

/// What make_model_scorer gives, from a process with a time-out for each mini-batch. Throws Error as that does, and (step_failed)
/// where the process ended or its time was over. Local. The context must outlive it.
std::unique_ptr<RowScorer> make_timed_model_scorer(StepContext& context, const ScoreOptions& options);

}  // namespace rankflow
