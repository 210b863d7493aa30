"""Scoring on any number of ranks, killed and stopped at any point: the same bytes, each row once."""
import csv
import gzip
import json
import os
import random
import signal

import numpy as np
import pytest
from support import SOURCE, Rankflow, rank_processes, temporaries

AGAIN = ("--force", "scores")
REPEATS = 5  # of the digits: scoring them takes a second or two

PIPELINE = """\
name: score
inputs:
  digits: {path: digits.csv.gz}
steps:
  data:
    type: prepare
    inputs: {data: "${{inputs.digits}}"}
    header: false
    target: c64
    task: classification
    split: {train: 0.05, rest: 0.95}
  fit:
    type: train
    inputs: {train: "${{steps.data.outputs.train}}"}
    model: {type: mlp, hidden: [2048, 2048]}
    epochs: 1
  scores:
    type: score
    inputs: {model: "${{steps.fit.outputs.model}}", data: "${{steps.data.outputs.rest}}"}
    mini_batch_size: 20
    formats: [csv, jsonl, hdf5, parquet]
    input_columns: [c20, target]
    top_k: 2
"""


def write_inputs(flow):
    rows = gzip.decompress((SOURCE / "configs/data/digits.csv.gz").read_bytes())
    (flow.folder / "digits.csv.gz").write_bytes(gzip.compress(rows * REPEATS, 1))
    flow.write("p.yaml", PIPELINE)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A store in which all is done, on one rank."""
    folder = tmp_path_factory.mktemp("prepared")
    flow = Rankflow(folder, folder / "store")
    write_inputs(flow)
    flow("run", "-n", "1", "p.yaml")
    return flow


@pytest.fixture(scope="module")
def undisturbed(prepared):
    """Folder and digest of the scores."""
    return prepared.artifact("scores", "scores")


@pytest.mark.parametrize("ranks", [2, 3, 7])
def test_the_same_bytes_on_any_number_of_ranks(prepared, undisturbed, ranks):
    prepared("run", "-n", ranks, "p.yaml", *AGAIN)
    assert prepared.statuses()["scores"] == "done"
    assert prepared.artifact("scores", "scores")[1] == undisturbed[1]


def during_scoring(process, at_least):
    """Reads events until a share `at_least` of the rows is scored."""
    for line in process.stdout:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "step_progress" and event["step"] == "scores" and event["done"] >= at_least * event["total"]:
            return True
    return False


KILLS = int(os.environ.get("RANKFLOW_SCORE_KILLS", "3"))


@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_ranks_are_no_loss(prepared, undisturbed, seed):
    """RANKFLOW_SCORE_KILLS=20 tries as many points."""
    choice = random.Random(seed)
    ranks, share = choice.randint(1, 7), choice.uniform(0, 0.5)
    process = prepared.start("run", "-n", ranks, "p.yaml", "--json", *AGAIN)
    assert during_scoring(process, share)
    os.kill(rank_processes(prepared)[choice.randrange(ranks)], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert prepared.artifact("scores", "scores")[1] == undisturbed[1]
    assert temporaries(prepared.store) == []


def test_stopped_and_gone_on_with_on_other_ranks(prepared, undisturbed):
    process = prepared.start("run", "-n", "2", "p.yaml", "--json", *AGAIN)
    assert during_scoring(process, 0.3)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 75, err
    result = prepared("run", "-n", "3", "p.yaml", "--json", *AGAIN)
    first = next(e for e in result.events() if e["event"] == "step_progress" and e["step"] == "scores")
    assert first["done"] > 0.25 * first["total"], "goes on with what is missing"
    assert prepared.artifact("scores", "scores")[1] == undisturbed[1]


def test_others_programs_open_what_is_written(undisturbed):
    duckdb, h5py, pd, pl = (pytest.importorskip(name) for name in ("duckdb", "h5py", "pandas", "polars"))
    folder = undisturbed[0]
    frame = pd.read_csv(folder / "scores.csv")
    summary = json.loads((folder / "summary.json").read_text())
    assert len(frame) == summary["rows"] and frame["row"].is_monotonic_increasing
    assert list(frame.columns)[:4] == ["row", "c20", "target", "prediction"]
    assert set(frame["c20"]) <= set(range(17)), "in the units that it had, without the noise of float32"
    probabilities = frame[[f"p_{c}" for c in range(10)]]
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.to_numpy().argmax(axis=1) == frame["prediction"]).all()
    assert np.allclose(frame["top_1_probability"], probabilities.max(axis=1))

    columns = ["row", "c20", "prediction", "p_3", "top_2"]
    parquet = pd.read_parquet(folder / "scores.parquet")
    lines = pd.read_json(folder / "scores.jsonl", lines=True)
    polars_csv, polars_parquet = pl.read_csv(folder / "scores.csv"), pl.read_parquet(folder / "scores.parquet")
    for column in columns:
        expected = frame[column].to_numpy(dtype=float)
        for other in (parquet, lines):
            assert np.allclose(other[column].to_numpy(dtype=float), expected), column
        assert np.allclose(polars_csv[column].to_numpy().astype(float), expected), column
        assert np.allclose(polars_parquet[column].cast(pl.String).cast(pl.Float64).to_numpy(), expected), column
    for name in ("csv", "parquet", "jsonl"):
        (count,), = duckdb.sql(f"select count(distinct row) from '{folder}/scores.{name}'").fetchall()
        assert count == summary["rows"]
    with h5py.File(folder / "scores.h5") as file:
        assert (file["row"][:] == frame["row"]).all()
        assert (file["prediction"][:] == frame["prediction"]).all()
        assert np.allclose(file["probabilities"][:], probabilities)
        assert json.loads(file.attrs["rankflow"])["classes"] == [str(c) for c in range(10)]
    with open(folder / "mini_batches.csv") as file:
        batches = list(csv.DictReader(file))
    assert len(batches) == summary["mini_batches"]
    assert sum(int(b["rows_per_class_7"]) for b in batches) == summary["rows_per_class"]["7"]
