"""Users' own Python code that fails while it scores: programs that end, say what is no text, or say too much."""
import os

import pytest
from test_entry_script import write

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


def test_without_the_helper_that_starts_programs_the_step_ends(rankflow):
    # The script's process is a child of the helper, which ends it when it ends itself.
    write(rankflow, "import os, signal, time\ndef run(frame):\n    os.kill(os.getppid(), signal.SIGKILL)\n    time.sleep(60)\n",
          "mini_batch_error_threshold: -1")
    result = rankflow("run", "-n", "1", "p.yaml", code=None)
    assert result.code != 0 and "helper process that starts programs" in result.err, result.err
