"""MNIST end to end: published accuracies, and the same bytes on any number of ranks."""
import csv
import hashlib

import h5py
import numpy as np
import pytest
from support import Rankflow, tree_digest

PIPELINE = """\
name: mnist
inputs:
  train_images: {{path: {mnist}/mnist-train-images-idx3-ubyte.gz}}
  train_labels: {{path: {mnist}/mnist-train-labels-idx1-ubyte.gz}}
  test_images: {{path: {mnist}/mnist-t10k-images-idx3-ubyte.gz}}
  test_labels: {{path: {mnist}/mnist-t10k-labels-idx1-ubyte.gz}}
steps:
  train_data:
    type: prepare
    inputs: {{images: "${{{{inputs.train_images}}}}", labels: "${{{{inputs.train_labels}}}}"}}
    rows_per_part: 8192
  test_data:
    type: prepare
    inputs: {{images: "${{{{inputs.test_images}}}}", labels: "${{{{inputs.test_labels}}}}"}}
    rows_per_part: 3000
  mlp:
    type: train
    inputs: {{train: "${{{{steps.train_data.outputs.data}}}}"}}
    model: {{type: mlp}}
    optimizer: {{type: sgd, learning_rate: 0.1}}
    epochs: 5
  cnn:
    type: train
    inputs: {{train: "${{{{steps.train_data.outputs.data}}}}"}}
    model: {{type: cnn}}
    optimizer: {{type: sgd, learning_rate: 0.05}}
    epochs: 3
  evaluate_mlp:
    type: evaluate
    inputs: {{model: "${{{{steps.mlp.outputs.model}}}}", data: "${{{{steps.test_data.outputs.data}}}}"}}
  evaluate_cnn:
    type: evaluate
    inputs: {{model: "${{{{steps.cnn.outputs.model}}}}", data: "${{{{steps.test_data.outputs.data}}}}"}}
  score:
    type: score
    inputs: {{model: "${{{{steps.mlp.outputs.model}}}}", data: "${{{{steps.test_data.outputs.data}}}}"}}
"""
ROWS = 10_000


@pytest.fixture(scope="module")
def pipeline(mnist, tmp_path_factory):
    """A folder with the pipeline and a store that the tests of this file share."""
    folder = tmp_path_factory.mktemp("mnist")
    flow = Rankflow(folder, folder / "store")
    flow.write("mnist.yaml", PIPELINE.format(mnist=mnist))
    return flow


def in_its_own_store(pipeline, name):
    return Rankflow(pipeline.folder, pipeline.folder / name)


def test_prepared_parts_are_the_same_bytes_on_any_number_of_ranks(pipeline):
    digests = {}
    for ranks in (1, 2, 4):
        flow = in_its_own_store(pipeline, f"prepare-{ranks}")
        flow("run", "-n", ranks, "mnist.yaml", "--only", "train_data", "--only", "test_data")
        folder, artifact = flow.artifact("train_data", "data")
        digests[ranks] = (artifact, tree_digest(folder), tree_digest(flow.artifact("test_data", "data")[0]))
    assert digests[1] == digests[2] == digests[4]


def test_parts_hold_the_images(pipeline, mnist):
    import gzip
    pipeline("run", "-n", "2", "mnist.yaml", "--only", "test_data")
    parts = sorted(pipeline.artifact("test_data", "data")[0].glob("part-*.h5"))
    assert [h5py.File(p)["row"].shape[0] for p in parts] == [3000, 3000, 3000, 1000]
    images = np.concatenate([h5py.File(p)["images"][:] for p in parts])
    labels = np.concatenate([h5py.File(p)["target"][:] for p in parts])
    rows = np.concatenate([h5py.File(p)["row"][:] for p in parts])
    raw = np.frombuffer(gzip.open(mnist / "mnist-t10k-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
    assert images.dtype == np.uint8 and (images.reshape(ROWS, -1) == raw.reshape(ROWS, -1)).all()
    assert (labels == np.frombuffer(gzip.open(mnist / "mnist-t10k-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)).all()
    assert (rows == np.arange(ROWS)).all()


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("model, least", [("mlp", 0.975), ("cnn", 0.985)])
def test_accuracy(pipeline, model, least, ranks):
    pipeline("run", "-n", ranks, "mnist.yaml", "--force", model, "--only", f"evaluate_{model}")
    assert pipeline.statuses()[model] == "done"
    assert len(pipeline.last_run()["steps"][model]["ranks"]) == ranks
    assert pipeline.metrics(f"evaluate_{model}")["accuracy"] >= least


def scores_on(pipeline, ranks, *options):
    """Digests of the files, and the rows, of a score step that ran on `ranks` ranks with the model that is there."""
    pipeline("run", "-n", ranks, "mnist.yaml", "--only", "score", "--force", "score", *options)
    assert pipeline.statuses()["mlp"] == "reused", "one model for all"
    folder, _ = pipeline.artifact("score", "scores")
    with h5py.File(folder / "scores.h5") as file:
        rows, prediction, probabilities = file["row"][:], file["prediction"][:], file["probabilities"][:]
    assert (rows == np.arange(ROWS)).all(), "in order, none lost or doubled"
    assert (probabilities.argmax(1) == prediction).all()
    with open(folder / "scores.csv", newline="") as file:
        assert [int(line["row"]) for line in csv.DictReader(file)] == list(range(ROWS))
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("scores.csv", "scores.h5")}
    return digests, prediction


def test_scores_are_the_same_bytes_on_any_number_of_ranks(pipeline):
    pipeline("run", "-n", "2", "mnist.yaml", "--only", "score")
    digests = {ranks: scores_on(pipeline, ranks)[0] for ranks in (1, 2, 3, 4)}
    assert digests[1] == digests[2] == digests[3] == digests[4]


def test_more_ranks_than_mini_batches(pipeline):
    pipeline("run", "-n", "2", "mnist.yaml", "--only", "score")
    large = {ranks: scores_on(pipeline, ranks, "--set", "score.mini_batch_size=6000") for ranks in (1, 4)}
    assert large[1][0] == large[4][0]
    assert (large[4][1] == scores_on(pipeline, 1)[1]).mean() > 0.999


def test_evaluation_is_the_same_bytes_on_any_number_of_ranks(pipeline):
    digests = set()
    for ranks in (1, 2, 4):
        pipeline("run", "-n", ranks, "mnist.yaml", "--only", "evaluate_mlp", "--force", "evaluate_mlp")
        digests.add(pipeline.artifact("evaluate_mlp", "metrics")[1])
    assert len(digests) == 1
