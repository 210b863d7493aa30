"""Inputs of several files: globs and lists, read by every step that reads a folder."""
import gzip
import json
import shutil
import sys

import h5py
import numpy
import pyarrow
import pytest
from support import BAD_DATA, CONFIGURATION, IO

PREPARE = """\
name: several
inputs:
  rows: {rows}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.rows}}}}"}}
    target: y
    task: regression
    scaling: none
"""


def table(rows, begin):
    """A table of `rows` rows whose column a counts on from `begin`."""
    return "a,y\n" + "".join(f"{begin + i},{(begin + i) % 3}.5\n" for i in range(rows))


@pytest.fixture
def files(rankflow):
    """Three months of files; their rows are 0 … 59 in the order of the paths."""
    for month, begin in (("2024-01", 0), ("2024-02", 20), ("2024-03", 40)):
        for part in (1, 2):
            path = rankflow.write(f"data/{month}/part-{part}.csv.gz", "")
            path.write_bytes(gzip.compress(table(10, begin + 10 * part - 10).encode()))
    rankflow.write("data/2024-01/notes.txt", "not a table")
    return rankflow


def rows_read(flow):
    """How many rows the newest run prepared."""
    folder, _ = flow.artifact("data", "data")
    return sum(h5py.File(part)["row"].shape[0] for part in sorted(folder.glob("*.h5")))


def values(flow):
    """Features and targets of the newest run, row by row: the mean in dataset.json may differ in the last bit where files differ."""
    parts = [h5py.File(part) for part in sorted(flow.artifact("data", "data")[0].glob("*.h5"))]
    return [(*row, y) for part in parts for row, y in zip(part["features"][:].tolist(), part["target"][:].tolist())]


def run(flow, rows, *options, **kinds):
    return flow("run", flow.write("several.yaml", PREPARE.format(rows=rows)), *options, **kinds)


def test_a_glob_gives_what_a_folder_of_these_files_gives(files):
    run(files, "'data/2024-*/part-*.csv.gz'", "-n", "2")
    glob = values(files)
    assert rows_read(files) == 60
    plain = files.write("plain.csv", "a,y\n" + table(60, 0).split("\n", 1)[1])
    run(files, plain)
    assert values(files) == glob
    run(files, "'data/2024-*/part-*.csv.gz'")
    assert files.statuses() == {"data": "reused"}
    assert "data/2024-*/part-*.csv.gz" in files("show").out and "6 paths" in files("show").out
    # Where the files lie and when they were written is nothing to the result; which they are is.
    shutil.copytree(files.folder / "data", files.folder / "moved")
    run(files, "'moved/2024-*/part-*.csv.gz'")
    assert files.statuses() == {"data": "reused"}
    files.write("moved/2024-04/part-1.csv.gz", "").write_bytes(gzip.compress(table(5, 60).encode()))
    assert "6 paths" in files("plan", "several.yaml", "--input", "rows=data/2024-*/part-*.csv.gz").out
    run(files, "'moved/2024-*/part-*.csv.gz'")
    assert files.statuses() == {"data": "done"} and rows_read(files) == 65


def test_a_list_keeps_its_order(files):
    run(files, "[data/2024-03, 'data/2024-01/*.gz', data/2024-01/part-1.csv.gz]", "-n", "2")
    listed = values(files)
    _, digest = files.artifact("data", "data")
    again = table(20, 40) + (table(20, 0) + table(10, 0)).replace("a,y\n", "")
    run(files, files.write("plain.csv", again))
    assert values(files) == listed
    run(files, "none.csv", "--input", "rows=[data/2024-03, data/2024-01/*.gz, data/2024-01/part-1.csv.gz]")
    assert files.statuses() == {"data": "reused"} and files.artifact("data", "data")[1] == digest
    run(files, "[data/2024-01, data/2024-03]")
    assert values(files) == [*listed[20:40], *listed[:20]]


def test_files_picks_within_a_glob(files):
    pipeline = PREPARE.format(rows="'data/*'") + "    files: '*/part-1.csv.gz'\n"
    files("run", files.write("several.yaml", pipeline))
    assert rows_read(files) == 30


def test_nothing_that_matches_is_said_before_anything_runs(files):
    for rows, code, words in ((["'data/2025-*/part-*.csv.gz'"], CONFIGURATION, ("data matches 2025-*/part-*.csv.gz", "several.yaml:3:3")),
                              (["'none/*.csv'"], CONFIGURATION, ("there is no folder", "none")),
                              (["[data/2024-01, gone.csv]"], IO, ("gone.csv", 'input "rows"'))):
        result = run(files, rows[0], code=code)
        assert all(word in result.err for word in words), result.err
    assert files.runs() == []


def test_an_error_names_the_file_as_the_user_does(files):
    broken = files.write("data/2024-02/part-3.csv.gz", "")
    broken.write_bytes(gzip.compress(b"a,y\n1,2,3\n"))
    result = run(files, "'data/2024-*/part-*.csv.gz'", code=BAD_DATA)
    assert f"{broken}: row 1 has 3 columns" in result.err, result.err


def test_copies_on_the_node_and_commands_see_the_same(files, tmp_path):
    for access in ("direct", "download"):
        run(files, "{path: [data/2024-03, 'data/2024-01/*.gz'], access: %s}" % access, "--force-all")
        digest = files.artifact("data", "data")[1]
        assert digest == files.artifact("data", "data")[1] and rows_read(files) == 40
    files("run", files.write("list.yaml", """\
name: list
inputs: {rows: [data/2024-02, data/2024-01/part-1.csv.gz]}
steps:
  list:
    type: command
    command: [sh, -c, "cd ${{inputs.rows}} && ls 1/ && ls 2/ > ${{outputs.names}}/names"]
    outputs: [names]
"""))
    assert (files.artifact("list", "names")[0] / "names").read_text() == "part-1.csv.gz\n"


def test_registered_by_reference_and_by_copy(files):
    made = json.loads(files("dataset", "register", "orders", "data/2024-*/part-*.csv.gz", "--json").out)
    assert (made["version"], made["files"]) == (1, 6)
    again = json.loads(files("dataset", "register", "orders", "data/2024-*/part-*.csv.gz", "--json").out)
    assert (again["version"], again["new"]) == (1, False)
    copied = json.loads(files("dataset", "register", "copied", "[data/2024-03, data/2024-01/part-1.csv.gz]", "--copy", "--json").out)
    assert copied["files"] == 3
    result = files("dataset", "register", "none", "data/*.parquet", code=CONFIGURATION)
    assert "*.parquet" in result.err and str(files.folder / "data") in result.err
    profile = json.loads(files("dataset", "profile", "orders", "--json").out)
    assert profile["rows"] == 60 and profile["columns"][0]["max"] == 59
    assert json.loads(files("dataset", "profile", "copied", "--json").out)["rows"] == 30
    run(files, "orders@latest")
    assert rows_read(files) == 60
    shutil.rmtree(files.folder / "data")
    run(files, "copied@latest")
    assert rows_read(files) == 30


def test_an_arrow_stream_is_read_as_the_file_format_is(rankflow):
    rows = pyarrow.table({"a": numpy.arange(3000), "y": numpy.arange(3000) % 7 / 2, "t": [f"k{i % 5}" for i in range(3000)]})
    digests = set()
    for name, open_writer in (("t.arrow", pyarrow.ipc.new_file), ("t.arrows", pyarrow.ipc.new_stream), ("s.arrow", pyarrow.ipc.new_stream)):
        with open_writer(str(rankflow.folder / name), rows.schema) as writer:
            writer.write_table(rows, max_chunksize=400)
        for ranks in (1, 2):
            run(rankflow, name, "-n", ranks, "--force-all")
            digests.add(rankflow.artifact("data", "data")[1])
    assert len(digests) == 1
    assert rows_read(rankflow) == 3000


SCRIPT = """\
import pandas

def run(paths):
    return pandas.DataFrame({"lines": [sum(1 for _ in open(path)) for path in paths]})
"""


def test_an_entry_script_gets_the_files_in_order(rankflow):
    for number, folder in enumerate(("b", "a"), 1):
        rankflow.write(f"{folder}/rows.txt", "x\n" * number)
    rankflow.write("count.py", SCRIPT)
    rankflow("run", rankflow.write("score.yaml", """\
name: several
inputs: {files: [b/rows.txt, a]}
steps:
  score:
    type: score
    inputs: {data: "${{inputs.files}}"}
    entry_script: count.py
    python: %s
    mini_batch_size: 1
    formats: [csv]
""" % sys.executable), "-n", "2")
    scores = (rankflow.artifact("score", "scores")[0] / "scores.csv").read_text()
    assert scores == "file,lines\n1/rows.txt,1\n2/rows.txt,2\n"


def test_folders_of_images_in_a_list_keep_their_labels(rankflow):
    from PIL import Image
    for year, label, value in (("2023", "cat", 1), ("2023", "dog", 2), ("2024", "cat", 3)):
        path = rankflow.folder / f"photos-{year}/{label}/1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(numpy.full((2, 2), value, "uint8")).save(path)
    for rows, labels, pixels in (("[photos-2024, photos-2023]", [0, 0, 1], [3, 1, 2]), ("'photos-2023/*'", [0, 1], [1, 2])):
        rankflow("run", rankflow.write("images.yaml", """\
name: images
inputs: {photos: %s}
steps:
  data: {type: prepare, inputs: {images: "${{inputs.photos}}"}}
""" % rows), "-n", "2")
        folder, _ = rankflow.artifact("data", "data")
        parts = [h5py.File(part) for part in sorted(folder.glob("*.h5"))]
        assert sum((part["target"][:].tolist() for part in parts), []) == labels
        assert sum((part["images"][:, 0, 0, 0].tolist() for part in parts), []) == pixels
        assert json.loads((folder / "dataset.json").read_text())["schema"]["classes"] == ["cat", "dog"]
    broken = rankflow.write("photos-2023/dog/1.png", "no image")
    assert f"{broken}" in rankflow("run", "images.yaml", "--input", "photos=[photos-2024, photos-2023]", code=BAD_DATA).err
