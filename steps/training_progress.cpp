#include "steps/training_progress.h"

namespace rankflow {

Json TrainingProgress::to_json() const {
  Json json = {{"epoch", epoch},           {"batch", batch},           {"step", step},
               {"epoch_loss", epoch_loss}, {"best_epoch", best_epoch}, {"best_value", best_value},
               {"mark_epoch", mark_epoch}, {"mark_value", mark_value}, {"history", history}};
  if (loss_scale) json["loss_scale"] = loss_scale->to_json();
  return json;
}

TrainingProgress TrainingProgress::from_json(const Json& json) {
  TrainingProgress p;
  p.epoch = json.at("epoch"), p.batch = json.at("batch"), p.step = json.at("step");
  p.epoch_loss = json.at("epoch_loss");
  p.best_epoch = json.at("best_epoch"), p.best_value = json.at("best_value");
  p.mark_epoch = json.at("mark_epoch"), p.mark_value = json.at("mark_value");
  p.history = json.at("history");
  if (const auto found = json.find("loss_scale"); found != json.end())
    p.loss_scale = LossScale::from_json(*found);
  return p;
}

}  // namespace rankflow
