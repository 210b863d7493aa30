// Keys of steps that run a Python script of the user's: score and prepare.
#pragma once

#include "runtime/field.h"

namespace rankflow {

/// `entry_script`, `python`, `code`, `parameters`. `what`: what the script does in this step, for the documents.
Fields script_fields(const char* what);
/// `retry_settings`: `max_retries` and `timeout` of mini-batches.
Field retry_field();
/// `mini_batch_size`. `what`: rows are what.
Field mini_batch_size_field(const char* what);

}  // namespace rankflow
