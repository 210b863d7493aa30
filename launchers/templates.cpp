#include "launchers/templates.h"

namespace rankflow {
namespace {

constexpr const char* minimal =
    R"yaml(# Two programs in a row. Run it twice: the second time there is nothing to do. Then change a number.
name: minimal

parameters:
  numbers: 100            # rankflow run minimal.yaml --set numbers=10

steps:
  make:
    type: command
    # No shell reads this: every item is one word, passed to the program as it is.
    command:
      - awk
      - BEGIN { for (i = 1; i <= ${{parameters.numbers}}; i++) print i > "${{outputs.list}}/numbers.txt" }
    outputs: [list]       # a folder: empty when the program starts, published when it ends well

  sum:
    type: command
    command:
      - awk
      - '{ sum += $1 } END { print sum > "${{outputs.total}}/sum.txt" }'
      - ${{steps.make.outputs.list}}/numbers.txt   # this makes `sum` wait for `make`
    outputs: [total]
)yaml";

constexpr const char* tabular = R"yaml(# Learns a column of a table from the others.
#   rankflow run tabular.yaml --input table=PATH.csv --set target='price > 100' -n 2
name: tabular

inputs:
  table:
    description: a CSV file with a header, plain or .gz

parameters:
  target: label           # a column, or an expression such as `delay > 15`
  epochs: 10

steps:
  prepare:
    type: prepare
    inputs: {data: "${{inputs.table}}"}
    target: ${{parameters.target}}
    split: {train: 0.8, validation: 0.1, test: 0.1}
    missing_values: mean

  train:
    type: train
    inputs:
      train: ${{steps.prepare.outputs.train}}
      validation: ${{steps.prepare.outputs.validation}}
    model: {type: tabular}
    epochs: ${{parameters.epochs}}
    optimizer: {type: adamw}

  evaluate:
    type: evaluate
    inputs:
      model: ${{steps.train.outputs.model}}
      data: ${{steps.prepare.outputs.test}}

  score:
    type: score
    inputs:
      model: ${{steps.train.outputs.model}}
      data: ${{steps.prepare.outputs.test}}
)yaml";

constexpr const char* images = R"yaml(# Learns to classify images kept in IDX files, as MNIST is.
#   rankflow run images.yaml -n 2 --input images=train-images.gz --input labels=train-labels.gz
name: images

inputs:
  images:
    description: an IDX file of unsigned bytes, rows × height × width
  labels:
    description: an IDX file with the class of each image

parameters:
  epochs: 3

steps:
  prepare:
    type: prepare
    inputs:
      images: ${{inputs.images}}
      labels: ${{inputs.labels}}
    split: {train: 0.8, validation: 0.1, test: 0.1}

  train:
    type: train
    inputs:
      train: ${{steps.prepare.outputs.train}}
      validation: ${{steps.prepare.outputs.validation}}
    model: {type: cnn, channels: [32, 64], hidden: 128}
    epochs: ${{parameters.epochs}}
    batch_size: 128

  evaluate:
    type: evaluate
    inputs:
      model: ${{steps.train.outputs.model}}
      data: ${{steps.prepare.outputs.test}}
)yaml";

constexpr const char* ddp =
    R"yaml(# Runs a PyTorch script written for torchrun as it is: once on every rank, with RANK, WORLD_SIZE, MASTER_ADDR …
#   rankflow run ddp.yaml -n 2
name: ddp

parameters:
  epochs: 3

steps:
  train:
    type: command
    command: [python3, train.py, --epochs, "${{parameters.epochs}}", --out, "${{outputs.model}}"]
    code: [train.py]      # when it changes, the step runs again
    outputs: [model]
    per_rank: true
    resources: {ranks: all}
)yaml";

}  // namespace

const std::vector<Template>& templates() {
  static const std::vector<Template> all = {
      {"minimal", "two programs in a row: the format in twenty lines", minimal},
      {"tabular", "prepare, train, evaluate and score on a CSV table", tabular},
      {"images", "prepare, train and evaluate on IDX images", images},
      {"ddp", "a PyTorch script with DistributedDataParallel, unchanged", ddp},
  };
  return all;
}

}  // namespace rankflow
