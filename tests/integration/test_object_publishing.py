"""Outputs published to datastores on object stores: undisturbed, refused, failing and killed."""
import hashlib
import json
import os
import random
import signal

import pytest
from archive import BUCKET, archive, between  # noqa: F401: fixtures
from support import BAD_DATA, CONFIGURATION, IO, PERMISSION, rank_processes

PUBLISH = """\
name: publish
inputs: {rows: rows.txt}
steps:
  sort:
    type: command
    command: [sh, -c, 'sort "$0" > "$1/rows"; mkdir -p "$1/below"; sort -r "$0" > "$1/below/reversed"; : > "$1/empty"', "${{inputs.rows}}", "${{outputs.sorted}}"]
    outputs: [sorted]
    publish_to: {sorted: "archive:results/sorted"}
"""
READ = """\
name: read
inputs: {rows: "archive:results"}
steps:
  look:
    type: command
    command: [cp, "${{inputs.rows}}/sorted/rows", "${{outputs.made}}/rows"]
    outputs: [made]
"""
INDEX, UNFINISHED = ".rankflow-published.json", ".rankflow-publishing.json"
RESULTS = "results/sorted/"


def published(rankflow):
    return rankflow.last_run()["steps"]["sort"]["published"]["sorted"]


def check_trusted(rankflow, objects):
    """Whoever finds the index may rely on what it lists."""
    index = json.loads(objects[INDEX])
    assert index["artifact"] == rankflow.artifact("sort", "sorted")[1]
    for name, file in index["files"].items():
        assert len(objects[name]) == file["bytes"] and hashlib.sha256(objects[name]).hexdigest() == file["sha256"]
    return index


def test_an_output_is_published_to_an_object_store(rankflow, archive):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    rankflow("run", "-n", 2, pipeline)
    objects = archive.objects(RESULTS)
    assert {n: o for n, o in objects.items() if n != INDEX} == {"rows": b"a\nb\n", "below/reversed": b"b\na\n", "empty": b""}
    assert set(check_trusted(rankflow, objects)["files"]) == {"rows", "below/reversed", "empty"}
    assert published(rankflow)["copied"] and published(rankflow)["to"] == "archive:results/sorted"
    assert published(rankflow)["path"] == f"{archive.url}/results/sorted"

    rankflow("run", pipeline)  # reused, and there
    assert rankflow.statuses() == {"sort": "reused"} and not published(rankflow)["copied"]

    for damage in (lambda key: archive.client.delete_object(Bucket=BUCKET, Key=key),
                   lambda key: archive.client.put_object(Bucket=BUCKET, Key=key, Body=b"short")):
        damage(f"{archive.prefix}/{RESULTS}below/reversed")
        rankflow("run", pipeline)  # reused, but no longer whole
        assert published(rankflow)["copied"]
        check_trusted(rankflow, archive.objects(RESULTS))

    archive.put(f"{RESULTS}mine", b"precious")
    rankflow.write("rows.txt", "d\nc\n")
    rankflow("run", rankflow.write("p.yaml", PUBLISH.replace(': > "$1/empty"', ":")))
    objects = archive.objects(RESULTS)
    check_trusted(rankflow, objects)
    assert set(objects) == {"rows", "below/reversed", INDEX, "mine"} and objects["rows"] == b"c\nd\n"
    assert objects["mine"] == b"precious", "what others put there stays"


def test_what_was_not_published_there_is_never_replaced(rankflow, archive):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    archive.put(f"{RESULTS}mine", b"precious")
    said = rankflow("run", pipeline, code=CONFIGURATION)
    assert "not something that rankflow published" in said.out + said.err
    assert archive.objects(RESULTS) == {"mine": b"precious"}
    assert rankflow.statuses() == {"sort": "done"} and rankflow.last_run()["status"] == "failed"
    archive.client.delete_object(Bucket=BUCKET, Key=f"{archive.prefix}/{RESULTS}mine")
    rankflow("run", pipeline)
    assert published(rankflow)["copied"] and rankflow.statuses() == {"sort": "reused"}
    # An object of the same name that came later is not ours either.
    archive.put(f"{RESULTS}new", b"precious")
    rankflow.write("p.yaml", PUBLISH.replace('"$1/empty"', '"$1/new"'))
    said = rankflow("run", pipeline, code=CONFIGURATION)
    assert "results/sorted/new is there already" in said.out + said.err
    assert archive.objects(RESULTS)["new"] == b"precious" and INDEX in archive.objects(RESULTS), "as it was"


@pytest.mark.parametrize("to", ["archive:../x", "archive:.", "archive:a*", "archve:x"])
def test_targets_that_can_not_be_are_refused_before_anything_runs(rankflow, archive, to):
    rankflow.write("rows.txt", "b\na\n")
    rankflow("run", rankflow.write("p.yaml", PUBLISH.replace("archive:results/sorted", to)), code=CONFIGURATION)
    assert not rankflow.runs()


def test_where_publishing_fails_the_same_command_goes_on(rankflow, archive, between):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    between.watch = lambda method, path: 403 if method == "PUT" and path.endswith("/rows") else None
    said = rankflow("run", pipeline, code=PERMISSION)
    assert "publishing sort.sorted to archive:results/sorted" in said.out + said.err
    assert rankflow.statuses() == {"sort": "done"} and "problem" in published(rankflow)
    assert INDEX not in archive.objects(RESULTS) and UNFINISHED in archive.objects(RESULTS)
    said = rankflow("run", rankflow.write("read.yaml", READ), code=BAD_DATA).err
    assert "says that rankflow is publishing there" in said, "what is half written is no input"
    said = rankflow("run", "read.yaml", "--input", "rows=archive:results/*/r*", code=BAD_DATA).err
    assert "says that rankflow is publishing there" in said, "also where a glob leaves out the file that says so"
    written = []
    between.watch = lambda method, path: written.append(path.rsplit("/", 1)[1]) if method == "PUT" else None
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"sort": "reused"} and published(rankflow)["copied"]
    check_trusted(rankflow, archive.objects(RESULTS))
    assert UNFINISHED not in archive.objects(RESULTS)
    assert "reversed" not in written and "rows" in written, "what is there is not uploaded again"
    rankflow("run", "read.yaml")
    assert (rankflow.artifact("look", "made")[0] / "rows").read_text() == "a\nb\n"


@pytest.mark.parametrize("seed", range(4))
def test_a_publish_that_is_killed_leaves_nothing_half_written_that_is_trusted(rankflow, archive, between, seed):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    if seed % 2:  # something older is there
        rankflow("run", pipeline)
        rankflow.write("rows.txt", "d\nc\n")
    before = archive.objects(RESULTS)
    kill_at = random.Random(seed).randrange(1, 6)
    seen = []

    def watch(method, path):
        if method in ("PUT", "DELETE", "POST"):
            seen.append(path)
            if len(seen) == kill_at:
                for pid in rank_processes(rankflow).values():
                    os.kill(pid, signal.SIGKILL)
                return 503
    between.watch = watch
    rankflow("run", "--restarts", 0, pipeline, code=None)
    assert len(seen) >= kill_at, "killed while it was publishing"
    objects = archive.objects(RESULTS)
    if INDEX in objects:  # killed before anything was replaced
        assert {n: o for n, o in objects.items() if n != UNFINISHED} == before
    between.watch = lambda method, path: None
    rankflow("run", pipeline)
    check_trusted(rankflow, archive.objects(RESULTS))
    assert set(archive.objects(RESULTS)) == {"rows", "below/reversed", "empty", INDEX}


def test_of_two_that_publish_to_one_place_the_first_gives_way(rankflow, archive, between):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    other = b'{"artifact": "another", "output": "sorted", "files": {}, "run": "another"}'

    def watch(method, path):
        if method == "PUT" and path.endswith("/reversed"):
            archive.put(RESULTS + UNFINISHED, other)
    between.watch = watch
    said = rankflow("run", pipeline, code=IO)
    assert "another run publishes to" in said.out + said.err
    assert archive.objects(RESULTS)[UNFINISHED] == other and INDEX not in archive.objects(RESULTS)
    between.watch = lambda method, path: None
    archive.client.delete_object(Bucket=BUCKET, Key=f"{archive.prefix}/{RESULTS}{UNFINISHED}")  # ended, somewhere else
    said = rankflow("run", pipeline, code=CONFIGURATION)
    assert "not something that rankflow published" in said.out + said.err, "the files have no mark any more"
