"""Datastores on object stores (moto's S3 server on the loopback): inputs from them, also by way of copies on the node's own disk, and
outputs published there, undisturbed, refused and killed."""
import hashlib
import http.client
import http.server
import json
import os
import random
import signal
import threading

import pytest
from support import BAD_DATA, CONFIGURATION, IO, PERMISSION, rank_processes, temporaries

BUCKET = "archive"
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


class Archive:
    """Objects below a prefix of one test alone, which the site file calls `archive`."""

    def __init__(self, address, client, prefix):
        self.address, self.client, self.prefix = address, client, prefix
        self.url = f"s3://{BUCKET}/{prefix}"

    def put(self, name, data):
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{name}", Body=data)

    def objects(self, below=""):
        """{name below the prefix: bytes}."""
        found = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/{below}"):
            for entry in page.get("Contents", []):
                body = self.client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
                found[entry["Key"].removeprefix(f"{self.prefix}/{below}")] = body
        return {name: body for name, body in found.items() if name}  # an empty name marks the folder itself

    def site(self, credentials="'env:ARCHIVE_KEY'", address=None):
        return (f"datastores:\n  archive: {{uri: '{self.url}', endpoint: '{address or self.address}', region: us-east-1, "
                f"credentials: {credentials}}}\n")


@pytest.fixture
def archive(s3, rankflow):
    address, client = s3
    client.create_bucket(Bucket=BUCKET)  # again is fine
    rankflow.environment |= {"ARCHIVE_KEY": "key:canary", "AWS_EC2_METADATA_DISABLED": "true",
                             "TMPDIR": str(rankflow.folder / "local"), "RANKFLOW_SITE": str(rankflow.folder / "site.yaml")}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        rankflow.environment.pop(name, None)
    made = Archive(address, client, rankflow.folder.name)
    rankflow.write("site.yaml", made.site())
    return made


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
    for path in ("../other/x", "a/../../x", ".", "a/.."):
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
def web(tmp_path):
    """A web server with one file; counts how often it is fetched. Two of the requests meet, unless only one comes."""
    class Handler(http.server.BaseHTTPRequestHandler):
        requests = []
        body = b"a,b\n" + b"1,2\n" * 100_000

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/rows.csv", Handler
    server.shutdown()


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


@pytest.mark.parametrize("to", ["archive:../x", "archive:.", "archve:x"])
def test_targets_that_can_not_be_are_refused_before_anything_runs(rankflow, archive, to):
    rankflow.write("rows.txt", "b\na\n")
    rankflow("run", rankflow.write("p.yaml", PUBLISH.replace("archive:results/sorted", to)), code=CONFIGURATION)
    assert not rankflow.runs()


class Between(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server behind it, and calls `watch` with each before; what that returns is said instead of passed on."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.server.watch(self.command, self.path.split("?")[0])
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        passed = http.client.HTTPConnection(self.server.behind)
        passed.request(self.command, self.path, body, dict(self.headers))
        answer = passed.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(data)
        self.send_header("Content-Length", length or 0)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any


@pytest.fixture
def between(archive, rankflow):
    """The object store behind a server that can refuse requests, or do something when they come."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
    server.daemon_threads = True
    server.behind = archive.address.removeprefix("http://")
    server.watch = lambda method, path: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rankflow.write("site.yaml", archive.site(address=f"http://127.0.0.1:{server.server_port}"))
    yield server
    server.shutdown()


def test_where_publishing_fails_the_same_command_goes_on(rankflow, archive, between):
    rankflow.write("rows.txt", "b\na\n")
    pipeline = rankflow.write("p.yaml", PUBLISH)
    between.watch = lambda method, path: 403 if method == "PUT" and path.endswith("/reversed") else None
    said = rankflow("run", pipeline, code=PERMISSION)
    assert "publishing sort.sorted to archive:results/sorted" in said.out + said.err
    assert rankflow.statuses() == {"sort": "done"} and "problem" in published(rankflow)
    assert INDEX not in archive.objects(RESULTS) and UNFINISHED in archive.objects(RESULTS)
    written = []
    between.watch = lambda method, path: written.append(path.rsplit("/", 1)[1]) if method == "PUT" else None
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"sort": "reused"} and published(rankflow)["copied"]
    check_trusted(rankflow, archive.objects(RESULTS))
    assert UNFINISHED not in archive.objects(RESULTS)
    assert "rows" not in written and "reversed" in written, "what is there is not uploaded again"


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


@pytest.mark.parametrize("seed", range(2))
def test_a_rank_that_is_killed_while_it_fetches_leaves_nothing_that_is_trusted(rankflow, archive, between, seed):
    for i in range(5):
        archive.put(f"rows/{i}.csv", b"%d\n" % i)
    pipeline = rankflow.write("p.yaml", READ.format(input="{path: 'archive:rows', access: download}"))
    kill_at = random.Random(seed).randrange(1, 6)
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
