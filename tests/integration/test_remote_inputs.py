"""Inputs from an object store (moto's S3 server on the loopback) and from a web server: staged once, checked, read as paths by every
type of step; secrets by reference; what goes wrong is said before anything runs."""
import functools
import hashlib
import http.server
import json
import threading

import pytest
from support import BAD_DATA, CONFIGURATION, IO, PERMISSION, temporaries

BUCKET = "data"
PIPELINE = """\
name: remote
inputs:
  rows:
    url: {url}
    {keys}
steps:
  look:
    type: command
    command: [sh, -c, "find -L $0 -type f | sort | xargs sha256sum | cut -c 1-64 > $1/sums; echo $0 > $1/path", "${{{{inputs.rows}}}}", "${{{{outputs.sums}}}}"]
    outputs: [sums]
"""


@pytest.fixture
def bucket(s3, rankflow):
    """Puts objects below a prefix of this test alone, and writes the pipeline for it."""
    address, client = s3
    client.create_bucket(Bucket=BUCKET)  # again is fine
    prefix = rankflow.folder.name
    rankflow.environment |= {"MY_KEY": "key", "MY_SECRET": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        rankflow.environment.pop(name, None)

    class Bucket:
        keys = f"endpoint: {address}\n    region: us-east-1\n    credentials: {{access_key: env:MY_KEY, secret_key: env:MY_SECRET}}"
        url = f"s3://{BUCKET}/{prefix}"

        @staticmethod
        def put(name, data):
            client.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=data)

        def pipeline(self, below="", keys=None):
            rankflow.write("p.yaml", PIPELINE.format(url=self.url + below, keys=keys or self.keys))
    return Bucket()


def sums(*contents):
    return sorted(hashlib.sha256(c).hexdigest() for c in contents)


def seen(rankflow):
    folder, _ = rankflow.artifact("look", "sums")
    return sorted((folder / "sums").read_text().split())


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_folder_is_staged_and_reused(rankflow, bucket, ranks):
    big = bytes(range(256)) * 300_000  # more than one piece of 64 MiB
    bucket.put("rows/a.csv", b"a,b\n1,2\n")
    bucket.put("rows/below/b.bin", big)
    bucket.put("rows/empty", b"")
    bucket.pipeline("/rows")
    rankflow("run", "-n", ranks, "p.yaml")
    assert seen(rankflow) == sums(b"a,b\n1,2\n", big, b"")
    assert temporaries(rankflow.store) == []
    rankflow("run", "-n", ranks, "p.yaml")
    assert rankflow.statuses() == {"look": "reused"}

    staged = next(rankflow.store.glob("staged/*/*/*/staged.json"))
    before = staged.stat().st_mtime_ns
    rankflow("run", "-n", ranks, "--force-all", "p.yaml")
    assert staged.stat().st_mtime_ns == before, "staged once"

    bucket.put("rows/a.csv", b"a,b\n1,3\n")  # of the same size
    rankflow("run", "-n", ranks, "p.yaml")
    assert rankflow.statuses() == {"look": "done"}
    assert seen(rankflow) == sums(b"a,b\n1,3\n", big, b"")


def test_a_file_with_a_checksum_needs_no_server_once_it_is_there(rankflow, bucket):
    bucket.put("one.bin", b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    keys = bucket.keys + f"\n    sha256: {digest}"
    bucket.pipeline("/one.bin", keys)
    rankflow("run", "p.yaml")
    assert seen(rankflow) == [digest]
    assert (rankflow.artifact("look", "sums")[0] / "path").read_text().strip().endswith("/one.bin")
    bucket.pipeline("/one.bin", keys.replace("127.0.0.1", "127.0.0.2"))
    rankflow("run", "--force-all", "p.yaml")

    bucket.pipeline("/one.bin", keys.replace(digest, "0" * 64))
    err = rankflow("run", "p.yaml", code=BAD_DATA).err
    assert digest in err and "0" * 64 in err and temporaries(rankflow.store) == []


def test_prepare_reads_a_table_in_a_bucket(rankflow, bucket):
    bucket.put("t/rows.csv", b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (i, i * i, i % 2) for i in range(50)))
    rankflow.write("p.yaml", f"""\
name: table
inputs:
  rows:
    url: {bucket.url}/t
    {bucket.keys}
steps:
  data: {{type: prepare, inputs: {{data: "${{{{inputs.rows}}}}/rows.csv"}}, target: y, task: classification}}
""")
    rankflow("run", "-n", 2, "p.yaml")
    assert rankflow.metrics("data")["rows_read"] == 50


def test_what_can_go_wrong(rankflow, bucket):
    bucket.put("x", b"1")
    bucket.pipeline("/nothing")
    assert "there is nothing at" in rankflow("plan", "p.yaml", code=IO).err
    bucket.pipeline("/x", bucket.keys.replace("env:MY_SECRET", "env:NOT_SET"))
    assert "NOT_SET is not set" in rankflow("run", "p.yaml", code=CONFIGURATION).err
    bucket.pipeline("/x", bucket.keys.replace("env:MY_SECRET", "hunter2"))
    err = rankflow("run", "p.yaml", code=CONFIGURATION).err
    assert "credentials.secret_key" in err and "hunter2" not in err, "what may be a secret is not shown"
    bucket.pipeline("/x", bucket.keys.replace("secret_key:", "secret:"))
    assert 'no "secret"' in rankflow("run", "p.yaml", code=CONFIGURATION).err
    rankflow.write("p.yaml", PIPELINE.format(url="s3://me:secret@bucket/x", keys=bucket.keys))
    assert "holds no secrets" in rankflow("run", "p.yaml", code=CONFIGURATION).err
    rankflow.write("p.yaml", PIPELINE.format(url="ftp://host/x", keys="{}").replace("    {}\n", ""))
    assert '"ftp"' in rankflow("run", "p.yaml", code=CONFIGURATION).err
    bucket.put("a/../b", b"1")
    bucket.put("a/c", b"1")
    bucket.pipeline("/a")
    assert "no path" in rankflow("run", "p.yaml", code=BAD_DATA).err


def test_secrets_in_a_file_that_others_may_read_are_refused(rankflow, bucket):
    bucket.put("x", b"1")
    secret = rankflow.write("secret", "secret\n")
    keys = bucket.keys.replace("env:MY_SECRET", "file:secret")
    bucket.pipeline("/x", keys)
    secret.chmod(0o644)
    assert "chmod 0600" in rankflow("run", "p.yaml", code=PERMISSION).err
    secret.chmod(0o600)
    rankflow("run", "p.yaml")
    assert seen(rankflow) == sums(b"1")
    record = json.dumps(rankflow.runs()) + "".join(p.read_text() for p in rankflow.store.glob("runs/*/pipeline.json"))
    assert "file:" in record and '"secret"' not in record


@pytest.fixture
def web(tmp_path):
    """A web server for the files in a folder; counts the requests."""
    folder = tmp_path / "www"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        requests = []

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.requests.append(self.path)
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/file.csv")
                self.end_headers()
            elif self.path == "/to-a-file":
                self.send_response(302)
                self.send_header("Location", "file:///etc/passwd")
                self.end_headers()
            elif self.path == "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"short")
            else:
                super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder, Handler.requests
    server.shutdown()


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_web_file_is_fetched_once_and_checked(rankflow, web, ranks):
    address, folder, requests = web
    (folder / "file.csv").write_bytes(b"a,b\n1,2\n")
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    for path in ("/file.csv", "/moved"):
        requests.clear()
        rankflow.write("p.yaml", PIPELINE.format(url=address + path, keys=f"sha256: {digest}"))
        rankflow("run", "-n", ranks, "--force-all", "p.yaml")
        assert seen(rankflow) == [digest] and path in requests
        requests.clear()
        rankflow("run", "-n", ranks, "--force-all", "p.yaml")
        assert requests == [], "what is there is not fetched again"

    rankflow.write("p.yaml", PIPELINE.format(url=f"{address}/file.csv", keys=f"sha256: {'0' * 64}"))
    err = rankflow("run", "-n", ranks, "p.yaml", code=BAD_DATA).err
    assert digest in err and "file.csv" in err
    assert temporaries(rankflow.store) == [] and len(list(rankflow.store.glob("staged/*/*"))) == 1


def test_web_files_that_do_not_come(rankflow, web):
    address, _, _ = web
    for path, said in (("/none.csv", "404"), ("/cut", "cannot fetch"), ("/to-a-file", "cannot fetch")):
        rankflow.write("p.yaml", PIPELINE.format(url=address + path, keys=f"sha256: {'0' * 64}"))
        assert said in rankflow("run", "p.yaml", code=IO).err
    rankflow.write("p.yaml", PIPELINE.format(url=address + "/file.csv", keys="description: x"))
    assert "needs its checksum" in rankflow("run", "p.yaml", code=CONFIGURATION).err
    rankflow.write("p.yaml", PIPELINE.format(url=address + "/file.csv", keys="path: x"))
    assert "both" in rankflow("run", "p.yaml", code=CONFIGURATION).err
