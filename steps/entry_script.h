// Code of the user's, in Python or C++ (entry_program.h), that scores mini-batches in place of a model.
#pragma once

#include <memory>

#include "runtime/step.h"
#include "steps/row_scorer.h"
#include "steps/score_options.h"

namespace rankflow {

/// The step's keys entry_script, python and parameters; the input `data` is a prepared dataset, a file of a table or a
/// folder of files. Results: `row` (or `file`), the chosen columns of the input, and what the program gives. Collective. Throws
/// Error (configuration, bad_data). The context must outlive it.
std::unique_ptr<RowScorer> make_script_scorer(StepContext& context, const ScoreOptions& options);

}  // namespace rankflow
