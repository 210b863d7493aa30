"""Outputs published to datastores, and inputs read from copies on the node's own disk."""
import os

import pytest
from support import CONFIGURATION, IO, PERMISSION, PREPARE_ROWS, temporaries

PUBLISH = """\
name: publish
inputs: {rows: rows.txt}
steps:
  sort:
    type: command
    command: [sort, --output, "${{outputs.sorted}}/rows", "${{inputs.rows}}"]
    outputs: [sorted]
    publish_to: {sorted: "scratch:results/sorted"}
"""

DOWNLOAD = """\
name: download
inputs:
  rows: {path: rows.txt, access: download}
steps:
  where:
    type: command
    command: [sh, -c, 'echo "$0" > "$1/where"; cat "$0" > "$1/rows"', "${{inputs.rows}}", "${{outputs.made}}"]
    outputs: [made]
  next:
    type: command
    access: download
    command: [sh, -c, 'echo "$0" > "$1/where"; cat "$0/rows" > "$1/rows"', "${{steps.where.outputs.made}}", "${{outputs.made}}"]
    outputs: [made]
"""


@pytest.fixture
def scratch(rankflow):
    """A datastore, and an own folder for copies of inputs."""
    folder = rankflow.folder / "scratch"
    folder.mkdir()
    rankflow.environment["RANKFLOW_SITE"] = str(rankflow.write("site.yaml", f"datastores:\n  scratch: {{path: {folder}}}\n"))
    (rankflow.folder / "local").mkdir()
    rankflow.environment["TMPDIR"] = str(rankflow.folder / "local")
    return folder


def published(rankflow):
    return rankflow.last_run()["steps"]["sort"]["published"]["sorted"]


def test_an_output_is_published_once_and_again_when_it_is_missing_or_older(rankflow, scratch):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    target = scratch / "results/sorted"
    rankflow("run", pipeline)
    assert (target / "rows").read_text() == "a\nb\n"
    assert published(rankflow)["copied"] and published(rankflow)["to"] == "scratch:results/sorted"
    assert ["sort.sorted", "scratch:results/sorted", "copied"] in [line.split() for line in rankflow("show").out.splitlines()]

    before = (target / "rows").stat().st_ino
    rankflow("run", pipeline)  # reused, and there
    assert not published(rankflow)["copied"] and (target / "rows").stat().st_ino == before

    (target / "rows").unlink()
    rankflow("run", pipeline)  # reused, but no longer whole
    assert published(rankflow)["copied"] and (target / "rows").read_text() == "a\nb\n"

    rankflow.write("rows.txt", "d\nc\n")
    rankflow("run", pipeline)
    assert (target / "rows").read_text() == "c\nd\n"
    assert sorted(p.name for p in target.parent.iterdir()) == ["sorted"], "no temporary stays"
    assert published(rankflow)["artifact"] == rankflow.artifact("sort", "sorted")[1]


def test_what_was_not_published_is_never_replaced(rankflow, scratch):
    rankflow.write("rows.txt", "b\na\n")
    mine = rankflow.write("scratch/results/sorted/mine", "precious")
    said = rankflow("run", rankflow.write("p.yaml", PUBLISH), code=CONFIGURATION)
    assert "not something that rankflow published" in said.out + said.err
    assert mine.read_text() == "precious"
    assert rankflow.statuses() == {"sort": "done"} and rankflow.last_run()["status"] == "failed"
    mine.unlink()
    mine.parent.rmdir()
    rankflow("run", "p.yaml")
    assert published(rankflow)["copied"] and rankflow.statuses() == {"sort": "reused"}


@pytest.mark.parametrize("to", ["{sortd: 'scratch:x'}", "{sorted: 'scrach:x'}", "{sorted: x}", "{sorted: 'scratch:../x'}",
                                "{sorted: 'scratch:.'}", "scratch:x"])
def test_targets_that_can_not_be_are_refused_before_anything_runs(rankflow, scratch, to):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH.replace('{sorted: "scratch:results/sorted"}', to))
    assert "p.yaml:4:3" in rankflow("run", pipeline, code=CONFIGURATION).err or to == "scratch:x"
    assert not rankflow.runs()


def test_a_full_or_missing_place_is_an_error_of_the_run(rankflow, scratch):
    rankflow.write("rows.txt", "b\na\n")
    (scratch / "results").write_text("a file where a folder should be")
    result = rankflow("run", rankflow.write("p.yaml", PUBLISH), code=None)
    assert result.code in (IO, PERMISSION) and "publishing sort.sorted to scratch:results/sorted" in result.out + result.err
    assert "problem" in published(rankflow)
    assert published(rankflow)["problem"] in rankflow("show").out


def test_inputs_are_read_from_copies_that_go_afterwards(rankflow, scratch):
    rankflow.write("rows.txt", "b\na\n")
    rankflow("run", rankflow.write("p.yaml", DOWNLOAD), "-n", 2)
    local = rankflow.folder / "local"
    left = local / f"rankflow-{os.geteuid()}"
    for name in ("0" * 64, "0" * 64 + ".0123456789abcdef.tmp"):  # of a killed run
        (left / name / "data").mkdir(parents=True)
    left.chmod(0o700)
    (left / ("0" * 64 + ".lock")).touch()
    rankflow("run", "p.yaml", "--force-all")
    for step in ("where", "next"):
        folder, _ = rankflow.artifact(step, "made")
        assert (folder / "where").read_text().startswith(str(local)), "read from the node's own disk"
        assert (folder / "rows").read_text() == "b\na\n"
    assert [p.name for p in left.iterdir()] == [".copying"], "copies go when nobody uses them"
    # How an input is read does not change what comes out.
    rankflow("run", rankflow.write("p.yaml", DOWNLOAD.replace("access: download", "access: direct")))
    assert set(rankflow.statuses().values()) == {"reused"}
    assert not temporaries(rankflow.store)


def test_copies_are_kept_up_to_a_size(rankflow, scratch):
    local = rankflow.folder / "cache"
    site = rankflow.folder / "site.yaml"
    site.write_text(f"downloads: {{folder: {local}, keep_gb: 1}}\n")
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", DOWNLOAD)
    rankflow("run", pipeline)
    kept = local / f"rankflow-{os.geteuid()}"
    copies = [p for p in kept.iterdir() if p.name != ".copying"]
    assert len(copies) == 4, "two copies and their locks"
    stamps = {p: p.stat().st_mtime_ns for p in kept.rglob("rows*") if p.is_file()}
    rankflow("run", pipeline, "--force-all")
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps, "the same copies serve again"
    site.write_text(f"downloads: {{folder: {local}}}\n")
    rankflow("run", pipeline, "--force-all")
    assert [p.name for p in kept.iterdir()] == [".copying"]


def test_all_ranks_of_a_node_share_one_copy(rankflow, scratch):
    rankflow.write("rows.csv", "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(1000)))
    size = (rankflow.folder / "rows.csv").stat().st_size
    pipeline = rankflow.write("p.yaml", PREPARE_ROWS.replace("{path: rows.csv}", "{path: rows.csv, access: download}"))
    run = rankflow("run", pipeline, "-n", 4, "--json", timeout=60)
    said = [e["text"] for e in run.events() if e.get("event") == "note" and "of inputs copied" in e["text"]]
    assert len(said) == 1 and f"{size / 1000:.1f} kB of inputs copied" in said[0], "once, not four times"


def test_copies_need_the_folder_that_tmpdir_names(rankflow, scratch):
    rankflow.write("rows.txt", "b\na\n")
    rankflow.environment["TMPDIR"] = str(rankflow.folder / "nosuch")
    said = rankflow("run", rankflow.write("p.yaml", DOWNLOAD), code=IO).err
    assert "TMPDIR names" in said and not (rankflow.folder / "nosuch").exists()
