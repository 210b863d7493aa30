// What a step's code throws where no mini-batch can do better.
#pragma once

#include "base/error.h"

namespace rankflow {

/// The whole step fails: every mini-batch would fail in the same way, so that none is tried again and no threshold
/// tolerates it.
class StepFailure : public Error {
 public:
  using Error::Error;
  explicit StepFailure(const Error& error) : Error(error) {}
};

}  // namespace rankflow
