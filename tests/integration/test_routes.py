"""configs/routes.yaml as it stands: a model for every route, measured by the model of each row's key."""
import csv
import json
import signal
import time

import pytest
from safetensors.numpy import load_file
from support import BAD_DATA, SOURCE, STOPPED, Rankflow

PIPELINE = SOURCE / "configs/routes.yaml"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    flow = Rankflow(folder, folder / "store")
    flow("run", "-n", "2", PIPELINE)
    return flow


def models(flow):
    return flow.artifact("models", "model")


def test_every_route_has_a_model_or_a_reason(shared):
    folder, _ = models(shared)
    about = json.loads((folder / "models.json").read_text())
    with open(folder / "models.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["status"] for line in table].count("trained") == len(about["models"]) == shared.metrics("models")["models"]
    assert len(table) == 668
    failed = [line for line in table if line["status"] == "failed"]
    assert failed and all("all rows are of the class" in line["message"] for line in failed)
    assert all(float(line["validation_loss"]) > 0 for line in table if line["status"] == "trained" and line["validation_rows"] != "0")
    for name, stack in load_file(folder / "models.safetensors").items():
        assert len(stack) == len(about["models"]), name


def test_the_evaluation_says_who_is_better_and_where(shared):
    folder, _ = shared.artifact("evaluate", "metrics")
    metrics = json.loads((folder / "metrics.json").read_text())
    low, high = metrics["intervals"]["auc"]
    assert 0.5 < low < metrics["auc"] < high < 1
    comparison = json.loads((folder / "comparison.json").read_text())
    assert set(comparison["metrics"]["auc"]) == {"model", "baseline", "difference"}
    assert 0 <= comparison["paired_test"]["p_value"] <= 1
    with open(folder / "slices.csv", newline="") as file:
        slices = list(csv.DictReader(file))
    assert sum(int(line["rows"]) for line in slices if line["column"] == "month") == metrics["rows"]
    assert "<svg" in (folder / "report.html").read_text()


@pytest.mark.parametrize("ranks", [1, 4])
def test_any_number_of_ranks_gives_the_same_bytes(shared, ranks):
    before = models(shared)[1], shared.artifact("evaluate", "metrics")[1]
    shared("run", "-n", ranks, PIPELINE, "--force", "models", "--force", "evaluate")
    assert shared.statuses() == {"prepare": "reused", "models": "done", "all": "reused", "evaluate": "done"}
    assert (models(shared)[1], shared.artifact("evaluate", "metrics")[1]) == before


def test_a_stopped_run_goes_on_with_what_is_left(shared, tmp_path):
    """Stopped once some models are finished, on 2 ranks; ended on 1. More epochs, so that some are left by then."""
    words = [PIPELINE, "--only", "models", "--set", "models.epochs=15"]
    shared("run", "-n", "2", *words)
    flow = Rankflow(tmp_path, tmp_path / "store")
    process = flow.start("run", "-n", "2", *words)
    deadline = time.monotonic() + 60
    while not list(flow.store.rglob("models-*.h5")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == STOPPED
    result = flow("run", "-n", "1", *words)
    assert "models are finished" in result.out + result.err
    assert models(flow)[1] == models(shared)[1]


def test_too_many_failures_are_named_before_anything_is_trained(shared):
    result = shared("run", "-n", "2", PIPELINE, "--set", "models.error_threshold=0", code=BAD_DATA)
    assert "models failed, and error_threshold is 0" in result.err + result.out
