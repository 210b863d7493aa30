"""An object store that tests use as the datastore `archive` (moto's S3 server on the loopback), and a server before it that disturbs."""
import http.client
import http.server
import threading

import pytest

BUCKET = "archive"


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
    (rankflow.folder / "local").mkdir()
    rankflow.environment |= {"ARCHIVE_KEY": "key:canary", "AWS_EC2_METADATA_DISABLED": "true",
                             "TMPDIR": str(rankflow.folder / "local"), "RANKFLOW_SITE": str(rankflow.folder / "site.yaml")}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        rankflow.environment.pop(name, None)
    made = Archive(address, client, rankflow.folder.name)
    rankflow.write("site.yaml", made.site())
    return made


class Between(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server behind it, and calls `watch` with each before; what that returns is said instead of passed on."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def handle_any(self):
        body = self.body()
        status = self.server.watch(self.command, self.path.split("?")[0])
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        passed = http.client.HTTPConnection(self.server.behind)
        headers = {n: v for n, v in self.headers.items() if n.lower() not in ("transfer-encoding", "expect")}
        passed.request(self.command, self.path, body, headers)
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
