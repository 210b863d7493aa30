#include "steps/layers.h"

#include <torch/torch.h>

#include "steps/linear.h"

namespace rankflow {

torch::nn::Sequential fully_connected(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                                      std::int64_t outputs, double dropout) {
  torch::nn::Sequential layers;
  for (const std::int64_t width : hidden) {
    layers->push_back(Linear(inputs, width));
    layers->push_back(torch::nn::ReLU(/*inplace=*/true));
    if (dropout > 0) layers->push_back(torch::nn::Dropout(dropout));
    inputs = width;
  }
  layers->push_back(Linear(inputs, outputs));
  return layers;
}

}  // namespace rankflow
