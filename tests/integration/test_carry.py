"""Columns that prepare carries along: not learnt from, in the results with their own values, and what evaluate slices by."""
import json

import h5py
import numpy as np
import pandas as pd
import pytest
from support import BAD_DATA, CONFIGURATION

PIPELINE = """\
name: carried
inputs:
  orders: {path: orders.csv}
steps:
  data:
    type: prepare
    inputs: {data: "${{inputs.orders}}"}
    target: late
    carry: [cid, region, vip, price, when]
    filter: a != 3
    split: {train: 0.6, test: 0.4}
    rows_per_part: 300
  model:
    type: train
    inputs: {train: "${{steps.data.outputs.train}}"}
    model: {type: tabular, hidden: [8]}
    epochs: 2
  quality:
    type: evaluate
    inputs: {model: "${{steps.model.outputs.model}}", data: "${{steps.data.outputs.test}}"}
    slices: [region, vip, cid, price]
  scores:
    type: score
    inputs: {model: "${{steps.model.outputs.model}}", data: "${{steps.data.outputs.test}}"}
    formats: [csv, jsonl, hdf5, parquet]
    mini_batch_size: 64
    input_columns: [cid, region, vip, price, when, a]
"""


def orders(rows=2000):
    random = np.random.default_rng(5)
    frame = pd.DataFrame({
        "cid": random.integers(2**53, 2**60, rows),
        "region": random.choice(["Norður, \"N\"", "Süd", "west", None], rows),
        "vip": random.random(rows) < 0.3,
        "price": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows) * 1e6),
        "when": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}T00:00:{i % 60:02}" for i in range(rows)],
        "a": random.integers(0, 40, rows),
        "b": random.choice(["x", "y"], rows),
    })
    frame["late"] = (frame.a + random.integers(0, 20, rows) > 30).map({True: "yes", False: "no"})
    return frame


def write(flow, frame, text=PIPELINE):
    frame.to_csv(flow.folder / "orders.csv", index=False)
    flow.write("p.yaml", text)


def expected(flow, frame):
    """The rows of the table that the test split has."""
    with h5py.File(sorted(flow.artifact("data", "test")[0].glob("*.h5"))[0]) as first:
        assert first["region"].dtype.kind == "S" and first["cid"].dtype == np.int64 and first["vip"].dtype == np.uint8
    rows = np.concatenate([h5py.File(path)["row"][:] for path in sorted(flow.artifact("data", "test")[0].glob("*.h5"))])
    return frame.iloc[rows].reset_index(drop=True)


def test_carried_columns_come_out_as_they_went_in(rankflow):
    frame = orders()
    write(rankflow, frame)
    rankflow("run", "p.yaml", "-n", "2")
    assert "carried" not in (rankflow.artifact("model", "model")[0] / "model.json").read_text()
    true = expected(rankflow, frame)
    assert set(true.a) and 3 not in set(true.a)
    folder = rankflow.artifact("scores", "scores")[0]
    csv = pd.read_csv(folder / "scores.csv", dtype={"cid": np.int64, "region": str}, keep_default_na=False, na_values={"price": [""]})
    parquet = pd.read_parquet(folder / "scores.parquet")
    lines = pd.DataFrame([json.loads(line) for line in open(folder / "scores.jsonl")])
    with h5py.File(folder / "scores.h5") as file:
        hdf5 = pd.DataFrame({name: file[name][:] for name in ("cid", "region", "vip", "price", "when")})
    for text in ("region", "when"):
        hdf5[text] = hdf5[text].str.decode("utf-8")
    for made in (csv, parquet, lines, hdf5):
        assert made.cid.dtype == np.int64
        assert made.cid.tolist() == true.cid.tolist()
        assert made.region.tolist() == true.region.fillna("").tolist()
        assert made.when.tolist() == true.when.tolist()
        assert made.vip.astype(bool).tolist() == true.vip.tolist()
        np.testing.assert_array_equal(made.price.astype(float), true.price)
    assert parquet.vip.dtype == bool and parquet.price.dtype == np.float64
    np.testing.assert_allclose(csv.a, true.a, atol=1e-5)

    slices = pd.read_csv(rankflow.artifact("quality", "metrics")[0] / "slices.csv", keep_default_na=False)
    right = (csv.prediction == true.late)
    for column, names in (("region", true.region.fillna("(unknown)")), ("vip", true.vip.map({True: "true", False: "false"}))):
        mine = slices[slices.column == column].set_index("slice")
        wanted = right.groupby(names).agg(["size", "mean"])
        assert mine.rows.to_dict() == wanted["size"].to_dict()
        np.testing.assert_allclose(mine.accuracy.astype(float), wanted["mean"][mine.index])
    assert slices[slices.column == "cid"].rows.sum() == len(true)
    assert slices[(slices.column == "price") & (slices.slice == "(unknown)")].rows.tolist() == [true.price.isna().sum()]


def test_a_model_is_the_same_with_and_without_carried_columns(rankflow):
    listed = PIPELINE.replace("    filter:", "    features: {numeric: [a], categorical: [b]}\n    filter:")

    def weights(text):
        write(rankflow, orders(), text)
        rankflow("run", "p.yaml", "--only", "model")
        assert rankflow.statuses()["model"] == "done"
        files = {path.name: path.read_bytes() for path in rankflow.artifact("model", "model")[0].iterdir()}
        files.pop("model.json")  # lists the types of all columns that were read
        return files

    carried = weights(listed)
    assert carried and carried == weights(listed.replace("    carry: [cid, region, vip, price, when]\n", ""))


@pytest.mark.parametrize("change, said", [
    (("carry: [cid,", "carry: [row,"), "datasets have a column of their own for"),
    (("carry: [cid,", "carry: [cidd,"), "did you mean \"cid\"?"),
    (("slices: [region", "slices: [when"), "\"when\" has more than 1000 texts"),
    (("slices: [region", "slices: [regoin"), "did you mean \"region\"?"),
])
def test_mistakes_have_one_clear_message(rankflow, change, said):
    frame = orders(4000)
    frame["when"] = [f"day {i}" for i in range(len(frame))]
    write(rankflow, frame, PIPELINE.replace(*change))
    result = rankflow("run", "p.yaml", code=CONFIGURATION)
    assert said in result.out + result.err


def test_an_integer_without_a_value_is_refused_where_it_stands(rankflow):
    frame = orders(100)
    frame["cid"] = frame.cid.astype("Int64")
    frame.loc[41, "cid"] = None
    frame.loc[41, "a"] = 1
    write(rankflow, frame)
    result = rankflow("run", "p.yaml", "--only", "data", code=BAD_DATA)
    assert "orders.csv: row 42: column \"cid\" of `carry` has no value" in result.out + result.err


def test_images_carry_their_files_names(rankflow):
    from PIL import Image
    for i in range(40):
        path = rankflow.folder / f"images/{'ab'[i % 2]}/bïld {i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), i * 6, np.uint8)).save(path)
    rankflow.write("p.yaml", """\
name: images
inputs:
  images: images
steps:
  data:
    type: prepare
    inputs: {images: "${{inputs.images}}"}
    carry: file
    split: {train: 0.5, test: 0.5}
  model:
    type: train
    inputs: {train: "${{steps.data.outputs.train}}"}
    model: {type: mlp, hidden: [4]}
    epochs: 1
  scores:
    type: score
    inputs: {model: "${{steps.model.outputs.model}}", data: "${{steps.data.outputs.test}}"}
    input_columns: [file]
""")
    rankflow("run", "p.yaml", "-n", "2")
    scores = pd.read_csv(rankflow.artifact("scores", "scores")[0] / "scores.csv")
    files = pd.read_csv(rankflow.artifact("data", "test")[0] / "files.csv")
    assert scores[["row", "file"]].equals(files)
