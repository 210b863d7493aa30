// A mini-batch on its way to another process of this program.
#pragma once

#include "steps/child_message.h"
#include "steps/row_plugin.h"

namespace rankflow {

ChildMessage message_of(const MiniBatch& batch);
/// What message_of() was given. Throws Error (bad_data) where the bytes don't fit what the head says.
MiniBatch mini_batch_from(const ChildMessage& message);

}  // namespace rankflow
