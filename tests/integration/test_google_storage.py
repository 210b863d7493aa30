"""Google Cloud Storage (an emulator on the loopback): the same code as for S3 reads inputs, publishes outputs and copies files there."""
import json
import socket
import urllib.parse
import urllib.request

import pytest
from support import BAD_DATA, CONFIGURATION, IO

emulator = pytest.importorskip("gcp_storage_emulator.server", reason="launchers/setup installs gcp-storage-emulator")

PIPELINE = """\
name: google
inputs: {rows: "lake:rows"}
steps:
  sort:
    type: command
    command: [sh, -c, 'cat "$0"/*.csv | sort > "$1/sorted"; mkdir "$1/below"; echo x > "$1/below/x"; : > "$1/empty"', "${{inputs.rows}}", "${{outputs.made}}"]
    outputs: [made]
    publish_to: {made: "lake:results"}
"""


class Lake:
    """Objects of one bucket."""

    def __init__(self, address):
        self.address = address

    def ask(self, path, data=None, method=None):
        with urllib.request.urlopen(urllib.request.Request(self.address + path, data, method=method), timeout=10) as answer:
            return answer.read()

    def put(self, name, data):
        self.ask(f"/upload/storage/v1/b/lake/o?uploadType=media&name={urllib.parse.quote(name, '')}", data, "POST")

    def remove(self, name):
        self.ask(f"/storage/v1/b/lake/o/{urllib.parse.quote(name, '')}", method="DELETE")

    def objects(self, below):
        listed = json.loads(self.ask("/storage/v1/b/lake/o")).get("items", [])
        names = [o["name"] for o in listed if o["name"].startswith(below)]
        return {n.removeprefix(below): self.ask(f"/storage/v1/b/lake/o/{urllib.parse.quote(n, '')}?alt=media") for n in names}


@pytest.fixture
def lake(rankflow):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="lake"):
        rankflow.environment["RANKFLOW_SITE"] = str(rankflow.write("site.yaml", (
            f"datastores:\n  lake: {{uri: 'gs://lake/top', endpoint: 'http://127.0.0.1:{port}', anonymous: true}}\n")))
        yield Lake(f"http://127.0.0.1:{port}")


def test_inputs_are_read_and_outputs_published(rankflow, lake):
    pipeline = rankflow.write("p.yaml", PIPELINE)
    assert "there is nothing at gs://lake/top/rows" in rankflow("run", pipeline, code=IO).err
    lake.put("top/rows/a.csv", b"2\n")
    lake.put("top/rows/b.csv", b"1\n")
    rankflow("run", "-n", 2, pipeline)
    results = lake.objects("top/results/")
    index = json.loads(results.pop(".rankflow-published.json"))
    assert results == {"sorted": b"1\n2\n", "below/x": b"x\n", "empty": b""} and set(index["files"]) == set(results)
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"sort": "reused"}
    lake.remove("top/results/below/x")
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"sort": "reused"} and lake.objects("top/results/")["below/x"] == b"x\n"
    lake.put("top/rows/b.csv", b"3\n")  # of the same size
    rankflow("run", pipeline)
    assert rankflow.statuses() == {"sort": "done"} and lake.objects("top/results/")["sorted"] == b"2\n3\n"


def test_what_was_not_published_stays_and_what_is_half_published_is_no_input(rankflow, lake):
    lake.put("top/rows/a.csv", b"1\n")
    lake.put("top/results/mine", b"precious")
    said = rankflow("run", rankflow.write("p.yaml", PIPELINE), code=CONFIGURATION)
    assert "results/mine is there already" in said.out + said.err
    assert lake.objects("top/results/") == {"mine": b"precious"}
    lake.put("top/rows/.rankflow-publishing.json", b"{}")
    assert "rankflow is publishing there" in rankflow("run", "p.yaml", code=BAD_DATA).err


def test_files_are_transferred(rankflow, lake):
    for i in range(20):
        rankflow.write(f"from/{i % 3}/{i}", str(i) * i)
    rankflow.write("p.yaml", """\
name: copy
inputs: {files: from}
steps:
  copy: {type: transfer, inputs: {data: "${{inputs.files}}"}, to: {path: "lake:there"}}
""")
    rankflow("run", "-n", 2, "p.yaml")
    assert lake.objects("top/there/") == {f"{i % 3}/{i}": (str(i) * i).encode() for i in range(20)}
