"""Preparing tables of any format on any number of ranks, in little memory."""
import gzip
import json
import os

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from control_group import ControlGroup
from support import SOURCE, tree_digest

FLIGHTS = SOURCE / "configs/data/flights-2001q1.csv.gz"

PIPELINE = """\
name: prepare
inputs:
  rows: {path: rows}
steps:
  prepare:
    type: prepare
    inputs: {data: "${{inputs.rows}}"}
    derive: {hour: date / 100 % 100, late: delay > 15}
    target: late
    features: {numeric: [distance], categorical: [origin, hour]}
    split: {train: 0.8, test: 0.2}
    KEYS
"""


def write_pipeline(flow, keys="seed: 1"):
    flow.write("p.yaml", PIPELINE.replace("KEYS", keys))


def outputs(flow):
    return {name: tree_digest(flow.artifact("prepare", name)[0]) for name in ("train", "test")}


@pytest.mark.parametrize("keys", [
    "rows_per_part: 10000",
    """transforms: [{type: drop_duplicates}, {type: standardise, columns: [distance]}]
    split_by: {type: stratified, column: late}""",
])
def test_the_bytes_do_not_depend_on_the_ranks(rankflow, keys):
    (rankflow.folder / "rows").mkdir()
    for i in range(3):
        (rankflow.folder / f"rows/{i}.csv").write_bytes(gzip.open(FLIGHTS).read())
    write_pipeline(rankflow, keys)
    first = None
    for ranks in (1, 2, 3, 4):
        rankflow.store = rankflow.folder / f"store{ranks}"
        rankflow.environment["RANKFLOW_STORE"] = str(rankflow.store)
        rankflow("run", "-n", ranks, "p.yaml")
        first = first or outputs(rankflow)
        assert outputs(rankflow) == first, f"{ranks} ranks"


def test_listed_classes_number_the_target(rankflow):
    rankflow.write("rows", "x,y\n1,low\n2,high\n3,low\n4,\n5,medium\n")
    rankflow.write("p.yaml", """\
name: classes
inputs: {rows: {path: rows}}
steps:
  prepare:
    type: prepare
    inputs: {data: "${{inputs.rows}}"}
    format: csv
    target: y
    classes: [low, medium, high, highest]
""")
    rankflow("run", "-n", "2", "p.yaml")
    folder = rankflow.artifact("prepare", "data")[0]
    with h5py.File(folder / "part-00000.h5") as part:
        assert list(part["target"]) == [0, 2, 0, 1]
    assert json.loads((folder / "dataset.json").read_text())["schema"]["classes"] == ["low", "medium", "high", "highest"]
    says = rankflow("run", "p.yaml", "--set", "prepare.classes=[low, high]", code=65).err
    assert 'rows: row 5: target "y" is "medium", a class that `classes` does not list' in says


def test_every_format_gives_the_same_dataset(rankflow):
    folder = rankflow.folder / "rows"
    folder.mkdir()
    text = gzip.open(FLIGHTS).read()
    convert = pa.csv.ConvertOptions(strings_can_be_null=True, column_types={"date": pa.int64()})
    table = pa.csv.read_csv(pa.BufferReader(text), convert_options=convert)
    rows = table.to_pylist()
    contents = {
        "f.csv": text,
        "f.csv.gz": FLIGHTS.read_bytes(),
        "f.csv.zst": pa.compress(text, codec="zstd", asbytes=True),
        "f.tsv": text.replace(b",", b"\t"),
        "f.jsonl": "\n".join(json.dumps({k: v for k, v in row.items() if v is not None}) for row in rows).encode(),
    }
    pa.parquet.write_table(table, rankflow.folder / "f.parquet", row_group_size=20000)
    pa.feather.write_feather(table, rankflow.folder / "f.arrow", chunksize=20000)
    contents |= {name: (rankflow.folder / name).read_bytes() for name in ("f.parquet", "f.arrow")}
    write_pipeline(rankflow)
    seen = {}
    for name, content in contents.items():
        for old in folder.iterdir():
            old.unlink()
        (folder / name).write_bytes(content)
        rankflow("run", "-n", 2, "p.yaml")
        data = rankflow.artifact("prepare", "train")[0]
        parts = [h5py.File(p) for p in sorted(data.glob("part-*.h5"))]
        seen[name] = {c: np.concatenate([p[c][:] for p in parts]) for c in ("features", "categories", "target", "row")}
    for name, columns in seen.items():
        for column, values in columns.items():
            # Pieces differ between formats, and with them the last bits of the mean.
            np.testing.assert_allclose(values, seen["f.csv"][column], rtol=1e-5, atol=1e-6, err_msg=f"{name}: {column}")


def test_a_table_larger_than_the_memory(rankflow, root):
    """Half a gigabyte of rows and more of parts in a group that may have 400 MB, page cache included."""
    (rankflow.folder / "rows").mkdir()
    head, _, rows = gzip.open(FLIGHTS).read().partition(b"\n")
    with open(rankflow.folder / "rows/large.csv", "wb") as out:
        out.write(head + b"\n")
        for _ in range(90):
            out.write(rows)
    write_pipeline(rankflow)
    try:
        group = ControlGroup(f"rankflow-prepare-{os.getpid()}", 400 << 20)
    except OSError as e:
        pytest.skip(f"no control group with a memory limit can be made: {e}")
    with group:
        rankflow("run", "-n", 2, "p.yaml", prefix=group.enter)
    assert sum(rankflow.metrics("prepare")["rows"].values()) > 20_000_000
