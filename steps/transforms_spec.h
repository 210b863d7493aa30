// The keys `transforms`, an ordered list, and `split_by` of a prepare step.
#pragma once

#include "runtime/field.h"

namespace rankflow {

Field transforms_field();
Field split_by_field();
/// What tables of keys can't say; throws Error (configuration) naming the transform.
void check_transforms(const Json& transforms);
/// `split`: the key of that name. Throws Error (configuration).
void check_split_by(const Json& rule, const Json& split);

}  // namespace rankflow
