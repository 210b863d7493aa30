"""Users' own Python code that makes the rows of a table which prepare goes on with."""
import os
import signal
import sys

import pytest
from support import rank_processes, stop_halfway_and_go_on, tree_digest

pd = pytest.importorskip("pandas")
h5py = pytest.importorskip("h5py")

PIPELINE = f"""\
name: script
inputs:
  data: {{path: rows.csv}}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.data}}}}"}}
    entry_script: rows.py
    python: {sys.executable}
    mini_batch_size: 10
"""

ROWS = "a,b,name\n" + "".join(f"{i},{i / 4 if i % 7 else ''},n{i % 3}\n" for i in range(100))


def write(flow, script, *more):
    flow.write("rows.csv", ROWS)
    flow.write("rows.py", script)
    flow.write("p.yaml", PIPELINE + "".join(f"    {line}\n" for line in more))


def columns(flow):
    """{column: values} of the dataset's parts, whose names are sorted."""
    parts = {}
    for path in sorted(flow.artifact("data", "data")[0].glob("*.h5")):
        with h5py.File(path) as file:
            for name in file:
                parts.setdefault(name, []).extend(file[name][()].tolist())
    return parts


def test_rows_that_a_script_makes_are_prepared_like_any_others(rankflow):
    # Some rows go, each of the others becomes two, a column is new, another has gaps, and in the first mini-batch it has nothing else.
    write(rankflow, """
import numpy as np, pandas as pd, rankflow_step

def run(frame):
    frame = frame[frame["a"] % 5 != 0]
    twice = frame.loc[frame.index.repeat(2)].reset_index(drop=True)
    twice["half"] = np.where(twice["a"] < 10, None, twice["a"] / rankflow_step.context.parameters["by"])
    twice["kind"] = pd.Categorical(twice["name"].str.upper())
    return twice[["a", "b", "half", "kind"]]
""", "parameters: {by: 2}", "missing_values: mean", "target: a > 50")
    digests = set()
    for ranks in (1, 2, 3):
        rankflow("run", "-n", ranks, "p.yaml", "--force", "data")
        digests.add(rankflow.artifact("data", "data")[1])
    assert len(digests) == 1
    assert rankflow.metrics("data")["script_input_rows"] == 100 and rankflow.metrics("data")["rows_read"] == 160

    frame = pd.read_csv(rankflow.folder / "rows.csv")
    frame = frame[frame["a"] % 5 != 0]
    frame = frame.loc[frame.index.repeat(2)].reset_index(drop=True)
    frame["half"] = frame["a"].where(frame["a"] >= 10) / 2
    frame["kind"] = frame["name"].str.upper()
    frame[["a", "b", "half", "kind"]].to_csv(rankflow.folder / "made.csv", index=False)
    made = columns(rankflow)
    plain = PIPELINE.split("    entry_script")[0] + "    missing_values: mean\n    target: a > 50\n"
    rankflow.write("plain.yaml", plain)
    rankflow("run", "plain.yaml", "--input", "data=made.csv")
    assert columns(rankflow) == made
    assert len(made["row"]) == 160


def test_files_of_a_folder_become_rows(rankflow):
    write(rankflow, """
def run(paths):
    rows = []
    for path in paths:
        text = open(path).read()
        if text:
            rows.append({"length": len(text), "folder": path.split("/")[-2]})
    return rows
""", "features: {numeric: [length], categorical: [folder]}", "scaling: none")
    for i in range(25):
        rankflow.write(f"texts/{i % 4}/{i:02}.txt", "x" * i)
    rankflow("run", "-n", "2", "p.yaml", "--input", "data=texts")
    lengths = [length for (length,) in columns(rankflow)["features"]]
    assert sorted(lengths) == list(range(1, 25))  # the first file gave no row
    assert lengths == [i for folder in range(4) for i in range(25) if i % 4 == folder and i > 0]


def test_tables_in_a_folder_are_rows_where_keys_say_so(rankflow):
    write(rankflow, "def run(frame): return frame.assign(c=frame['a'] + 1)\n", 'files: "*.tsv"', "delimiter: ';'", "scaling: none",
          "features: {numeric: [a, c]}")
    for i in range(3):
        rankflow.write(f"tables/{i}.tsv", "a;b\n" + "".join(f"{i * 10 + k};0\n" for k in range(10)))
    rankflow("run", "-n", "2", "p.yaml", "--input", "data=tables")
    assert columns(rankflow)["features"] == [[i, i + 1] for i in range(30)]


def test_the_code_is_part_of_the_fingerprint(rankflow):
    write(rankflow, "import helper\ndef run(frame): return helper.f(frame)\n", "code: [helper.py]", "features: {numeric: [a]}", "scaling: none")
    rankflow.write("helper.py", "def f(frame): return frame[['a']] + 1\n")
    rankflow("run", "p.yaml")
    rankflow("run", "p.yaml")
    assert rankflow.statuses()["data"] == "reused"
    rankflow.write("helper.py", "def f(frame): return frame[['a']] + 2\n")
    rankflow("run", "p.yaml")
    assert rankflow.statuses()["data"] == "done" and columns(rankflow)["features"][0] == [2]


@pytest.mark.parametrize("script, says", [
    ("def run(frame):\n    if (frame['a'] == 42).any(): raise ValueError('no 42 please')\n    return frame",
     ["mini-batch 4 (rows 40 to 49, rank ", "failed 3 times", "ValueError: no 42 please", 'rows.py", line 2, in run']),
    ("def run(frame): return 7", ["run() gave int"]),
    ("def run(frame): return frame[frame['a'] < 0]", ["gave no rows for 100 of the input"]),
    ("def run(frame): return frame.rename(columns={'b': 'c'}) if frame['a'].iloc[0] == 50 else frame",
     ["the rows of mini-batch 5: column 2 is \"c\", but the rows of mini-batch 0 has", "the same columns"]),
    ("def run(frame): return frame.assign(a=frame['a'].astype(str) + 'x') if frame['a'].iloc[0] == 50 else frame",
     ['the rows of mini-batch 5: column "a" is text', "of the same types"]),
    ("import pandas as pd\ndef run(frame): return pd.DataFrame({'x': [[1, 2]] * len(frame)})", ["column 'x' of what run() gave holds list"]),
    ("import os\ndef run(frame): os._exit(3)", ["ended with exit code 3"]),
])
def test_what_goes_wrong_is_said_with_its_place(rankflow, script, says):
    write(rankflow, script + "\n")
    result = rankflow("run", "-n", "2", "p.yaml", code=None)
    assert result.code in (1, 65), result.err
    for part in says:
        assert part in result.err + result.out, result.err


def test_a_rank_that_is_killed_costs_no_row(rankflow):
    write(rankflow, """
import os, time
def run(frame):
    while frame["a"].iloc[0] >= 50 and os.path.exists("wait"):
        time.sleep(0.05)
    return frame[["a"]]
""", "features: {numeric: [a]}", "scaling: none")
    rankflow("run", "-n", "2", "p.yaml")
    whole = tree_digest(rankflow.artifact("data", "data")[0])
    wait = rankflow.write("wait", "")
    process = rankflow.start("run", "-n", "2", "p.yaml", "--json", "--force", "data")
    for line in process.stdout:
        if '"step_progress"' in line:
            break
    os.kill(rank_processes(rankflow)[1], signal.SIGKILL)
    wait.unlink()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert tree_digest(rankflow.artifact("data", "data")[0]) == whole


def test_an_interrupted_script_goes_on_with_what_is_missing(rankflow):
    write(rankflow, """
import os, time
def run(frame):
    while frame["a"].iloc[0] >= 50 and os.path.exists("wait"):
        open("half", "w").close()
        time.sleep(0.05)
    with open("calls", "a") as calls:
        calls.write(f"{frame['a'].iloc[0]}\\n")
    return frame
""", "missing_values: mean")
    stop_halfway_and_go_on(rankflow)
    calls = [int(line) for line in (rankflow.folder / "calls").read_text().split()]
    assert sorted(calls) == list(range(0, 100, 10)), "each mini-batch once"
    digest = rankflow.artifact("data", "data")[1]
    rankflow("run", "-n", "1", "p.yaml", "--force", "data")
    assert rankflow.artifact("data", "data")[1] == digest


def test_images_go_to_a_script_as_paths(rankflow):
    write(rankflow, "def run(paths): return paths\n")
    rankflow.write("images/a/1.png", "")
    rankflow.write("p.yaml", PIPELINE.replace("{data: ", "{images: "))
    assert "goes with the input `data`" in rankflow("run", "p.yaml", "--input", "data=images", code=78).err
