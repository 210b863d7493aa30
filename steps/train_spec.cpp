#include "io/optional_key.h"
#include "runtime/step_spec.h"
#include "steps/model_spec.h"
#include "steps/partition_spec.h"
#include "steps/train_checks_spec.h"

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

Field excludes() {
  return with_default(
      list("weight_decay_excludes", text("rule", "bias, norm, or a name or pattern of parameters"),
           "parameters that weight decay leaves alone: `bias` (all biases), `norm` (scales of normalisation "
           "layers: vectors that are no biases), or patterns over names, such as `embeddings_*`"),
      Json::array());
}

Fields adam_fields(double decay, std::string decay_help) {
  return {learning_rate(0.001),
          weight_decay(std::move(decay_help), decay),
          excludes(),
          share("beta1", "decay of the mean of the gradient", 0.9),
          share("beta2", "decay of the mean of the squared gradient", 0.999),
          with_default(above(number("epsilon", "keeps the division by small gradients stable"), 0), 1e-8)};
}

Field optimizer_field() {
  Field field = variant(
      "optimizer",
      {{"sgd",
        "stochastic gradient descent with momentum",
        {learning_rate(0.05), share("momentum", "share of the last step that is kept", 0.9),
         weight_decay("added to the gradient: this times the weight (L2)", 0.0), excludes(),
         with_default(boolean("nesterov", "look ahead along the momentum; needs momentum above 0"), false)}},
       {"adam", "Adam", adam_fields(0, "added to the gradient: this times the weight (L2)")},
       {"adamw", "Adam with decoupled weight decay",
        adam_fields(0.01, "each step shrinks a weight by this times the learning rate")}},
      "how weights follow the gradient");
  return with_default(std::move(field), {{"type", "sgd"}});
}

Field fraction(std::string name, std::string help, double value) {
  return with_default(between(number(std::move(name), std::move(help)), 0, 1), value);
}

/// The keys of a schedule, and those of the warm-up that goes before it.
Fields with_warm_up(Fields fields) {
  fields.push_back(with_default(
      at_least(number("warm_up_epochs", "the learning rate rises in a straight line for so long"), 0), 0.0));
  fields.push_back(with_default(
      at_least(integer("warm_up_steps", "the same in global batches; added to warm_up_epochs"), 0), 0));
  fields.push_back(fraction("warm_up_start", "where it starts, as a share of the learning rate", 0.01));
  return fields;
}

Field schedule_field() {
  Field field = variant(
      "schedule",
      {{"constant", "stays as it is", with_warm_up({})},
       {"step", "is multiplied by a factor every so many epochs",
        with_warm_up({with_default(at_least(integer("every_epochs", "epochs between two changes"), 1), 10),
                      fraction("factor", "what is left after a change", 0.1)})},
       {"cosine", "falls along half a cosine to the end of the training",
        with_warm_up({fraction("final", "where it ends, as a share of the learning rate", 0)})},
       {"one_cycle",
        "rises along half a cosine to the learning rate, then falls along another",
        {fraction("rise", "share of the training in which it rises", 0.3),
         fraction("start", "where it starts, as a share of the learning rate", 0.04),
         fraction("final", "where it ends, as a share of the learning rate", 4e-6)}}},
      "how the learning rate changes while training, as a function of the number of global batches done");
  return with_default(std::move(field), {{"type", "constant"}});
}

Fields loss_fields() {
  return {
      with_default(between(number("label_smoothing",
                                  "classification: this share of the target is spread over all classes, so "
                                  "that the model is never quite sure"),
                           0, 0.999999),
                   0.0),
      any("class_weights",
          "classification: what a row of each class counts in the training loss: `balanced` (in inverse "
          "proportion to the class's rows), a list in the order of the classes, or a mapping from names of "
          "some classes to weights (1 for the others). Scaled to a mean of 1 over the training rows")};
}

Fields selection_fields() {
  return {
      with_default(
          choice(
              "select", {"last", "best"},
              "the weights that are kept: of the last epoch, or of the best one by `primary_metric` (needs "
              "the input validation)"),
          "last"),
      with_default(choice("primary_metric",
                          {"validation_loss", "validation_accuracy", "validation_rmse", "validation_mae"},
                          "what epochs are compared by: the accuracy of classification, rmse and mae of "
                          "regression, the loss of both"),
                   "validation_loss"),
      object(
          "early_stopping",
          {required(at_least(integer("patience", "epochs without improvement after which training ends"), 1)),
           with_default(at_least(number("min_delta", "what counts as improvement: more than this"), 0), 0.0)},
          "end the training when `primary_metric` no longer improves (needs the input validation)"),
      object(
          "ema", {fraction("decay", "share of the average that is kept at each batch", 0.999)},
          "validate and keep an exponential moving average of the weights; BatchNorm's statistics stay those "
          "of the last batch"),
  };
}

Field patterns(std::string name, std::string help) {
  return with_default(
      list(std::move(name), text("pattern", "a name, or a pattern such as `layers.0.*`"), std::move(help)),
      Json::array());
}

Fields weight_fields() {
  return {
      patterns("freeze",
               "parameters that keep their values, by name or pattern (`*` stands for dots too); BatchNorm's "
               "statistics still move"),
      patterns(
          "new_weights",
          "weights that the input `initial_weights` does not give, or not for this model, such as the last "
          "layer for other classes: they start new"),
      boolean("initial_weights_as_they_are",
              "takes the weights of a train step whose data had other columns, vocabularies, statistics or "
              "classes than "
              "this one's; otherwise that is an error")};
}

Field local_steps_field() {
  return object(
      "local_steps",
      {required(at_least(
           integer("batches", "global batches between two exchanges; the end of an epoch is one too"), 1)),
       with_default(
           above(
               number(
                   "outer_learning_rate",
                   "of the step that the ranks take together; 1 and no momentum: the mean of their weights"),
               0),
           0.7),
       share("outer_momentum", "Nesterov's, of that step", 0.9)},
      "DiLoCo, for networks that are slow beside the model: each rank takes steps of its own on its share of "
      "the global batches, and every "
      "so many of them the ranks exchange how far they went instead of gradients");
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
           at_least(number("every_seconds", "a checkpoint when the last one is this old; 0: not"), 0), 30.0),
       with_default(
           between(integer("keep", "how many of the newest stay on disk while the step trains"), 1, 1000),
           2)},
      "when the state of the training is saved, so that it can go on after a stop or a crash");
  return not_hashed(with_default(std::move(field), Json::object()));
}

}  // namespace

StepSpec train_spec() {
  StepSpec spec;
  spec.type = "train";
  spec.version = 3;
  spec.help =
      "Trains a model on a prepared dataset, data-parallel: every rank takes its share of each global batch, "
      "and gradients are summed over the ranks. The loss follows the dataset's task: cross entropy for "
      "classification, mean squared error (of the standardised target) for regression. docs/training.md says "
      "what is promised.";
  spec.fields = {
      required(model_field()),
      with_default(at_least(integer("epochs", "passes over the training data"), 1), 10),
      with_default(
          between(integer("batch_size", "rows of a global batch, over all ranks together"), 1, 1 << 24), 256),
      with_default(between(integer("accumulate",
                                   "micro-batches in which a rank works through its share of a global batch: "
                                   "memory for one of them, the gradient of all"),
                           1, 1 << 20),
                   1),
      optimizer_field(),
      schedule_field(),
      with_default(
          boolean(
              "shard_optimizer",
              "ZeRO-1: each rank updates its part of the parameters and keeps the optimizer's state of that "
              "part alone; less memory and a shorter update, as many bytes on the network"),
          false),
      local_steps_field(),
      above(number("clip_norm", "gradients of a larger norm (of all parameters together) are scaled to it"),
            0),
      with_default(
          choice("precision", {"float32", "float64", "bfloat16", "float16"},
                 "number format; bfloat16 and float16: of products and convolutions in the forward and "
                 "backward pass, while weights, gradients and optimizer stay float32. float16 needs a "
                 "GPU; the loss is scaled, and a batch whose gradients become infinite by that is left "
                 "out. Weights are saved as float32"),
          "float32"),
      with_default(
          between(integer("seed", "of the initial weights, the order of rows and dropout"), 0, 4294967295.0),
          0),
      with_default(
          boolean("shuffle", "a new order of rows in every epoch, from the seed and the epoch alone"), true),
      at_least(integer("shuffle_window",
                       "rows that are shuffled together, for datasets that memory does not hold: pieces "
                       "from all over the dataset, read ahead from disk; without it, all rows are"),
               1),
      object(
          "augment",
          {with_default(
               between(integer("crop_padding",
                               "images get a black border of so many pixels, and a piece of their own size "
                               "is cut out of that at a random place"),
                       0, 1024),
               0),
           with_default(
               boolean("horizontal_flip", "every second image, at random, is mirrored left to right"),
               false)},
          "Changes of images that are drawn anew in every epoch, from the seed, the epoch and the number of "
          "the row "
          "alone; for datasets with images"),
      with_default(boolean("deterministic",
                           "the same bits on 1, 2, 4 … ranks, and when going on on another number of them: "
                           "gradients of a fixed number of shards of each global batch are summed in a fixed "
                           "order, each computed by one thread"),
                   false),
      with_default(between(integer("deterministic_shards",
                                   "with `deterministic`: into how many shards each global batch is cut, a "
                                   "power of two and at least the number of ranks; the result depends on it"),
                           1, 4096),
                   8),
  };
  for (auto fields : {weight_fields(), loss_fields(), selection_fields(), partition_fields()})
    spec.fields.insert(spec.fields.end(), fields.begin(), fields.end());
  spec.fields.push_back(not_hashed(
      with_default(choice("prefetch", {"auto", "always", "never"},
                          "whether a thread puts the next batch together while one is in use; "
                          "auto: where the host has a core "
                          "to spare, or the data is larger than half its memory; for a GPU always"),
                   "auto")));
  spec.fields.push_back(not_hashed(with_default(
      choice("cuda_graph", {"auto", "always", "never"},
             "whether the kernels of forward and backward are recorded once and started together, "
             "where batches are whole. auto: on one GPU, for the built-in models. always: any model, and "
             "on several GPUs, where gradients then travel after backward. Without effect on the CPU"),
      "auto")));
  spec.fields.push_back(with_default(
      choice("gradient_compression", {"none", "bfloat16", "float16"},
             "what gradients travel between ranks as: half the bytes, and every sum of two is rounded; for "
             "networks that are slower than the model. Needs weights in float32"),
      "none"));
  spec.fields.push_back(not_hashed(with_default(
      choice(
          "overlap", {"auto", "always", "never", "shared"},
          "how gradients are summed over ranks. always: a thread sends them while backward still computes "
          "others. never: they are sent after backward. shared: nothing is sent; ranks, all of one host, add "
          "up "
          "each other's in memory that they share, and each updates a part of one copy of the weights. auto: "
          "shared for two ranks of one host; otherwise messages, with the thread where a rank has more than "
          "one "
          "core and the first batches show that it pays. With more than two ranks shared adds in another "
          "order "
          "than messages"),
      "auto")));
  spec.fields.push_back(checkpoint_field());
  spec.inputs = {
      {"train", "prepared dataset to learn from", true, dataset_kind},
      {"validation", "prepared dataset to measure each epoch on", false, dataset_kind},
      {"model", "model types exported and plugin: the folder that export_model.py wrote, or the library",
       false},
      {"initial_weights",
       "weights to start from: a safetensors or HDF5 file, or the output of a train step. Names and shapes "
       "have to be those of the model",
       false, model_kind}};
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{{"model",
                                    "model.safetensors (weights and buffers under their PyTorch names) and "
                                    "model.json (what it is, the data it "
                                    "wants, metrics of each epoch); with partition_by "
                                    "models.safetensors, models.json and models.csv",
                                    model_kind}};
  };
  spec.outputs_help = "model";
  // Ranks with steps of their own see other batches on another number of them: no rounding, another training.
  spec.depends_on_ranks = [](const Json& parameters) { return given(parameters, "local_steps"); };
  spec.cpu_only = [](const Json& parameters) {
    if (parameters.at("model").at("type") == "exported")
      return std::string("an exported model is compiled for the CPU");
    return std::string(given(parameters, "partition_by") ? "models of partitions are trained by one core each"
                                                         : "");
  };
  spec.cuda_only = [](const Json& parameters) {
    const bool half = parameters.at("precision") == "float16";
    return std::string(half ? "precision float16 needs a GPU (on the CPU: bfloat16)" : "");
  };
  spec.check = check_train;
  spec.check_inputs = check_train_inputs;
  return spec;
}

}  // namespace rankflow
