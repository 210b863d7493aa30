// What a train step's keys and inputs have to be beside what the tables of keys say.
#pragma once

#include <set>
#include <string>

#include "io/json.h"

namespace rankflow {

/// Throws Error (configuration) for keys that don't go together.
void check_train(const Json& parameters);
/// For inputs (their names) that are missing for these keys.
void check_train_inputs(const Json& parameters, const std::set<std::string>& inputs);

}  // namespace rankflow
