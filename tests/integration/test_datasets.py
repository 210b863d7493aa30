"""Registered datasets: names and versions, references in pipelines, profiles, differences; datastores."""
import collections
import csv
import gzip
import json
import math

import numpy
import pytest
from support import BAD_DATA, CONFIGURATION, IO, SOURCE, USAGE, temporaries

FLIGHTS = SOURCE / "configs/data/flights-2001q1.csv.gz"

COUNT = """\
name: count
inputs:
  rows: {dataset: rows@latest}
steps:
  count:
    type: command
    command: [sort, --output, "${{outputs.sorted}}/rows", "${{inputs.rows}}"]
    outputs: [sorted]
"""


def register(rankflow, name, path, *options):
    return json.loads(rankflow("dataset", "register", name, path, "--json", *options).out)


def test_versions_by_reference_and_by_copy(rankflow):
    path = rankflow.write("rows.csv", "a\n1\n")
    first = register(rankflow, "rows", path, "--tag", "owner=ann", "--description", "a few rows")
    assert (first["version"], first["new"], first["path"]) == (1, True, str(path))
    again = register(rankflow, "rows", path, "--tag", "owner=bob")
    assert (again["version"], again["new"], again["tags"]) == (1, False, {"owner": "bob"})
    copied = register(rankflow, "rows", path, "--copy")
    assert (copied["version"], copied["content"]) == (2, first["content"])
    path.write_text("a\n2\n")
    assert register(rankflow, "rows", path)["version"] == 3
    shown = json.loads(rankflow("dataset", "show", "rows:2", "--json").out)
    assert open(shown["place"]).read() == "a\n1\n"
    assert [v["version"] for v in json.loads(rankflow("dataset", "list", "rows", "--json").out)] == [3, 2, 1]
    assert "rows" in rankflow("dataset", "list").out
    assert "rows:1 → rows:3" in rankflow("dataset", "diff", "rows:1", "rows:3").out
    assert not temporaries(rankflow.store)


def test_an_output_brings_its_lineage(rankflow):
    path = rankflow.write("rows.csv", "b\na\n")
    register(rankflow, "rows", path)
    rankflow("run", rankflow.write("count.yaml", COUNT))
    run = rankflow.last_run()
    made = register(rankflow, "sorted", "latest", "count.sorted")
    assert (made["lineage"]["run"], made["lineage"]["step"], made["lineage"]["output"]) == (run["run"], "count", "sorted")
    folder, digest = rankflow.artifact("count", "sorted")
    assert not register(rankflow, "sorted", digest)["new"]
    assert not register(rankflow, "sorted", folder)["new"]
    assert f"count.sorted of run {run['run']}" in rankflow("dataset", "show", "sorted").out
    rankflow("dataset", "register", "sorted", "latest", "count.sortd", code=USAGE)
    rankflow("dataset", "register", "sorted", "0" * 64, code=CONFIGURATION)


def test_pipelines_name_versions(rankflow):
    path = rankflow.write("rows.csv", "b\na\n")
    register(rankflow, "rows", path, "--copy")
    pipeline = rankflow.write("count.yaml", COUNT)
    rankflow("run", pipeline)
    assert rankflow.last_run()["inputs"]["rows"]["dataset"] == "rows:1"
    assert "rows:1" in rankflow("show").out

    # The same bytes under another name and place: nothing to do.
    register(rankflow, "other", path)
    rankflow("run", pipeline, "--input", "rows=dataset:other")
    assert rankflow.statuses() == {"count": "reused"}

    path.write_text("d\nc\n")
    register(rankflow, "rows", path)
    assert "dataset rows:2" in rankflow("plan", pipeline).out
    assert "${{inputs.rows}} (dataset rows:1) → ${{inputs.rows}} (dataset rows:2)" in rankflow("why", pipeline, "count").out
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"count": "done"}
    assert (rankflow.artifact("count", "sorted")[0] / "rows").read_text() == "c\nd\n"
    rankflow("run", pipeline, "--input", "rows=rows:1")
    assert rankflow.statuses() == {"count": "reused"}

    # What was registered by reference must still be what it was.
    path.write_text("e\n")
    said = rankflow("run", pipeline, code=BAD_DATA).err
    assert str(path) in said and "rows:2" in said
    assert "has no version 9; it has 1 to 2" in rankflow("run", pipeline, "--input", "rows=rows:9", code=CONFIGURATION).err
    assert 'did you mean "rows"' in rankflow("run", pipeline, "--input", "rows=dataset:rowz", code=CONFIGURATION).err


def test_many_processes_register_one_name(rankflow):
    files = [rankflow.write(f"{i}.csv", f"a\n{i}\n") for i in range(16)]
    running = [rankflow.start("dataset", "register", "race", f) for f in files + files[:1] * 4]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    versions = json.loads(rankflow("dataset", "list", "race", "--json").out)
    # The first file may come back after another took its place as the newest.
    assert {v["path"] for v in versions} == {str(f) for f in files}
    assert [v["version"] for v in versions] == list(range(len(versions), 0, -1))


@pytest.mark.parametrize("name", ["..", "a/b", "a:1", "a b", "x" * 10_000, ".hidden"])
def test_bad_names_are_refused(rankflow, name):
    rankflow("dataset", "register", name, rankflow.write("rows.csv", "a\n1\n"), code=CONFIGURATION)
    assert not (rankflow.store / "datasets").exists()


def test_what_can_not_be_registered(rankflow):
    rankflow("dataset", "register", "d", "missing.csv", code=IO)
    (rankflow.folder / "empty").mkdir()
    rankflow("dataset", "register", "d", "empty", code=BAD_DATA)
    (rankflow.folder / "links").mkdir()
    (rankflow.folder / "links" / "out").symlink_to("/etc/passwd")
    rankflow("dataset", "register", "d", "links", "--copy", code=BAD_DATA)
    for url in ("ftp://host/x", "https://host/x", "s3://bucket", "s3://me:secret@bucket/x"):
        rankflow("dataset", "register", "d", url, code=CONFIGURATION)
    rankflow("dataset", "register", "d", "https://host/x", "--sha256", "abc", code=CONFIGURATION)
    rankflow("dataset", "register", "d", rankflow.write("rows.csv", "a\n1\n"), "--sha256", "0" * 64, code=USAGE)
    assert not (rankflow.store / "datasets/d").exists()
    assert not temporaries(rankflow.store)


def check_against_numpy(column, texts):
    assert column["count"] == len(texts) and column["missing"] == 0
    counts = collections.Counter(texts)
    if column["distinct_exact"]:
        assert column["distinct"] == len(counts)
    else:
        assert abs(column["distinct"] / len(counts) - 1) < 0.1
    if column["type"] == "text":
        expected = sorted(counts.items(), key=lambda v: (-v[1], v[0]))[:20]
        assert [(v["value"], v["count"]) for v in column["top"]] == expected
        return
    values = numpy.array(texts, dtype=float)
    for key in ("min", "max", "mean", "std"):
        assert math.isclose(column[key], getattr(values, key)(), rel_tol=1e-9), key
    for q, value in column["quantiles"].items():
        assert math.isclose(value, numpy.quantile(values, float(q)), rel_tol=1e-3, abs_tol=1e-9), q
    counted, edges = numpy.histogram(values, bins=20)
    assert numpy.allclose(column["histogram"]["edges"], edges)
    assert sum(column["histogram"]["counts"]) == len(values)
    assert numpy.abs(numpy.array(column["histogram"]["counts"]) - counted).max() <= 1e-2 * len(values)


def test_a_profile_says_what_numpy_says(rankflow):
    register(rankflow, "flights", FLIGHTS)
    profiles = []
    for ranks in (1, 3):
        profile = json.loads(rankflow("dataset", "profile", "flights", "--json", "-n", ranks).out)
        profiles.append(rankflow.artifact("profile", "profile")[1])
        for run in rankflow.store.glob("actions/*/*.json"):
            run.unlink()  # so that the next one is made again
    assert profiles[0] == profiles[1], "the same bytes on any number of ranks"
    with gzip.open(FLIGHTS, "rt") as lines:
        names, *rows = csv.reader(lines)
    assert profile["rows"] == len(rows)
    assert [c["name"] for c in profile["columns"]] == names
    for column, texts in zip(profile["columns"], zip(*rows)):
        check_against_numpy(column, texts)


def test_profiles_are_kept_shown_and_compared(rankflow):
    with gzip.open(FLIGHTS, "rt") as lines:
        head = [next(lines) for _ in range(2000)]
    first = rankflow.write("a/flights.csv", "".join(head))
    register(rankflow, "flights", first)
    shown = rankflow("dataset", "profile", "flights", "--html", "profile.html").out
    assert "1,999 rows" in shown and "█" in shown
    page = (rankflow.folder / "profile.html").read_text()
    assert "<svg" in page and "<script" not in page and "http" not in page
    runs = len(rankflow.runs())
    assert rankflow("dataset", "profile", "flights").out == shown
    assert len(rankflow.runs()) == runs, "nothing ran"
    assert json.loads(rankflow("dataset", "list", "--json").out)[0]["newest"]["rows"] == 1999
    said = rankflow("dataset", "profile", "flights", "--option", "hedaer=false", code=CONFIGURATION).err
    assert 'did you mean "header"' in said
    assert rankflow("dataset", "profile", "flights").out == shown, "a wrong setting is not remembered"
    second = rankflow.write("b/flights.csv", "".join(head[:1000]))
    register(rankflow, "flights", second)
    rankflow("dataset", "profile", "flights")
    difference = json.loads(rankflow("dataset", "diff", "flights", "--json").out)
    assert difference["rows"] == [1999, 999]
    assert "distance" in difference["values"]
    assert "rows: 1,999 → 999" in rankflow("dataset", "diff", "flights").out


def test_a_prepared_dataset_is_profiled_by_its_own_names(rankflow):
    rankflow.write("rows.csv", "a,b,c,y\n" + "".join(f"{i},{i % 7},{'xyz'[i % 3]},{i % 2}\n" for i in range(100)))
    rankflow("run", rankflow.write("p.yaml", """\
inputs: {rows: rows.csv}
steps:
  data:
    type: prepare
    inputs: {data: "${{inputs.rows}}"}
    target: y
    features: {numeric: [a, b], categorical: [c]}
    scaling: none
"""))
    made = register(rankflow, "prepared", "latest", "data.data")
    assert made["rows"] == 100
    profile = json.loads(rankflow("dataset", "profile", "prepared", "--json", "-n", 2).out)
    columns = {c["name"]: c for c in profile["columns"]}
    assert columns["a"]["mean"] == 49.5 and columns["b"]["distinct"] == 7
    assert columns["c"]["top"][0] == {"value": "x", "count": 34}
    assert columns["y (target)"]["top"] == [{"value": "0", "count": 50}, {"value": "1", "count": 50}]


def test_options_of_a_profile_add_up_and_only_what_worked_is_remembered(rankflow):
    register(rankflow, "rows", rankflow.write("rows.csv", "1;2\n3;4\n"))

    def columns(*options, **expect):
        return [c["name"] for c in json.loads(rankflow("dataset", "profile", "rows", "--json", *options, **expect).out)["columns"]]
    assert columns("--option", "delimiter=;") == ["1", "2"]
    assert len(columns("--option", "header=false")) == 2
    names = columns()
    rankflow("dataset", "profile", "rows", "--option", "format=parquet", code=BAD_DATA)
    assert columns() == names, "what failed is forgotten"
    assert columns("--option", "header=") == ["1", "2"]
    assert not [f for f in rankflow.store.rglob("*.tmp")]


def test_a_difference_in_an_executable_bit_alone(rankflow):
    file = rankflow.write("data/run.sh", "echo\n")
    register(rankflow, "tool", file.parent)
    file.chmod(0o755)
    assert register(rankflow, "tool", file.parent)["version"] == 2
    assert "which are executable" in rankflow("dataset", "diff", "tool").out


def test_datastores(rankflow):
    data = rankflow.folder / "scratch"
    rankflow.write("scratch/rows.csv", "b\na\n")
    site = rankflow.write("site.yaml", f"datastores:\n  scratch: {{path: {data}}}\n  bucket: {{uri: 's3://b', credentials: 'env:KEY'}}\n")
    rankflow.environment["RANKFLOW_SITE"] = str(site)
    listed = json.loads(rankflow("datastore", "list", "--json").out)
    assert [d["datastore"] for d in listed] == ["scratch", "bucket"] or [d["datastore"] for d in listed] == ["bucket", "scratch"]
    pipeline = rankflow.write("count.yaml", COUNT.replace("{dataset: rows@latest}", "scratch:rows.csv"))
    rankflow("run", pipeline)
    assert (rankflow.artifact("count", "sorted")[0] / "rows").read_text() == "a\nb\n"
    assert rankflow.last_run()["inputs"]["rows"]["path"] == str(data / "rows.csv")
    assert 'did you mean "scratch"' in rankflow("plan", pipeline, "--input", "rows=scrach:rows.csv", code=CONFIGURATION).err
    rankflow("plan", pipeline, "--input", "rows=scratch:../site.yaml", code=CONFIGURATION)
    site.write_text("datastores:\n  bucket: {uri: 's3://b', credentials: canary}\n")
    said = rankflow("datastore", "list", code=CONFIGURATION).err
    assert "env:NAME" in said and "canary" not in said
    rankflow.environment["RANKFLOW_SITE"] = str(rankflow.folder / "none.yaml")
    rankflow("datastore", "list", code=CONFIGURATION)
