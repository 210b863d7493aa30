// The models that a partitioned training has finished, on disk while it goes on: after a crash or a stop, they are not
// trained again.
#pragma once

#include <string>
#include <vector>

#include "steps/models_file.h"

namespace rankflow {

class FinishedModels {
 public:
  /// `configuration`: what saved models must have been trained with to be of use. `folder` is made when the first are saved.
  FinishedModels(std::string folder, Json configuration);

  /// All that were saved before, each once. Files that can't be read or are of another training are passed over, each with a
  /// line in `notes`. By one rank.
  std::vector<ModelRecord> restore(std::vector<std::string>& notes) const;

  /// Saves it, together with those before it that wait, once the last were saved a second ago, or a sixtieth of the
  /// time since the start: few files, and little lost.
  void add(ModelRecord record);
  /// Saves those that wait.
  void flush();
  /// All that this rank added.
  const std::vector<ModelRecord>& added() const { return added_; }

 private:
  std::string folder_;
  Json configuration_;
  std::vector<ModelRecord> added_;
  std::size_t saved_ = 0;  // the first so many of these
  double start_, last_save_;
};

}  // namespace rankflow
