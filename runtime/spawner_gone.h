// What a spawner throws where its helper process is gone.
#pragma once

#include "base/error.h"

namespace rankflow {

/// This rank can start nothing any more: no failure of the program that it wanted to start.
class SpawnerGone : public Error {
 public:
  SpawnerGone()
      : Error(ExitStatus::internal,
              "the helper process that starts programs for this rank has ended, or does nothing",
              "the same command again; what is finished is kept") {}
};

}  // namespace rankflow
