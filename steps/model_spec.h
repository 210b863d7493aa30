// The key `model:` of a train step: which kinds of model there are and what can be set of each.
#pragma once

#include "runtime/field.h"

namespace rankflow {

Field model_field();

}  // namespace rankflow
