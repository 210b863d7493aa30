#include "runtime/step_spec.h"
#include "steps/model_spec.h"

namespace rankflow {
namespace {

Field learning_rate(double value) {
  return with_default(
      between(above(number("learning_rate", "length of a step along the gradient"), 0), 0, 1e6), value);
}

Field weight_decay(std::string help, double value) {
  return with_default(between(number("weight_decay", std::move(help)), 0, 1e6), value);
}

Field share(std::string name, std::string help, double value) {
  return with_default(between(number(std::move(name), std::move(help)), 0, 0.999999), value);
}

Field optimizer_field() {
  Field field = variant(
      "optimizer",
      {{"sgd",
        "stochastic gradient descent with momentum",
        {learning_rate(0.05), share("momentum", "share of the last step that is kept", 0.9),
         weight_decay("added to the gradient: this times the weight (L2)", 0.0),
         with_default(boolean("nesterov", "look ahead along the momentum; needs momentum above 0"), false)}},
       {"adamw",
        "Adam with decoupled weight decay",
        {learning_rate(0.001),
         weight_decay("each step shrinks a weight by this times the learning rate", 0.01),
         share("beta1", "decay of the mean of the gradient", 0.9),
         share("beta2", "decay of the mean of the squared gradient", 0.999),
         with_default(above(number("epsilon", "keeps the division by small gradients stable"), 0), 1e-8)}}},
      "how weights follow the gradient");
  return with_default(std::move(field), {{"type", "sgd"}});
}

Field checkpoint_field() {
  const auto every = [](std::string name, std::string help, Json value) {
    return with_default(at_least(integer(std::move(name), std::move(help)), 0), std::move(value));
  };
  Field field = object(
      "checkpoint",
      {every("every_epochs", "a checkpoint at the end of every so many epochs; 0: not", 1),
       every("every_batches", "a checkpoint after every so many global batches; 0: not", 0),
       with_default(
           at_least(number("every_seconds", "a checkpoint when the last one is this old; 0: not"), 0), 30.0)},
      "when the state of the training is saved, so that it can go on after a stop or a crash");
  return not_hashed(with_default(std::move(field), Json::object()));
}

}  // namespace

StepSpec train_spec() {
  StepSpec spec;
  spec.type = "train";
  spec.help =
      "Trains a model on a prepared dataset, data-parallel: every rank takes its share of each global batch, "
      "and "
      "gradients are summed over the ranks. The loss follows the dataset's task: cross entropy for "
      "classification, "
      "mean squared error (of the standardised target) for regression.";
  spec.fields = {
      required(model_field()),
      with_default(at_least(integer("epochs", "passes over the training data"), 1), 10),
      with_default(
          between(integer("batch_size", "rows of a global batch, over all ranks together"), 1, 1 << 24), 256),
      optimizer_field(),
      with_default(
          between(integer("seed", "of the initial weights, the order of rows and dropout"), 0, 4294967295.0),
          0),
      with_default(
          boolean("shuffle", "a new order of rows in every epoch, from the seed and the epoch alone"), true),
      with_default(
          choice("select", {"last", "best"},
                 "the weights that are kept: of the last epoch, or of the one with the lowest validation "
                 "loss (needs the input validation)"),
          "last"),
      checkpoint_field(),
  };
  spec.inputs = {{"train", "prepared dataset to learn from"},
                 {"validation", "prepared dataset to measure each epoch on", false}};
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{
        {"model",
         "model.h5 (weights and buffers under their PyTorch names) and model.json (what it is, the data it "
         "wants, metrics of each epoch)"}};
  };
  spec.outputs_help = "model";
  spec.check = [](const Json& parameters) {
    const Json& optimizer = parameters.at("optimizer");
    if (optimizer.at("type") == "sgd" && optimizer.at("nesterov") == true &&
        optimizer.at("momentum") == 0.0) {
      throw Error(ExitStatus::configuration, "optimizer: nesterov needs momentum above 0",
                  "momentum: 0.9, or nesterov: false");
    }
  };
  return spec;
}

}  // namespace rankflow
