// What export_model.py writes about a model beside its code (exported.json): names, shapes and what the code was
// compiled for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/model_input.h"

namespace rankflow {

struct ExportedTensor {
  std::string name;  // as in PyTorch
  std::vector<std::int64_t> shape, strides;
  std::string dtype;  // float32, int64, …
};

struct ExportedDescription {
  struct Input {
    std::string column;               // images, features or categories
    std::vector<std::int64_t> shape;  // of a row
  };

  /// Reads `folder`/exported.json and checks that this machine and LibTorch can run the code beside it. Throws
  /// Error (bad_data) for what is no description, and Error (configuration) naming what the code needs and what
  /// is here where it was compiled for another machine or version.
  explicit ExportedDescription(const std::string& folder);

  std::vector<Input> inputs;  // in the order of the model's arguments
  bool classes = true;        // the target's values are classes (otherwise numbers)
  std::int64_t outputs = 1;
  std::int64_t smallest_batch = 1;  // rows that the code works with
  std::vector<ExportedTensor> parameters, buffers;
  std::vector<std::string>
      gradients;  // parameters, in the order in which the training step returns gradients

  /// Throws Error (configuration) unless data with these columns and outputs fit.
  void require_fit(const ModelInput& input) const;
};

/// What of `needed` this machine's CPU lacks; `available` as /proc/cpuinfo gives it. Pure.
std::vector<std::string> missing_instructions(const std::vector<std::string>& needed,
                                              const std::vector<std::string>& available);

}  // namespace rankflow
