"""Values that users' own Python code gets and gives: types, and what is missing."""
import datetime
import decimal
import enum
import importlib.util
import json
import sys

import pytest
from support import SOURCE, stop_halfway_and_go_on
from test_entry_script import scores, write

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
h5py = pytest.importorskip("h5py")

# A row in each mini-batch but the first few lacks something.
ROWS = "a,n,flag,name,x\n" + "".join(
    f"{i},{i if i != 42 else ''},{'' if i == 55 else str(i % 2 == 1).lower()},{'' if i == 61 else f'n{i % 3}'},{i / 4 if i != 77 else ''}\n"
    for i in range(100))

# Each of ten mini-batches gives its columns in a type of its own.
SCRIPT = """
import numpy as np, pandas as pd

def run(frame):
    number = int(frame["a"].iloc[0]) // 10
    result = pd.DataFrame(index=frame.index)
    gap = frame["a"] % 7 == 0
    ints = frame["a"] if number == 0 else frame["a"].astype("Int64").mask(gap) if number % 2 else frame["a"].astype(object).mask(gap, None)
    result["ints"] = None if number == 3 else ints
    result["bools"] = pd.Series([None if a % 5 == 0 else a % 2 == 0 for a in frame["a"]], frame.index, object if number % 2 else "boolean")
    result["texts"] = None if number == 4 else frame["name"].str.upper().mask(gap)
    result["rare"] = "hot" if number == 6 else np.nan
    result["never"] = None
    result["mixed"] = frame["a"] * 100000 if number % 2 else frame["a"] / 2
    result["when"] = pd.NaT if number == 5 else pd.to_datetime(frame["a"], unit="D").astype(f"datetime64[{'s' if number % 2 else 'ns'}]")
    return result
"""


def expected():
    a = np.arange(100)
    gap = (a % 7 == 0) & (a >= 10)
    name = pd.Series([f"N{i % 3}" for i in a], dtype=object)
    return {
        "n": pd.Series(a, dtype="Int64").mask(a == 42),
        "flag": pd.Series(a % 2 == 1, dtype="boolean").mask(a == 55),
        "name": name.str.lower().mask(a == 61, None),
        "x": pd.Series(a / 4).mask(a == 77),
        "ints": pd.Series(a, dtype="Int64").mask(gap | (a // 10 == 3)),
        "bools": pd.Series(a % 2 == 0, dtype="boolean").mask(a % 5 == 0),
        "texts": name.mask((a % 7 == 0) | (a == 61) | (a // 10 == 4), None),
        "rare": pd.Series(np.where(a // 10 == 6, "hot", None)),
        "never": pd.Series(np.full(100, np.nan)),
        "mixed": pd.Series(np.where(a // 10 % 2, a * 100000.0, a / 2)),
        "when": pd.Series(pd.to_datetime(a, unit="D").strftime("%Y-%m-%d %H:%M:%S"), dtype=object).mask(a // 10 == 5, None),
    }


def rows_with_gaps(flow, *more):
    write(flow, SCRIPT, "input_columns: [n, flag, name, x]", *more)
    flow.write("rows.csv", ROWS)


def test_gaps_are_gaps_in_every_format_wherever_they_fall(rankflow):
    rows_with_gaps(rankflow)
    digests = set()
    for ranks in (1, 2, 3):
        rankflow("run", "-n", ranks, "p.yaml", "--force", "score")
        digests.add(rankflow.artifact("score", "scores")[1])
    assert len(digests) == 1
    folder = rankflow.artifact("score", "scores")[0]
    table = parquet.read_table(folder / "scores.parquet")
    frame = pd.read_csv(folder / "scores.csv")
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    assert len(table) == len(frame) == len(lines) == 100
    assert list(frame.columns) == table.column_names == list(lines[0]) == ["row", *expected()]
    kinds = {"n": "int64", "flag": "bool", "ints": "int64", "bools": "bool", "x": "double", "never": "double", "mixed": "double"}
    with h5py.File(folder / "scores.h5") as file:
        for name, values in expected().items():
            wanted = [None if pd.isna(v) else v for v in values]
            assert str(table.schema.field(name).type) == kinds.get(name, "string"), name
            assert table[name].to_pylist() == wanted, name
            assert [line[name] for line in lines] == wanted, name
            assert list(frame[name].isna()) == list(values.isna()), name
            if kinds.get(name):
                as_reals = [np.nan if v is None else float(v) for v in wanted]
                np.testing.assert_array_equal(file[name][()], as_reals, err_msg=name)
            else:
                assert list(file[name].asstr()) == ["" if v is None else v for v in wanted], name


def test_what_was_done_before_an_interruption_goes_with_the_rest(rankflow):
    rows_with_gaps(rankflow)
    rankflow("run", "p.yaml")
    digest = rankflow.artifact("score", "scores")[1]
    rankflow.write("score.py", "import os, time\n" + SCRIPT + """
whole = run
def run(frame):
    while frame["a"].iloc[0] >= 50 and os.path.exists("wait"):
        open("half", "w").close()
        time.sleep(0.05)
    return whole(frame)
""")
    stop_halfway_and_go_on(rankflow)
    assert rankflow.artifact("score", "scores")[1] == digest


def test_a_mini_batch_comes_in_the_types_of_the_whole_table(rankflow):
    write(rankflow, """
def run(frame):
    return [[*map(str, frame.dtypes), frame["n"].isna().sum(), frame["flag"].isna().sum()]] * len(frame)
""")
    rankflow.write("rows.csv", ROWS)
    rankflow("run", "-n", "2", "p.yaml")
    given = pd.read_csv(rankflow.artifact("score", "scores")[0] / "scores.csv")
    wanted = list(map(str, pd.read_csv(rankflow.folder / "rows.csv").dtypes))
    for column, dtype in enumerate(wanted):
        assert set(given[f"prediction_{column}"]) == {dtype}, f"column {column} in every mini-batch"
    assert given["prediction_5"].sum() == given["prediction_6"].sum() == 10


def test_long_integers_with_gaps_are_not_rounded(rankflow):
    write(rankflow, "import pandas as pd\ndef run(frame): return pd.Series([2**53 + 1, None] * (len(frame) // 2), dtype='Int64', name='id')\n")
    result = rankflow("run", "p.yaml", code=65)
    assert 'column "id" has missing values and the integer 9007199254740993' in result.err and "leave hdf5 out" in result.err
    rankflow("run", "p.yaml", "--set", "score.formats=[parquet]")
    table = parquet.read_table(rankflow.artifact("score", "scores")[0] / "scores.parquet")
    assert table["id"].to_pylist()[:2] == [2**53 + 1, None]


def test_gaps_in_rows_that_are_prepared(rankflow):
    rows_with_gaps(rankflow)
    rankflow.write("p.yaml", f"""\
name: prepare
inputs: {{data: {{path: rows.csv}}}}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.data}}}}"}}
    entry_script: score.py
    python: {sys.executable}
    mini_batch_size: 10
    features: {{numeric: [ints, bools, mixed], categorical: [texts, rare, when]}}
    missing_values: mean
    scaling: none
""")
    digests = set()
    for ranks in (1, 3):
        rankflow("run", "-n", ranks, "p.yaml", "--force", "data")
        digests.add(rankflow.artifact("data", "data")[1])
    assert len(digests) == 1
    folder = rankflow.artifact("data", "data")[0]
    about = json.loads((folder / "dataset.json").read_text())
    vocabularies = {c["name"]: c["vocabulary"] for c in about["schema"]["categories"]}
    assert vocabularies["rare"] == ["hot"] and vocabularies["texts"] == ["N0", "N1", "N2"] and len(vocabularies["when"]) == 90
    features = np.concatenate([h5py.File(path)["features"][()] for path in sorted(folder.glob("*.h5"))])
    wanted = expected()
    ints = wanted["ints"].astype(float)
    np.testing.assert_allclose(features[:, 0], ints.fillna(ints.mean()), rtol=1e-6)
    np.testing.assert_allclose(features[:, 2], wanted["mixed"], rtol=1e-6)


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("rankflow_step", SOURCE / "steps/rankflow_step.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def column_of(module, result):
    table = module._table(result)
    column = module._plain(table.column_names[0], table.column(0))
    return str(column.type), column.to_pylist()


class Colour(enum.Enum):
    red = 1


class Shade(str, enum.Enum):
    dark = "DARK"


class Level(enum.IntEnum):
    low = 3


@pytest.mark.parametrize("result, kind, values", [
    ([1, None], "int64", [1, None]),
    ([True, pd.NA], "bool", [True, None]),
    (["a", float("nan")], "string", ["a", None]),
    ([np.float32(1.5), 2], "double", [1.5, 2]),
    ([np.int64(1), 2.5], "double", [1, 2.5]),
    ([np.str_("a"), None], "string", ["a", None]),
    ([np.bool_(True), False], "bool", [True, False]),
    ([{"x": 1}, {}], "int64", [1, None]),
    ([[True], [None]], "bool", [True, None]),
    ([np.array([1.5]), np.array([2])], "double", [1.5, 2]),
    (np.array([1, 2], "int8"), "int64", [1, 2]),
    (np.array([1, None], object), "int64", [1, None]),
    (np.ma.array([1, 2], mask=[False, True]), "int64", [1, None]),
    (np.array(["2001-01-31T09:30:00", "NaT"], "datetime64[s]"), "string", ["2001-01-31 09:30:00", None]),
    (pd.Series([1, None], dtype="Int8"), "int64", [1, None]),
    (pd.Series(["a", None], dtype="string"), "string", ["a", None]),
    (pd.Series(pd.Categorical(["b", None, "b"])), "string", ["b", None, "b"]),
    (pd.Series(pd.Categorical([2, None])), "int64", [2, None]),
    (pd.Series(pd.Categorical([None, None])), "double", [None, None]),
    (pd.Series(pd.Categorical(pd.to_datetime(["2001-01-31", None]))), "string", ["2001-01-31 00:00:00", None]),
    (pd.array([True, None]), "bool", [True, None]),
    (pd.Series([1.5, 0], dtype="Sparse[float]"), "double", [1.5, 0]),
    ([datetime.date(2001, 1, 31), None], "string", ["2001-01-31", None]),
    ([datetime.time(9, 30), datetime.time(9, 30, 1, 500)], "string", ["09:30:00", "09:30:01.0005"]),
    ([datetime.datetime(2001, 1, 31, 9, 30, 0, 120000), pd.NaT], "string", ["2001-01-31 09:30:00.12", None]),
    (pd.Series(pd.to_datetime(["2001-01-31 10:00:10"]).tz_localize("UTC")), "string", ["2001-01-31 10:00:10Z"]),
    (pd.Series(pd.to_datetime(["2001-01-31 10:00:10.5"]).tz_localize("Europe/Berlin")), "string", ["2001-01-31 10:00:10.5+0100"]),
    ([decimal.Decimal("5.10"), None, decimal.Decimal("1e3")], "double", [5.1, None, 1000]),
    ([Shade.dark, Shade.dark], "string", ["DARK", "DARK"]),
    ([Level.low, None], "int64", [3, None]),
    (np.float16([1.5]), "float", [1.5]),
    ([None, None], "null", [None, None]),
])
def test_values_that_results_have(module, result, kind, values):
    given, column = column_of(module, result)
    assert given == kind
    assert [None if v is None or v != v else v for v in column] == values


def test_rows_of_different_lengths_are_refused(module):
    with pytest.raises(TypeError, match="rows of 1 to 2 values"):
        module._table([[1], [1, 2]])


@pytest.mark.parametrize("result, says", [
    ([Colour.red], "'prediction' of what run() gave: Could not convert <Colour.red: 1>"),
    ([b"x"], "holds binary (.decode() makes texts of them)"),
    ([datetime.timedelta(1)], "holds duration[us] (.dt.total_seconds()"),
    ([2**63], "too large"),
    (np.array([2**64 - 1], "uint64"), "18446744073709551615 not in range"),
    ([1, "a"], "Could not convert 'a'"),
    ([True, 2], "tried to convert to boolean"),
    (pd.DataFrame({"x": [[1]]}), "'x' of what run() gave holds list"),
    (pd.DataFrame({"x": [1j]}), "'x' of what run() gave"),
    (["\udc80"], "surrogates not allowed"),
    ([pd.Period("2001-01")], "Could not convert Period"),
])
def test_values_that_no_results_have(module, result, says):
    with pytest.raises(TypeError) as caught:
        column_of(module, result)
    assert says in str(caught.value) and "booleans, 64-bit integers, numbers, texts" in str(caught.value)
