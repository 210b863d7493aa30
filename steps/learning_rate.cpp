#include "steps/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

/// Half a period of the cosine from `from` (share 0) to `to` (share 1).
double anneal(double from, double to, double share) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace

LearningRate::LearningRate(const Json& spec, double base, std::int64_t steps_per_epoch, std::int64_t epochs)
    : base_(base), steps_per_epoch_(steps_per_epoch), total_(steps_per_epoch * epochs) {
  const std::string type = spec.at("type");
  if (type == "one_cycle") {
    kind_ = Kind::one_cycle;
    start_ = spec.at("start"), final_ = spec.at("final"), rise_share_ = spec.at("rise");
    return;
  }
  if (type == "constant") {
    kind_ = Kind::constant;
  } else if (type == "step") {
    kind_ = Kind::step;
    every_epochs_ = spec.at("every_epochs"), factor_ = spec.at("factor");
  } else if (type == "cosine") {
    kind_ = Kind::cosine;
    final_ = spec.at("final");
  } else {
    throw Error(ExitStatus::configuration, str("schedule type ", type, " has no code in this program"));
  }
  warm_up_start_ = spec.at("warm_up_start");
  warm_up_ = spec.at("warm_up_steps").get<std::int64_t>() +
             std::llround(spec.at("warm_up_epochs").get<double>() * static_cast<double>(steps_per_epoch));
  if (warm_up_ >= total_) {
    throw Error(ExitStatus::configuration, str("schedule: a warm-up of ", warm_up_,
                                               " steps in a training of ", total_, " (", epochs, " epochs)"));
  }
}

double LearningRate::at(std::int64_t done) const {
  const double t = static_cast<double>(done);
  if (kind_ == Kind::one_cycle) return one_cycle(t);
  if (done < warm_up_) {
    return base_ * (warm_up_start_ + (1 - warm_up_start_) * t / static_cast<double>(warm_up_));
  }
  if (kind_ == Kind::step)
    return base_ * std::pow(factor_, static_cast<double>(done / steps_per_epoch_ / every_epochs_));
  if (kind_ == Kind::cosine) {
    return anneal(base_, base_ * final_,
                  static_cast<double>(done - warm_up_) / static_cast<double>(total_ - warm_up_));
  }
  return base_;
}

double LearningRate::one_cycle(double done) const {
  const double last = static_cast<double>(total_ - 1);
  const double top = std::clamp(rise_share_ * static_cast<double>(total_) - 1, 0.0, last);
  if (done <= top) return top > 0 ? anneal(base_ * start_, base_, done / top) : base_;
  return anneal(base_, base_ * final_, std::min(1.0, (done - top) / (last - top)));
}

}  // namespace rankflow
