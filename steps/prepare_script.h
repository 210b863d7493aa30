// Rows of a prepare step that a Python script of the user's makes.
#pragma once

#include <functional>
#include <string>

#include "runtime/step.h"

namespace rankflow {

/// Has the script in the key `entry_script` turn the input `data`, mini-batch by mini-batch, into rows of a table, and gives the folder
/// whose files are this table: the same pieces in the same order on any number of ranks. `scratch`: a folder that all ranks see.
/// Collective. Throws Error (step_failed, with the script's traceback, the rows and the rank; bad_data; configuration), Stopped.
std::string rows_of_script(StepContext& context, const std::string& scratch);
/// Does what goes on with these rows: what it throws about their files names the mini-batches.
void naming_mini_batches(const std::string& scratch, const std::function<void()>& work);

}  // namespace rankflow
