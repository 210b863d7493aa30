"""Only new and changed files are prepared again: the rest is taken over from the earlier run, with the bytes that preparing all gives."""
import gzip
import re
import shutil

import numpy as np
import pytest
from PIL import Image

PIPELINE = """\
name: daily
inputs:
  first: first.csv
  rows: data/*.csv.gz
steps:
  learn:
    type: prepare
    inputs: {data: "${{inputs.first}}"}
    target: y
    derive: {b: a * 2}
  data:
    type: prepare
    inputs: {data: "${{inputs.rows}}", statistics: "${{steps.learn.outputs.data}}"}
    target: y
    filter: a != 3
    split: {train: 0.8, test: 0.2}
    rows_per_part: 500
"""


def table(seed, rows=400):
    return "a,c,y\n" + "".join(f"{(i * 37 + seed * 11) % 1000},k{(i + seed) % 7},{'yes' if (i * seed) % 3 else 'no'}\n" for i in range(rows))


@pytest.fixture
def flow(rankflow):
    rankflow.write("p.yaml", PIPELINE)
    rankflow.write("first.csv", table(1, 1000))
    for day in range(1, 6):
        put(rankflow, day, day)
    return rankflow


def put(flow, day, seed):
    flow.write(f"data/{day:02}.csv.gz", "").write_bytes(gzip.compress(table(seed).encode(), mtime=0))


def run(flow, *options):
    flow("run", "p.yaml", *options)
    return flow.metrics("data").get("files_taken_over"), [flow.artifact("data", split)[1] for split in ("train", "test")]


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_is_taken_over_is_said_and_has_the_same_bytes(flow, ranks):
    assert run(flow, "-n", ranks)[0] is None, "there is no earlier run"
    put(flow, 6, 6)
    put(flow, 2, 22)
    (flow.folder / "data/04.csv.gz").unlink()
    said, digests = run(flow, "-n", ranks)
    assert said == "3 of 5"
    assert "files_taken_over 3 of 5" in flow("show").out
    logs = "".join(path.read_text() for path in flow.store.glob("runs/*/logs/rank-*.log"))
    assert "files taken over from the earlier run: 3 of 5" in logs
    forced = run(flow, "-n", ranks, "--force", "data")
    assert forced == (None, digests), "--force prepares all of them"
    # Renamed files are in another order, and taken over all the same.
    (flow.folder / "data/01.csv.gz").rename(flow.folder / "data/99.csv.gz")
    said, renamed = run(flow, "-n", ranks)
    assert said == "5 of 5" and renamed != digests
    assert run(flow, "-n", ranks, "--force", "data")[1] == renamed


def test_a_damaged_earlier_dataset_is_not_taken_over(flow):
    run(flow)
    folder, _ = flow.artifact("data", "train")
    part = next(folder.glob("part-*.h5"))
    part.chmod(0o644)
    content = bytearray(part.read_bytes())
    content[-100] ^= 0xFF
    part.write_bytes(content)
    put(flow, 6, 6)
    said, digests = run(flow)
    assert said is None
    assert run(flow, "--force", "data")[1] == digests


def test_without_the_earlier_dataset_all_is_prepared(flow):
    run(flow)
    shutil.rmtree(flow.artifact("data", "test")[0].parent)
    put(flow, 6, 6)
    assert run(flow)[0] is None
    assert run(flow)[1]


def said_to_users(flow):
    out = flow("run", "p.yaml").out
    return re.search("files taken over from the earlier run: (.*)", out)[1]


def test_why_nothing_is_taken_over(flow):
    flow.write("p.yaml", PIPELINE.replace(', statistics: "${{steps.learn.outputs.data}}"', ""))
    run(flow)
    put(flow, 6, 6)
    assert said_to_users(flow).startswith("0 of 6: scaling, categories and classes are learnt from all rows")
    assert flow.metrics("data")["files_taken_over"] == "0 of 6"
    flow.write("p.yaml", PIPELINE + "    split_by: {type: stratified, column: c}\n")
    run(flow)
    put(flow, 6, 7)
    assert said_to_users(flow) == "0 of 6: `split_by` looks at all rows"


def test_unscaled_numbers_need_no_statistics(flow):
    flow.write("p.yaml", """\
name: plain
inputs: {rows: {path: data}}
steps:
  data:
    type: prepare
    inputs: {data: "${{inputs.rows}}"}
    features: {numeric: [a]}
    target: a * 2
    task: regression
    scaling: none
    split: {train: 0.8, test: 0.2}
""")
    assert run(flow)[0] is None
    put(flow, 3, 33)
    said, digests = run(flow, "-n", "2")
    assert said == "4 of 5"
    flow.store = flow.folder / "other"
    flow.environment["RANKFLOW_STORE"] = str(flow.store)
    assert run(flow) == (None, digests), "all files prepared from nothing"
    # The mean that it did not look for is not made up.
    (flow.folder / "later.yaml").write_text((flow.folder / "p.yaml").read_text() + """\
  again:
    type: prepare
    inputs: {data: "${{inputs.rows}}", statistics: "${{steps.data.outputs.train}}"}
    target: a * 2
    missing_values: mean
""")
    assert 'has no mean of "a"' in flow("run", "later.yaml", code=78).err


IMAGES = """\
name: pictures
inputs: {images: {path: images}}
steps:
  data:
    type: prepare
    inputs: {images: "${{inputs.images}}"}
    image: {height: 16, width: 16, channels: 3}
    split: {train: 0.8, test: 0.2}
"""


def put_image(flow, name, seed):
    path = flow.folder / "images" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 20 + seed % 3, 3), np.uint8)).save(path)


@pytest.mark.parametrize("ranks, more", [(1, ""), (2, "    split_by: {type: stratified, column: label}\n")], ids=["random", "stratified"])
def test_images_that_have_not_changed_are_taken_over(rankflow, ranks, more):
    rankflow.write("p.yaml", IMAGES + more)
    for i in range(30):
        put_image(rankflow, f"{'cat' if i % 3 else 'dog'}/{i:02}.{'jpg' if i % 2 else 'png'}", i)
    assert run(rankflow, "-n", ranks)[0] is None, "there is no earlier run"
    put_image(rankflow, "ape/0.png", 100)
    put_image(rankflow, "cat/10.png", 101)
    (rankflow.folder / "images/dog/03.jpg").rename(rankflow.folder / "images/cat/03.jpg")
    said, digests = run(rankflow, "-n", ranks)
    assert said == "29 of 31"
    assert run(rankflow, "-n", ranks, "--force", "data") == (None, digests), "--force decodes all of them"


def test_images_of_another_size_are_not_taken_over(rankflow):
    rankflow.write("p.yaml", IMAGES.replace("height: 16, width: 16, channels: 3", "most_damaged: 20"))
    for i in range(9):
        put_image(rankflow, f"cat/{i}.png", 3 * i)
    put_image(rankflow, "cat/a.png", 1)
    run(rankflow)
    put_image(rankflow, "cat/0.png", 4)  # all others are now of another size than the first, but for one
    assert said_to_users(rankflow) == "0 of 10: the first image has another size or other channels than in the earlier run"
    assert rankflow.metrics("data")["rows_dropped"] == {"damaged": 8}
