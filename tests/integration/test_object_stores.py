"""Inputs from datastores on object stores, also by way of copies on the node's own disk; what several steps read is fetched once."""
import hashlib
import os
import random
import signal

import pytest
from archive import archive, between  # noqa: F401: fixtures
from support import BAD_DATA, CONFIGURATION, IO, PERMISSION, rank_processes, temporaries, web_page

READ = """\
name: read
inputs:
  rows: {input}
steps:
  look:
    type: command
    command: [sh, -c, 'echo "$0" > "$1/where"; find -L "$0" -type f | sort | xargs cat > "$1/all"', "${{{{inputs.rows}}}}", "${{{{outputs.made}}}}"]
    outputs: [made]
"""


def made(rankflow, name, step="look"):
    return (rankflow.artifact(step, "made")[0] / name).read_text()


@pytest.mark.parametrize("credentials", ["'env:ARCHIVE_KEY'", "{access_key: 'env:ID', secret_key: 'file:SECRET'}"])
def test_a_path_in_an_object_store_is_an_input(rankflow, archive, credentials):
    secret = rankflow.write("secret", "canary\n")
    secret.chmod(0o600)
    rankflow.environment["ID"] = "key"
    rankflow.write("site.yaml", archive.site(credentials.replace("SECRET", str(secret))))
    archive.put("flights/2001.csv", b"a\n1\n")
    archive.put("flights/2002.csv", b"a\n2\n")
    pipeline = rankflow.write("p.yaml", READ.format(input="'archive:flights/2001.csv'"))
    planned = rankflow("plan", pipeline).out
    assert f"input rows: {archive.url}/flights/2001.csv (archive:flights/2001.csv)" in planned
    rankflow("run", "-n", 2, pipeline)
    assert made(rankflow, "all") == "a\n1\n" and made(rankflow, "where").strip().endswith("/2001.csv")
    noted = rankflow.last_run()["inputs"]["rows"]
    assert noted["reference"] == "archive:flights/2001.csv" and noted["url"] == f"{archive.url}/flights/2001.csv"
    assert f"{archive.url}/flights/2001.csv" in rankflow("show").out
    rankflow("run", pipeline, "--input", "rows=archive:flights")  # a folder of them
    assert made(rankflow, "all") == "a\n1\na\n2\n"
    archive.put("flights/2002.csv", b"a\n3\n")
    rankflow("run", pipeline, "--input", "rows=archive:flights")
    assert rankflow.statuses() == {"look": "done"} and made(rankflow, "all") == "a\n1\na\n3\n"
    kept = "".join(p.read_text(errors="replace") for p in rankflow.store.glob("runs/**/*") if p.is_file())
    assert "canary" not in kept + rankflow("datastore", "list").out, "by reference, never what it is"
    assert temporaries(rankflow.store) == []


def test_what_can_not_be_read_there(rankflow, archive):
    pipeline = rankflow.write("p.yaml", READ.format(input="'archive:flights/2001.csv'"))
    said = rankflow("run", pipeline, code=IO).err
    assert f"there is nothing at {archive.url}/flights/2001.csv" in said
    for path in ("../other/x", "a/../../x", "."):
        said = rankflow("plan", pipeline, "--input", f"rows=archive:{path}", code=CONFIGURATION).err
        assert "datastore" in said and archive.url in said
    rankflow.environment["ARCHIVE_KEY"] = "canary"
    said = rankflow("run", pipeline, code=CONFIGURATION).err
    assert "ACCESS_KEY:SECRET_KEY" in said and "canary" not in said
    del rankflow.environment["ARCHIVE_KEY"]
    assert "ARCHIVE_KEY is not set" in rankflow("run", pipeline, code=CONFIGURATION).err
    secret = rankflow.write("secret", "key:canary")
    secret.chmod(0o644)
    rankflow.write("site.yaml", archive.site(f"'file:{secret}'"))
    said = rankflow("run", pipeline, code=PERMISSION).err
    assert "chmod 0600" in said and "canary" not in said
    rankflow.write("site.yaml", archive.site("{secret: 'env:X'}"))
    assert 'site.yaml:2:3: datastore "archive": credentials: s3 has no "secret"' in rankflow("run", pipeline, code=CONFIGURATION).err
    assert not rankflow.runs()


@pytest.mark.parametrize("access", ["input", "step"])
def test_remote_inputs_are_read_from_copies_on_the_nodes_own_disk(rankflow, archive, access):
    archive.put("flights/2001.csv", b"a\n1\n")
    archive.put("flights/below/2002.csv", b"a\n2\n")
    direct = READ.format(input="{path: 'archive:flights'}")
    download = direct.replace("'archive:flights'", "'archive:flights', access: download") if access == "input" else \
        direct.replace("type: command", "type: command\n    access: download")
    run = rankflow("run", "-n", 2, rankflow.write("p.yaml", download), "--json")
    assert made(rankflow, "all") == "a\n1\na\n2\n"
    local = rankflow.folder / "local"
    assert made(rankflow, "where").startswith(str(local)), "read from the node's own disk"
    said = [e["text"] for e in run.events() if e.get("event") == "note" and "of inputs copied" in e["text"]]
    assert len(said) == 1 and "8 B of inputs copied" in said[0], "once per node"
    assert [p.name for p in (local / f"rankflow-{os.geteuid()}").iterdir()] == [".copying"]
    rankflow("run", rankflow.write("p.yaml", direct))
    assert rankflow.statuses() == {"look": "reused"}, "how an input is read changes no result"


@pytest.fixture
def web():
    """A web server with one file; counts how often it is fetched."""
    with web_page(b"a,b\n" + b"1,2\n" * 100_000) as page:
        yield page


@pytest.mark.parametrize("access", ["direct", "download"])
def test_steps_that_read_the_same_input_fetch_it_once(rankflow, archive, web, access):
    url, server = web
    digest = hashlib.sha256(server.body).hexdigest()
    step = """\
  {name}:
    type: command
    command: [sh, -c, 'cat "$0" > "$1/{name}"', "${{{{inputs.rows}}}}", "${{{{outputs.made}}}}"]
    outputs: [made]
    resources: {{ranks: 1}}
"""
    text = f"name: twice\ninputs:\n  rows: {{url: '{url}', sha256: {digest}, access: {access}}}\nsteps:\n"
    rankflow.write("p.yaml", text + step.format(name="one") + step.format(name="two") + step.format(name="three"))
    rankflow("run", "-n", 2, "p.yaml")
    assert server.requests == ["/rows.csv"]
    for name in ("one", "two", "three"):
        assert (rankflow.artifact(name, "made")[0] / name).read_bytes() == server.body

    rankflow.write("p.yaml", (text + step.format(name="one") + step.format(name="two")).replace(digest, "0" * 64))
    rankflow("run", "-n", 2, "p.yaml", code=BAD_DATA)
    assert rankflow.statuses() == {"one": "failed", "two": "failed"}, "a step whose fetch failed keeps nobody waiting"


def test_a_rank_that_is_killed_while_it_fetches_leaves_nothing_that_is_trusted(rankflow, archive, between):
    for i in range(5):
        archive.put(f"rows/{i}.csv", b"%d\n" % i)
    pipeline = rankflow.write("p.yaml", READ.format(input="{path: 'archive:rows', access: download}"))
    kill_at = random.Random(0).randrange(1, 6)
    fetched = []

    def watch(method, path):
        if method == "GET" and path.endswith(".csv"):
            fetched.append(path)
            if len(fetched) == kill_at:
                os.kill(rank_processes(rankflow)[kill_at % 2], signal.SIGKILL)
    between.watch = watch
    rankflow("run", "-n", 2, "--restarts", 0, pipeline, code=None)
    assert rankflow.last_run()["status"] != "done" and len(fetched) >= kill_at
    rankflow("run", "-n", 2, pipeline)
    assert made(rankflow, "all") == "0\n1\n2\n3\n4\n"
    assert temporaries(rankflow.store) == []
    assert [p.name for p in (rankflow.folder / "local" / f"rankflow-{os.geteuid()}").iterdir()] == [".copying"]


PREPARE = """\
name: several
inputs:
  rows: {input}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.rows}}}}"}}
    target: y
    task: regression
    scaling: none
"""


def test_a_glob_of_objects(rankflow, archive):
    names = ["2024-01/part-1.csv", "2024-01/part-2.csv", "2024-02/part-1.csv"]
    for number, name in enumerate(names):
        content = b"a,y\n" + b"".join(b"%d,0.5\n" % (10 * number + i) for i in range(10))
        archive.put(f"data/{name}", content)
        rankflow.write(f"here/{name}", content.decode())
    archive.put("data/2024-01/notes.txt", b"no table")
    archive.put("data/2023-01/part-1.csv", b"b\n1\n")
    pipeline = rankflow.write("p.yaml", PREPARE.format(input='"archive:data/2024-*/part-*.csv"'))
    rankflow("run", "-n", 2, pipeline)
    _, digest = rankflow.artifact("data", "data")
    assert rankflow.metrics("data")["rows_read"] == 30
    rankflow("run", pipeline, "--input", "rows=here/2024-*/part-*.csv")
    assert rankflow.artifact("data", "data")[1] == digest
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"data": "reused"}
    # The same objects as a folder are another thing: in it lies no table.
    archive.put("data/2024-03/part-9.csv", b"a,y\n1,2.5\n")
    rankflow("run", pipeline)
    assert rankflow.metrics("data")["rows_read"] == 31
    rankflow("run", pipeline, "--input", "rows=archive:data/2024-03")
    assert rankflow.metrics("data")["rows_read"] == 1
    rankflow("run", pipeline, "--input", "rows=archive:data/2024-03/*")
    assert rankflow.statuses() == {"data": "done"} and rankflow.metrics("data")["rows_read"] == 1
    err = rankflow("run", pipeline, "--input", "rows=archive:data/2025-*/*.csv", code=CONFIGURATION).err
    assert f"nothing in {archive.url}/data matches 2025-*/*.csv" in err, err
    err = rankflow("plan", pipeline, "--input", "rows=[archive:data/2024-01]", code=CONFIGURATION).err
    assert "a list names files in folders" in err, err
    assert temporaries(rankflow.store) == []
