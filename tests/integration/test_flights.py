"""configs/flights.yaml as it stands: on any number of ranks, under every launcher, over two hosts."""
import csv
import json
import os
import subprocess

import h5py
import numpy as np
import pytest
from support import BIN, SOURCE, Rankflow
from two_hosts import NAMES, TwoHosts, obstacle

PIPELINE = SOURCE / "configs/flights.yaml"
STEPS = {"prepare", "train", "evaluate", "score"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A store in which the pipeline ran once, on two ranks; tests that add to it leave the rest alone."""
    folder = tmp_path_factory.mktemp("flights")
    flow = Rankflow(folder, folder / "store")
    flow("run", "-n", "2", PIPELINE)
    return flow


def outputs(flow):
    """{step.output: digest} of the newest run."""
    steps = flow.last_run()["steps"]
    return {f"{step}.{output}": digest for step in steps for output, digest in steps[step]["outputs"].items()}


def rows(folder, column="row"):
    return np.concatenate([h5py.File(part)[column][:] for part in sorted(folder.glob("part-*.h5"))])


def test_it_learns_something(shared):
    metrics = shared.metrics("evaluate")
    assert metrics["auc"] > 0.70, "scikit-learn's logistic regression gives 0.71"
    assert metrics["calibration_error"] < 0.05


def test_a_second_run_reuses_everything(shared):
    before = outputs(shared)
    for words in (["run", "-n", "2", PIPELINE], ["run", PIPELINE, "-n", "2"]):
        shared(*words)
        assert shared.statuses() == {step: "reused" for step in STEPS}
        assert outputs(shared) == before


def test_every_row_is_in_one_split_and_scored_once_in_order(shared):
    splits = {name: rows(shared.artifact("prepare", name)[0]) for name in ("train", "validation", "test")}
    together = np.concatenate(list(splits.values()))
    assert len(np.unique(together)) == len(together) == 231_083
    assert all((np.diff(split) > 0).all() for split in splits.values())
    folder, _ = shared.artifact("score", "scores")
    assert (h5py.File(folder / "scores.h5")["row"][:] == splits["test"]).all()
    with open(folder / "scores.csv", newline="") as file:
        assert [int(line["row"]) for line in csv.DictReader(file)] == splits["test"].tolist()


def test_the_target_and_what_it_is_made_from_are_no_features(shared):
    schema = json.loads((shared.artifact("prepare", "train")[0] / "dataset.json").read_text())["schema"]
    features = [f["name"] for kind in ("features", "categories") for f in schema[kind]]
    assert "distance" in features and "delay" not in features


@pytest.mark.parametrize("ranks", [1, 4])
def test_preparing_evaluating_and_scoring_give_the_same_bytes_on_any_number_of_ranks(shared, ranks):
    before = outputs(shared)
    shared("run", "-n", ranks, PIPELINE, "--force", "prepare", "--force", "evaluate", "--force", "score")
    assert shared.statuses() == {"prepare": "done", "train": "reused", "evaluate": "done", "score": "done"}
    assert outputs(shared) == before


def test_under_mpirun_it_is_the_same(shared, rankflow):
    rankflow("run", PIPELINE, prefix=["mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none"])
    assert outputs(rankflow) == outputs(shared)


def test_over_two_hosts_it_is_the_same(rankflow, tmp_path):
    if reason := obstacle():
        pytest.skip(f"two hosts cannot be made here: {reason}")
    four = Rankflow(tmp_path, tmp_path / "one-host")
    four("run", "-n", "4", PIPELINE)
    with TwoHosts(ranks_per_host=2) as hosts:
        command = ["mpirun", "-n", "4", "--bind-to", "none", "-x", "RANKFLOW_STORE", "-x", "OMP_NUM_THREADS", BIN / "rankflow", "run", PIPELINE]
        environment = {**rankflow.environment, **{k: v for k, v in hosts.environment().items() if os.environ.get(k) != v}}
        done = subprocess.run(hosts.command(*command), env=environment, cwd=rankflow.folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(rankflow.last_run()["hosts"]) == NAMES
    assert outputs(rankflow) == outputs(four)
