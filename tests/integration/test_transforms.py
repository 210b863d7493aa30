"""What preparing does to values, beside what people expect of it: in plain pipelines, with the numbers read by h5py."""
import json

import pytest

h5py = pytest.importorskip("h5py")
np = pytest.importorskip("numpy")

PIPELINE = """\
name: transforms
inputs: {rows: {path: FILE}, small: {path: small.csv}}
steps:
  prepare:
    type: prepare
    inputs: {data: "${{inputs.rows}}"MORE}
    scaling: none
KEYS
"""


def prepare(flow, table, keys, code=0, more="", file="rows.csv"):
    """Runs the pipeline; what it said on standard error."""
    if table is not None:
        flow.write(file, table)
    if not (flow.folder / "small.csv").exists():
        flow.write("small.csv", "k,w\n1,2\n")
    lines = "".join(f"    {line}\n" for line in keys.strip().split("\n"))
    flow.write("p.yaml", PIPELINE.replace("FILE", file).replace("MORE", more).replace("KEYS", lines))
    return flow("run", "-n", "2", "p.yaml", code=code).err


def read(flow, output="data", step="prepare"):
    """{column: values}; features and categories by name, the latter as texts."""
    folder = flow.artifact(step, output)[0]
    schema = json.loads((folder / "dataset.json").read_text())["schema"]
    columns = {}
    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as part:
            for i, feature in enumerate(schema.get("features", [])):
                columns.setdefault(feature["name"], []).extend(part["features"][:, i].tolist())
            for i, category in enumerate(schema.get("categories", [])):
                names = [None] + category["vocabulary"]
                columns.setdefault(category["name"], []).extend(names[c] for c in part["categories"][:, i])
            for name in ("row", "target"):
                if name in part:
                    columns.setdefault(name, []).extend(part[name][:].tolist())
    return columns


def numbers(n):
    return "x\n" + "".join(f"{i}\n" for i in range(n))


def test_a_sample_has_nothing_to_do_with_the_split_nor_with_another_sample(rankflow):
    prepare(rankflow, numbers(10_000), "transforms: [{type: sample, fraction: 0.2}]\nsplit: {train: 0.8, test: 0.2}")
    train, test = (len(read(rankflow, split)["x"]) for split in ("train", "test"))
    assert 1800 < train + test < 2200 and 0.75 < train / (train + test) < 0.85
    prepare(rankflow, None, "transforms: [{type: sample, fraction: 0.5}, {type: sample, fraction: 0.5}]")
    assert 2300 < len(read(rankflow)["x"]) < 2700


@pytest.mark.parametrize("keys, features", [
    ("transforms: [{type: derive, columns: {late: delay > 15}}]\ntarget: late", ["x"]),
    ("transforms: [{type: rename, columns: {delay: d}}]\ntarget: d > 15", ["x"]),
    ("derive: {kind: \"if(delay > 15, 'late', 'ok')\"}\ntransforms: [{type: one_hot, columns: [kind]}]\ntarget: delay > 15", ["x"]),
    ("transforms: [{type: clip, columns: [x], max: 3}, {type: derive, columns: {y: x * 2}}]\ntarget: delay > 15", ["x", "y"]),
])
def test_what_gives_the_target_away_is_no_feature(rankflow, keys, features):
    prepare(rankflow, "x,delay\n1,3\n2,30\n3,20\n4,0\n", keys)
    assert [c for c in read(rankflow) if c not in ("row", "target")] == features
    assert read(rankflow)["target"] == [0, 1, 1, 0]


def test_nan_is_a_missing_value(rankflow):
    with h5py.File(rankflow.folder / "rows.h5", "w") as file:
        file["x"], file["y"] = np.array([10, np.nan, 30]), np.array([1.0, 2.0, 3.0])
    keys = "missing_values: mean\nderive: {big: 'max(x, 0)', q: 'if(x > 15, 1, 0)', l: log(y - 2.5)}\n"
    prepare(rankflow, None, keys + """\
transforms: [{type: clip, columns: [x], max: 20}, {type: derive, columns: {b: x}}, {type: bucket, columns: [b], at: [15]}]
target: x > 15
features: {numeric: [big, q, l], categorical: [b]}""", file="rows.h5")
    assert read(rankflow)["target"] == [0, 1], "the row without a value for the target is left out"
    prepare(rankflow, None, keys + """\
transforms: [{type: clip, columns: [x], max: 20}, {type: derive, columns: {b: x + 0}}, {type: bucket, columns: [b], at: [15]}]
features: {numeric: [x, big, q, l], categorical: [b]}""", file="rows.h5")
    assert read(rankflow) == {"x": [10, 15, 20], "big": [10, 20, 30], "q": [0, 0.5, 1], "b": ["0", None, "1"],
                              "l": pytest.approx([np.log(0.5)] * 3), "row": [0, 1, 2]}


def test_small_strata_are_divided_by_the_fractions(rankflow):
    table = "x,c\n" + "".join(f"{i},{'abc'[i // 50] if i < 150 else 'rare'}\n" for i in range(160))
    prepare(rankflow, table, "split: {train: 0.8, test: 0.2}\nsplit_by: {type: stratified, column: c}\nseed: 3")
    values, counts = np.unique(read(rankflow, "test")["c"], return_counts=True)
    assert dict(zip(values, counts)) == {"a": 10, "b": 10, "c": 10, "rare": 2}


def test_times_are_compared_as_such(rankflow):
    prepare(rankflow, "d,x\n2024-05-01T14:00:00,1\n2024-06-01T10:00:00,2\n2024-06-01T14:00:00,3\n",
            "features: {numeric: [x]}\nsplit: {train: 0.5, test: 0.5}\nsplit_by: {type: time, column: d, at: ['2024-06-01 12:00:00']}")
    assert read(rankflow, "train")["x"] == [1, 2]
    rows = ["2024-06-01T12:30:00+02:00", "2024-06-01 11:59:59.75", "2024-06-01T12:00:00.000Z", "2024-06-01T08:00:00.5-0400"]
    table = "d,x\n" + "".join(f"{time},{x}\n" for x, time in enumerate(rows))
    split = "features: {numeric: [x]}\nsplit: {train: 0.5, test: 0.5}\nsplit_by: {type: time, column: d, at: ['2024-06-01T14:00:00+02:00']}"
    prepare(rankflow, table, split)
    assert (read(rankflow, "train")["x"], read(rankflow, "test")["x"]) == ([0, 1], [2, 3])
    wrong = split.replace("['2024-06-01T14:00:00+02:00']", "['2024-06-01T13:00:00Z', '2024-06-01T14:00:00+02:00']")
    says = prepare(rankflow, table, wrong.replace("train: 0.5", "train: 0.3, validation: 0.2"), code=78)
    assert "`split_by.at` has to ascend" in says


def test_joined_tables_have_keys_of_one_type(rankflow):
    rankflow.write("small.csv", "zip,w\n01234,5\n99999,7\n")
    more = ', join: "${{inputs.small}}"'
    keys = "transforms: [{type: join, 'on': [zip]}]\nfeatures: {numeric: [w], categorical: [zip]}\nschema: {zip: text}"
    prepare(rankflow, "zip,v\n01234,1\n99999,2\n", keys, more=more)
    assert read(rankflow)["w"] == [5, 7]
    says = prepare(rankflow, "zip,v\nA1,1\n99999,2\n", keys.replace("schema: {zip: text}", ""), code=65, more=more)
    assert 'column "zip" is text, but integer in the table that is joined' in says and "schema: {zip: text}" in says


def test_wide_and_fine_transforms(rankflow):
    names = [f"c{i}" for i in range(300)]
    prepare(rankflow, ",".join(names) + "\n" + ",".join("1" * 300) + "\n" + ",".join(["", *"1" * 299]) + "\n",
            f"transforms: [{{type: drop_missing, columns: [{', '.join(names)}]}}]")
    assert len(read(rankflow)["row"]) == 1
    prepare(rankflow, numbers(4000), "transforms: [{type: bucket, columns: [x], buckets: 1000}]")
    assert np.bincount(np.array(read(rankflow)["x"], dtype=int), minlength=1000).tolist() == pytest.approx([4] * 1000, abs=3)


@pytest.mark.parametrize("table, keys, expected", [
    ("k,x\n0.0,1\n-0.0,2\n1.5,3\n", "transforms: [{type: drop_duplicates, columns: [k]}]", {"k": [0, 1.5]}),
    ("b,x\ntrue,1\nunknown,2\nfalse,3\n", "transforms: [{type: filter, where: b != 'unknown'}, {type: cast, columns: {b: boolean}}]",
     {"b": [1, 0]}),
    ("b,x\ntrue,1\nfalse,3\n", "transforms: [{type: standardise, columns: [b]}]", {"b": [1, -1]}),
    ("b,x\ntrue,1\n,2\nfalse,3\n", "transforms: [{type: fill, columns: [b], with: mean}]", {"b": [1, 0.5, 0]}),
    ("b,x\ntrue,1\nfalse,3\n", "transforms: [{type: clip, columns: [b], max: 0.5}, {type: bucket, columns: [x], at: [2]}]",
     {"b": [0.5, 0], "x": [0, 1]}),
    ("c,x\na,1\nb,3\n", "transforms: [{type: one_hot, columns: [c]}, {type: standardise, columns: ['c=a']}]", {"c=a": [1, -1]}),
    ("ns,x\n1717200000123456789,1\n1717200001123456789,2\n",
     "derive: {s: ns / 1e9}\ntransforms: [{type: standardise, columns: [ns]}]", {"ns": [-1, 1], "s": [1717200000, 1717200001]}),
    ("a,b,x\n1,2,3\n", "transforms: [{type: rename, columns: {a: b, b: a}}]", {"a": [2], "b": [1]}),
    ("t,x\n,1\n,2\n", "transforms: [{type: fill, columns: [t], value: none}]", {"t": ["none", "none"]}),
    ("x\n1.5\n2\n\n30\n400\n".replace("\n\n", "\nNA\n"), "transforms: [{type: fill, columns: [x], with: median}]", {"x": [1.5, 2, 16, 30, 400]}),
])
def test_values(rankflow, table, keys, expected):
    prepare(rankflow, table, keys)
    got = read(rankflow)
    for column, values in expected.items():
        assert got[column] == (values if isinstance(values[0], str) else pytest.approx(values, rel=1e-6)), column


@pytest.mark.parametrize("table, keys, code, says", [
    ("d,d_year\n2024-01-01,7\n", "transforms: [{type: date_parts, column: d, parts: [year]}]", 78, 'there is a column "d_year" already'),
    ("k,x\ninf,1\n2,2\n", "transforms: [{type: standardise, columns: [k]}]", 65, 'column "k" has infinite values'),
    ("k,x\ninf,1\ninf,2\n,3\n", "transforms: [{type: fill, columns: [k], with: most_frequent}]", 65, 'most frequent value of column "k" is inf'),
    ("k,x\ninf,1\n1.5,2\n", "target: k\nfeatures: {numeric: [x]}", 65, 'rows.csv: row 1: target "k" is infinite'),
    ("b,x\ntrue,1\nmaybe,2\n", "transforms: [{type: cast, columns: {b: boolean}}]", 65, 'row 2: column "b": "maybe" is neither true nor false'),
    ("x\n1\n", "split: {train: 0.6, test: 0.4}\nsplit_by: {type: time, column: x, at: [true]}", 78, "neither a number nor a text"),
])
def test_what_is_refused(rankflow, table, keys, code, says):
    assert says in prepare(rankflow, table, keys, code=code)


SERVE = """\
  new:
    type: prepare
    inputs: {data: "${{inputs.small}}", statistics: "${{steps.prepare.outputs.data}}"MORE}
"""


def serve(flow, table, keys, rows, more="", code=0):
    """Learns from `table`, then prepares `rows` like it."""
    flow.write("small.csv", rows)
    flow.write("rows.csv", table)
    lines = "".join(f"    {line}\n" for line in keys.strip().split("\n"))
    more = "".join(f"    {line}\n" for line in more.strip().split("\n") if line)
    flow.write("p.yaml", (PIPELINE.replace("MORE", "").replace("FILE", "rows.csv").replace("KEYS\n", lines) + SERVE.replace("MORE", "") + more))
    return flow("run", "-n", "2", "p.yaml", code=code).err


ZIPS = "zip,price,y\n01234,10.5,a\n04321,20,b\n99999,30,a\nA1,40,b\n"


@pytest.mark.parametrize("keys", ["target: y\nschema: {zip: text}", "target: y"])
def test_rows_are_read_like_those_learnt_from(rankflow, keys):
    """Whatever other rows are in their file: types are the dataset's, not guessed again."""
    derive = keys + "\nderive: {share: price / 100}"
    serve(rankflow, ZIPS, derive, ZIPS.replace("A1,40,b\n", "").replace("10.5", "10"))
    got = read(rankflow, step="new")
    assert got["zip"] == ["01234", "04321", "99999"]
    assert got["share"] == pytest.approx([0.1, 0.2, 0.3], rel=1e-6)
    serve(rankflow, ZIPS, derive, "zip,price,y\n04321,20,b\n")
    assert read(rankflow, step="new")["zip"] == ["04321"]


@pytest.mark.parametrize("trained, served, expected", [
    ("True False", "1 0 1", ["true", "false", "true"]),
    ("1 0", "True False", ["1", "0"]),
    ("007 008", "8 007", ["8", "7"]),
    ("True False", "1 ? 0", '"?" is no boolean'),
    ("007 008", "007 ?", '"?" is no integer'),
    ("1.50 2.50", "1.50 ?", '"?" is no number'),
])
def test_a_column_whose_values_look_like_another_types(rankflow, trained, served, expected):
    table = "c,x\n" + "".join(f"{c},1\n" for c in trained.split() * 2)
    rows = "c,x\n" + "".join(f"{c},1\n" for c in served.split())
    says = serve(rankflow, table, "features: {categorical: [c]}", rows, code=65 if isinstance(expected, str) else 0)
    if isinstance(expected, str):
        assert f'small.csv: row 2: column "c": {expected}' in says and 'missing: ["?"]' in says
        serve(rankflow, table, "features: {categorical: [c]}", rows, more="missing: ['?']")
        assert read(rankflow, step="new")["c"].count(None) == 1
        expected = "was prepared from it as"
        assert expected in serve(rankflow, table, "features: {categorical: [c]}", rows, more="schema: {c: text}", code=78)
    else:
        assert read(rankflow, step="new")["c"] == expected


def test_missing_texts_of_the_rows_learnt_from(rankflow):
    keys = "missing: ['-999']\nmissing_values: mean"
    serve(rankflow, "x\n1\n\n-999\n3\n", keys, "x\n2\n-999\n?\n", more="missing: ['?']\nmissing_values: mean")
    assert read(rankflow, step="new")["x"] == [2, 2, 2]
    assert "NA" in serve(rankflow, "x\n1\n3\n-999\n", keys, "x\nNA\n", code=65)


@pytest.mark.parametrize("keys", [
    "transforms: [{type: fill, columns: [c], value: none}]",
    "transforms: [{type: fill, columns: [c], with: most_frequent}]",
    "derive: {a: c == 'a', low: lower(c)}",
])
def test_a_row_with_nothing_in_a_text_column(rankflow, keys):
    for row in (",1", "7,1"):
        serve(rankflow, "c,x\na,1\na,2\nb,3\n", keys, f"c,x\n{row}\n", more="missing_values: mean")
        assert read(rankflow, step="new")["x"] == [1]


@pytest.mark.parametrize("keys", [
    "derive: {late: delay > 15}\ntarget: late",
    "transforms: [{type: drop_missing, columns: [delay]}]\ntarget: delay > 15",
    "transforms: [{type: rename, columns: {delay: d}}, {type: filter, where: d < 100}]\ntarget: d > 15",
])
def test_rows_without_a_target_are_prepared_for_scoring(rankflow, keys):
    table = "x,delay\n1,3\n2,30\n3,20\n4,\n5,200\n"
    serve(rankflow, table, keys, "x\n2\n1\n")
    assert read(rankflow, step="new") == {"x": [2, 1], "row": [0, 1]}
    says = serve(rankflow, table, keys, "y\n2\n1\n", code=78)
    assert 'there is no column "x"' in says and "the feature" in says
    says = serve(rankflow, table, keys, "x\n2\n1\n", more="target: delay > 15", code=78)
    assert "delay" in says


def test_splits_of_rows_that_nothing_is_learnt_from_have_any_names(rankflow):
    serve(rankflow, "x\n1\n2\n3\n", "seed: 1", numbers(100), more="split: {a: 0.5, b: 0.5}")
    assert len(read(rankflow, "a", step="new")["x"]) + len(read(rankflow, "b", step="new")["x"]) == 100


def test_scaling_is_that_of_the_statistics(rankflow):
    serve(rankflow, "x\n1\n3\n", "min_count: 1", "x\n5\n", more="scaling: none\nmin_count: 1")
    assert read(rankflow, step="new")["x"] == [5]
    says = serve(rankflow, "x\n1\n3\n", "min_count: 1", "x\n5\n", more="scaling: minmax", code=78)
    assert '`scaling` is "minmax", but the dataset given as `statistics` was prepared with "none"' in says


def test_columns_that_a_table_cannot_hold_are_named(rankflow):
    said = prepare(rankflow, '{"a": {"x": 1}, "b": [1, 2], "c": 1}\n', "seed: 1", file="rows.jsonl")
    assert read(rankflow) == {"c": [1], "row": [0]}
    record = rankflow("run", "-n", "1", "p.yaml", "--force", "prepare").out
    for column, kind in (("a", "struct"), ("b", "list")):
        assert f'column "{column}" holds values of type {kind}' in said + record and "is left out" in record
