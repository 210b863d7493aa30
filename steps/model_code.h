// Models whose code users bring along: exported ones (a folder) and plug-ins (a library). A model artifact holds a
// copy of the code, so that it can be applied without what it was trained with.
#pragma once

#include <string>

#include "io/json.h"

namespace rankflow {

/// Whether `spec` (the key `model:`) is of a type whose code comes from the input `model`.
bool is_brought(const Json& spec);

/// Copies what applying the model needs from `brought` (the exported folder, or the library) into a model
/// artifact. Throws Error (io).
void copy_model_code(const Json& spec, const std::string& brought, const std::string& artifact);

/// What make_model takes as `brought` for the copy in a model artifact.
std::string model_code_in(const std::string& artifact, const Json& spec);

}  // namespace rankflow
