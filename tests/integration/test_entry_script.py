"""Users' own Python code that scores: what it gets, what becomes of what it gives, and how its failures are told."""
import csv
import json
import os
import shutil
import signal
import sys
import time

import pytest
from support import SOURCE, rank_processes

pd = pytest.importorskip("pandas")

PIPELINE = f"""\
name: script
inputs:
  data: {{path: rows.csv}}
steps:
  score:
    type: score
    inputs: {{data: "${{{{inputs.data}}}}"}}
    entry_script: score.py
    python: {sys.executable}
    mini_batch_size: 10
    formats: [csv, jsonl, hdf5, parquet]
"""

ROWS = "a,b,name\n" + "".join(f"{i},{i / 4},n{i % 3}\n" for i in range(100))


def write(flow, script, *more):
    flow.write("rows.csv", ROWS)
    flow.write("score.py", script)
    flow.write("p.yaml", PIPELINE + "".join(f"    {line}\n" for line in more))


def scores(flow):
    return pd.read_csv(flow.artifact("score", "scores")[0] / "scores.csv")


def test_a_table_of_rows_in_any_format(rankflow):
    write(rankflow, """
import rankflow_step

def init():
    rankflow_step.context.metric("started", 1)

def run(frame):
    k = rankflow_step.context.parameters["k"]
    frame["result"] = frame["a"] * k + frame["b"]
    frame["greeting"] = "héllo, " + frame["name"]
    frame["even"] = frame["a"] % 2 == 0
    return frame[["result", "greeting", "even"]]
""", "parameters: {k: 2}", "input_columns: [name]")
    digests = set()
    for ranks in (1, 2, 3):
        rankflow("run", "-n", ranks, "p.yaml", "--force", "score")
        digests.add(rankflow.artifact("score", "scores")[1])
    assert len(digests) == 1
    frame = scores(rankflow)
    assert list(frame.columns) == ["row", "name", "result", "greeting", "even"]
    assert (frame["result"] == frame["row"] * 2.25).all()
    assert (frame["greeting"] == "héllo, " + frame["name"]).all()
    folder = rankflow.artifact("score", "scores")[0]
    assert pd.read_parquet(folder / "scores.parquet").equals(frame.astype(pd.read_parquet(folder / "scores.parquet").dtypes))
    assert json.loads((folder / "scores.jsonl").read_text().splitlines()[7]) == {
        "row": 7, "name": "n1", "result": 15.75, "greeting": "héllo, n1", "even": False}
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "scores.h5") as file:
        assert file["greeting"].asstr()[7] == "héllo, n1"


def test_the_code_is_part_of_the_fingerprint(rankflow):
    write(rankflow, "import helper\ndef run(frame): return helper.f(frame)\n", "code: [helper.py]")
    rankflow.write("helper.py", "def f(frame): return frame['a'] + 1\n")
    rankflow("run", "p.yaml")
    assert (scores(rankflow)["a"] == scores(rankflow)["row"] + 1).all()
    rankflow("run", "p.yaml")
    assert rankflow.statuses()["score"] == "reused"
    rankflow.write("helper.py", "def f(frame): return frame['a'] + 2\n")
    rankflow("run", "p.yaml")
    assert rankflow.statuses()["score"] == "done"
    assert (scores(rankflow)["a"] == scores(rankflow)["row"] + 2).all()


def test_files_of_a_folder(rankflow):
    write(rankflow, "def run(paths): return [len(open(p).read()) for p in paths]\n")
    for i in range(25):
        rankflow.write(f"texts/{i % 4}/{i:02}.txt", "x" * i)
    rankflow("run", "-n", "2", "p.yaml", "--input", "data=texts")
    frame = scores(rankflow)
    assert list(frame["file"]) == sorted(frame["file"]) and len(frame) == 25
    assert all(int(name[-6:-4]) == n for name, n in zip(frame["file"], frame["prediction"]))


def test_an_exception_comes_with_its_place(rankflow):
    write(rankflow, """
def check(frame):
    if (frame["a"] == 42).any():
        raise ValueError("no 42 please")

def run(frame):
    check(frame)
    return list(frame["a"])
""")
    result = rankflow("run", "-n", "2", "p.yaml", code=1)
    for part in ("mini-batch 4 (rows 40 to 49, rank ", "failed 3 times", "ValueError: no 42 please", 'score.py", line 4, in check'):
        assert part in result.err + result.out, result.err
    (rankflow.folder / "p.yaml").write_text((rankflow.folder / "p.yaml").read_text() + "    mini_batch_error_threshold: 1\n")
    result = rankflow("run", "-n", "2", "p.yaml")
    assert "goes on with" in result.out, "what was done under the other threshold stays done"
    assert len(scores(rankflow)) == 90
    with open(rankflow.artifact("score", "scores")[0] / "errors.csv") as file:
        error, = csv.DictReader(file)
    assert (error["mini_batch"], error["first_row"], error["rows"]) == ("4", "40", "10")
    assert "no 42 please" in error["message"] and "in check" in error["message"]


@pytest.mark.parametrize("script, says", [
    ("def run(frame): return list(frame['a'])[1:]", "gave 9 results for 10 rows"),
    ("def run(frame): return 7", "run() gave int"),
    ("def run(frame): return frame[['a']].rename(columns={'a': 'row'})", "which the results have already"),
    ("def run(frame): return [{'x': 1j}] * len(frame)", "Could not convert"),
    ("def walk(frame): return 7", "has no function run(mini_batch)"),
    ("import nosuchmodule", "No module named 'nosuchmodule'"),
    ("import os\ndef run(frame): os._exit(3)", "ended with exit code 3"),
    ("import numpy as np\nn = 0\ndef run(frame):\n  global n\n  n += 1\n  return frame['a'].astype(str) if n > 1 else frame['a']", "other columns than"),
])
def test_what_is_no_result(rankflow, script, says):
    write(rankflow, script + "\n", "retry_settings: {max_retries: 0}")
    result = rankflow("run", "p.yaml", code=None)
    assert result.code in (1, 65), result.err
    assert says in result.err + result.out, result.err


def test_dictionaries_give_all_their_keys(rankflow):
    write(rankflow, "def run(frame): return [{'id': a, 'warning': 'hot'} if a % 4 == 3 else {'id': a} for a in frame['a'].tolist()]\n")
    rankflow("run", "p.yaml")
    frame = scores(rankflow)
    assert list(frame.columns) == ["row", "id", "warning"] and (frame["id"] == frame["row"]).all()
    assert ((frame["warning"] == "hot") == (frame["id"] % 4 == 3)).all()


def test_a_process_that_takes_too_long_is_ended_and_started_again(rankflow):
    write(rankflow, """
import os, time
def run(frame):
    if frame["a"].iloc[0] == 30 and not os.path.exists("seen"):
        open("seen", "w").close()
        time.sleep(1000)
    return frame["a"] * 2
""", "retry_settings: {max_retries: 1, timeout: 5}")
    started = time.monotonic()
    rankflow("run", "-n", "2", "p.yaml")
    assert time.monotonic() - started < 60
    assert (scores(rankflow)["a"] == 2 * scores(rankflow)["row"]).all()


def test_stopped_while_the_script_is_at_work(rankflow):
    write(rankflow, """
import os, time
def run(frame):
    while frame["a"].iloc[0] >= 50 and os.path.exists("wait"):
        time.sleep(0.05)
    return frame["a"]
""")
    wait = rankflow.write("wait", "")
    process = rankflow.start("run", "-n", "1", "p.yaml", "--json")
    for line in process.stdout:
        if '"step_progress"' in line:
            break
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert rank_processes(rankflow) == {}
    wait.unlink()
    rankflow("run", "-n", "2", "p.yaml")
    assert (scores(rankflow)["a"] == scores(rankflow)["row"]).all() and len(scores(rankflow)) == 100


def test_what_is_wrong_before_anything_runs(rankflow):
    write(rankflow, "def run(frame): return frame['a']\n")
    os.unlink(rankflow.folder / "score.py")
    assert 'p.yaml:5:3: step "score": entry_script names "score.py"' in rankflow("run", "p.yaml", code=78).err
    write(rankflow, "def run(frame): return frame['a']\n")
    rankflow.write("p.yaml", PIPELINE.replace(sys.executable, "nopython"))
    assert 'p.yaml:5:3: step "score": python: program "nopython" is not in PATH' in rankflow("plan", "p.yaml", code=78).err
    rankflow.write("p.yaml", PIPELINE.replace("    entry_script: score.py\n", ""))
    assert "score needs a model or an entry_script" in rankflow("run", "p.yaml", code=78).err


def test_the_example_with_scikit_learn(rankflow):
    pytest.importorskip("sklearn")
    shutil.copytree(SOURCE / "configs/sklearn", rankflow.folder / "sklearn", ignore=shutil.ignore_patterns("__pycache__"))
    rankflow("run", "-n", "2", "sklearn/flights.yaml", "--set", f"python={sys.executable}", "--input",
             f"flights={SOURCE}/configs/data/flights-2001q1.csv.gz")
    frame = scores(rankflow)
    assert list(frame.columns) == ["row", "origin", "destination", "late", "probability"]
    assert len(frame) == 231083 and list(frame["row"]) == list(range(231083))
    flights = pd.read_csv(SOURCE / "configs/data/flights-2001q1.csv.gz")
    assert (frame["late"] == (flights["delay"] > 15)).mean() > 0.7
