#include "steps/loss_scale.h"

#include <algorithm>

namespace rankflow {

void LossScale::update(bool finite) {
  if (!finite) {
    value_ *= backoff;
    finite_ = 0;
  } else if (++finite_ == interval) {
    value_ = std::min(value_ * growth, largest);
    finite_ = 0;
  }
}

Json LossScale::to_json() const {
  return {{"value", value_}, {"finite", finite_}};
}

LossScale LossScale::from_json(const Json& json) {
  LossScale scale;
  scale.value_ = json.at("value");
  scale.finite_ = json.at("finite");
  return scale;
}

}  // namespace rankflow
