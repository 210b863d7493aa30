"""Users' own Python code that fails while it scores: programs that end, say what is no text, or say too much."""
import json
import os

import pytest
from test_entry_script import scores, write

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize("script, says", [
    ("import os, sys\ndef run(frame): os.write(2, b'caf\\xe9\\n'); os._exit(3)", "ended with exit code 3; its last output:\n    caf\ufffd"),
    ("import os, sys\ndef run(frame): os.write(2, b'x' + '\u00fc'.encode() * 5000); os._exit(3)", "its last output:\n    \u00fc\u00fc"),
    ("import sys\ndef run(frame): sys.exit(4)", "ended with exit code 4"),
    ("def run(frame): raise ValueError('Gr\u00fc\u00dfe \\udc80')", "ValueError: Gr\u00fc\u00dfe ?"),
    ("def run(frame): raise ValueError('x' * 1000000)", " kB left out) "),
])
def test_programs_that_end_and_exceptions_of_any_text(rankflow, script, says):
    write(rankflow, script + "\n", "retry_settings: {max_retries: 0}")
    result = rankflow("run", "p.yaml", code=1)
    assert says in result.err + result.out, result.err


@pytest.mark.parametrize("script, says", [
    ("def init(): raise ValueError('no model')\ndef run(frame): return frame['a']", "ValueError: no model"),
    ("import sys\ndef init(): sys.exit(3)\ndef run(frame): return frame['a']", "ended with exit code 3"),
    ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
])
def test_what_fails_before_the_first_mini_batch_fails_the_step(rankflow, script, says):
    write(rankflow, "open('starts', 'a').write('x')\n" + script + "\n", "mini_batch_error_threshold: -1")
    result = rankflow("run", "p.yaml", code=1)
    assert says in result.err and "mini-batch" not in result.err, result.err
    assert (rankflow.folder / "starts").read_text() == "x"


def test_metrics_are_results_of_the_step(rankflow):
    write(rankflow, """\
from rankflow_step import context
def run(frame):
    context.metric("mean", frame["a"].mean(), frame["a"].iloc[0])
    context.metric("odd", float("nan") if frame["a"].iloc[0] else float("inf"))
    return frame["a"]
""")
    rankflow("run", "p.yaml")
    results = rankflow.metrics("score")
    assert results["mean"] == 94.5 and results["odd"] is None and results["rows"] == 100
    assert "mean 94.5" in rankflow("show").out
    lines = next(rankflow.store.glob("runs/*/metrics.jsonl")).read_text().splitlines()
    assert [json.loads(line)["value"] for line in lines if '"odd"' in line] == [None] * 10


def test_what_is_tolerated_is_the_same_on_any_number_of_ranks(rankflow):
    write(rankflow, "def run(frame):\n    assert frame['a'].iloc[0] % 30\n    return frame['a']\n", "mini_batch_error_threshold: -1",
          "retry_settings: {max_retries: 0}")
    digests = set()
    for ranks in (1, 2, 3):
        rankflow("run", "-n", ranks, "p.yaml", "--force", "score")
        digests.add(rankflow.artifact("score", "scores")[1])
    assert len(digests) == 1
    errors = pd.read_csv(rankflow.artifact("score", "scores")[0] / "errors.csv")
    assert list(errors.columns) == ["mini_batch", "first_row", "rows", "message"] and list(errors["mini_batch"]) == [0, 3, 6, 9]


def test_where_all_mini_batches_failed_the_files_have_the_columns_that_are_known(rankflow):
    write(rankflow, "def run(frame): raise ValueError\n", "mini_batch_error_threshold: -1", "input_columns: [name]",
          "retry_settings: {max_retries: 0}")
    rankflow("run", "-n", "2", "p.yaml")
    folder = rankflow.artifact("score", "scores")[0]
    assert (folder / "scores.csv").read_text() == "row,name\n"
    assert list(pd.read_parquet(folder / "scores.parquet").columns) == ["row", "name"]


def test_names_of_files_that_are_no_utf8(rankflow):
    write(rankflow, "def run(paths): return [1] * len(paths)\n")
    rankflow.write("texts/a.txt", "")
    os.rename(bytes(rankflow.folder / "texts/a.txt"), bytes(rankflow.folder / "texts") + b"/caf\xe9.txt")
    result = rankflow("run", "p.yaml", "--input", "data=texts", code=65)
    assert 'the name "caf\\xe9.txt" is no UTF-8' in result.err, result.err


# What a script does to the helper that started it, in its first mini-batch of all. The script's process is a child of the helper, which
# ends it when it ends itself.
TO_HELPER = """
import os, signal, time
def run(frame):
    try:
        os.close(os.open("{flag}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return frame["a"]
    os.kill(os.getppid(), signal.{signal})
    time.sleep(60)
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_without_the_helper_that_starts_programs_the_job_starts_again(rankflow, ranks):
    write(rankflow, TO_HELPER.format(flag=rankflow.folder / "flag", signal="SIGKILL"), "mini_batch_error_threshold: -1")
    result = rankflow("run", "-n", ranks, "--restarts", "0", "p.yaml", code=75)
    assert "helper process that starts programs for rank" in result.err + result.out, result
    os.remove(rankflow.folder / "flag")
    rankflow("run", "-n", ranks, "--restarts", "1", "p.yaml")
    assert rankflow.last_run()["attempts"] == 2


def test_a_helper_that_does_nothing_is_a_hang(rankflow):
    write(rankflow, TO_HELPER.format(flag=rankflow.folder / "flag", signal="SIGSTOP"))
    result = rankflow("run", "-n", "2", "--hang-limit", "8", "p.yaml", code=75)
    assert "helper process that starts programs for rank" in result.err + result.out, result
    rankflow("run", "-n", "2", "p.yaml")


CHANGES = """
import os
def run(frame):
    try:
        os.close(os.open("{flag}", os.O_CREAT | os.O_EXCL))
        with open("{file}", "a") as f: f.write("100,1,x\\n")
    except FileExistsError:
        pass
    return [1.0] * len(frame)
"""


@pytest.mark.parametrize("ranks, given", [(1, "rows.csv"), (2, "rows.csv"), (2, "texts")])
def test_what_was_made_of_an_input_that_changed_meanwhile_is_not_published(rankflow, ranks, given):
    for name in "abc":
        rankflow.write(f"texts/{name}.txt", name)
    changed = rankflow.folder / ("rows.csv" if given == "rows.csv" else "texts/b.txt")
    write(rankflow, CHANGES.format(flag=rankflow.folder / "flag", file=changed))
    before = changed.read_text()
    result = rankflow("run", "-n", ranks, "p.yaml", "--input", f"data={given}", code=65)
    assert f"{changed} changed while it was read" in result.err, result.err
    changed.write_text(before)
    rankflow("run", "-n", ranks, "p.yaml", "--input", f"data={given}")
    assert rankflow.statuses() == {"score": "done"} and len(scores(rankflow)) == (100 if given == "rows.csv" else 3)


def test_an_input_that_changed_after_the_run_was_planned(rankflow):
    write(rankflow, "def run(frame): return frame['a']\n", "after: [change]")
    with open(rankflow.folder / "p.yaml", "a") as f:
        f.write('  change: {type: command, command: [sh, -c, "echo 100,1,x >> rows.csv"]}\n')
    result = rankflow("run", "p.yaml", code=65)
    assert "rows.csv changed since the run was planned" in result.err, result.err
