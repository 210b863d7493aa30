// Building blocks that several models share.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

#include "io/json.h"

namespace rankflow {

/// Linear, ReLU (and dropout where it is above 0) for each width in `hidden`, then Linear to `outputs`.
torch::nn::Sequential fully_connected(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                                      std::int64_t outputs, double dropout);

}  // namespace rankflow
