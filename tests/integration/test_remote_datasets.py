"""Datasets that are registered where they lie: in object stores, by way of a datastore or the provider's own settings, and on a web
server with a checksum."""
import hashlib
import json

import pytest
from archive import archive  # noqa: F401: a fixture
from support import BAD_DATA, CONFIGURATION, IO, temporaries, web_page

READ = """\
name: read
inputs: {rows: {dataset: rows@latest}}
steps:
  look:
    type: command
    command: [sh, -c, 'find -L "$0" -type f | sort | xargs cat > "$1/all"', "${{inputs.rows}}", "${{outputs.made}}"]
    outputs: [made]
"""


def register(rankflow, name, place, *options):
    return json.loads(rankflow("dataset", "register", name, place, "--json", *options).out)


def read(rankflow):
    rankflow("run", "p.yaml")
    return (rankflow.artifact("look", "made")[0] / "all").read_text()


def test_a_place_in_an_object_store_is_registered_by_reference(rankflow, archive):
    rankflow.write("p.yaml", READ)
    archive.put("flights/2001.csv", b"a\n1\n")
    archive.put("flights/2002.csv", b"a\n2\n")
    first = register(rankflow, "rows", "archive:flights", "--tag", "owner=ann")
    assert (first["version"], first["new"], first["files"], first["bytes"]) == (1, True, 2, 8)
    assert first["place"] == f"{archive.url}/flights"
    assert not register(rankflow, "rows", "archive:flights")["new"], "unchanged content makes no new version"
    assert read(rankflow) == "a\n1\na\n2\n"
    assert rankflow.last_run()["inputs"]["rows"]["dataset"] == "rows:1"
    shown = rankflow("dataset", "show", "rows").out
    assert f"{archive.url}/flights" in shown and "no longer there" not in shown and "2002.csv" in shown
    assert f"by reference: {archive.url}/flights" in rankflow("dataset", "list").out

    archive.put("flights/2002.csv", b"a\n3\n")  # of the same size
    said = rankflow("run", "p.yaml", code=BAD_DATA).err
    assert f"{archive.url}/flights has changed since it was registered as dataset rows:1" in said
    second = register(rankflow, "rows", "archive:flights")
    assert (second["version"], second["new"]) == (2, True)
    assert read(rankflow) == "a\n1\na\n3\n"
    assert "~ 2002.csv" in rankflow("dataset", "diff", "rows").out

    one = register(rankflow, "one", "archive:flights/2001.csv")
    assert [f["path"] for f in json.loads(rankflow("dataset", "show", "one", "--json").out)["file_list"]] == ["2001.csv"]
    assert one["bytes"] == 4
    profile = json.loads(rankflow("dataset", "profile", "one", "--json", "-n", 2).out)
    assert profile["rows"] == 1 and profile["columns"][0]["name"] == "a"
    kept = "".join(p.read_text() for p in rankflow.store.glob("datasets/**/*.json"))
    assert "env:ARCHIVE_KEY" in kept and "canary" not in kept, "credentials by reference"

    archive.client.delete_object(Bucket="archive", Key=f"{archive.prefix}/flights/2001.csv")
    assert rankflow("dataset", "show", "one", "--json").out.count('"rows": 1') == 1, "what is only shown asks no server"
    assert "there is nothing at" in rankflow("run", "p.yaml", "--input", "rows=one:1", code=IO).err
    assert "there is nothing at" in rankflow("dataset", "register", "one", "archive:flights/2001.csv", code=IO).err


def test_a_copy_needs_the_object_store_no_more(rankflow, archive):
    rankflow.write("p.yaml", READ)
    archive.put("flights/2001.csv", b"a\n1\n")
    archive.put("flights/below/2002.csv", b"a\n2\n")
    copied = register(rankflow, "rows", "archive:flights", "--copy")
    assert copied["artifact"] and copied["place"].startswith(str(rankflow.store))
    assert copied["lineage"]["copied_from"] == f"{archive.url}/flights"
    assert not register(rankflow, "rows", "archive:flights", "--copy")["new"]
    for name in ("flights/2001.csv", "flights/below/2002.csv"):
        archive.client.delete_object(Bucket="archive", Key=f"{archive.prefix}/{name}")
    (rankflow.folder / "site.yaml").unlink()
    del rankflow.environment["RANKFLOW_SITE"]
    assert read(rankflow) == "a\n1\na\n2\n"
    assert temporaries(rankflow.store) == []


def test_a_url_is_registered_with_the_providers_own_settings(rankflow, archive):
    rankflow.environment |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
                             "AWS_ENDPOINT_URL": archive.address}
    rankflow.write("p.yaml", READ)
    archive.put("rows.csv", b"a\n1\n")
    digest = hashlib.sha256(b"a\n1\n").hexdigest()
    by_listing = register(rankflow, "rows", f"{archive.url}/rows.csv")
    assert by_listing["content"] != digest and read(rankflow) == "a\n1\n"
    declared = register(rankflow, "rows", f"{archive.url}/rows.csv", "--sha256", digest)
    assert (declared["version"], declared["content"]) == (2, digest)
    assert read(rankflow) == "a\n1\n"
    # The same bytes as a file here are the same content.
    assert not register(rankflow, "rows", rankflow.write("rows.csv", "a\n1\n"))["new"]
    assert "checksum is of one file" in rankflow("dataset", "register", "rows", archive.url, "--sha256", digest, code=BAD_DATA).err
    rankflow("dataset", "register", "rows", "archive:../x", code=CONFIGURATION)


@pytest.fixture
def web():
    with web_page(b"a\n1\n") as page:
        yield page


def test_a_web_file_is_registered_with_its_checksum(rankflow, web):
    url, server = web
    rankflow.write("p.yaml", READ)
    digest = hashlib.sha256(server.body).hexdigest()
    assert "needs its checksum" in rankflow("dataset", "register", "rows", url, code=CONFIGURATION).err
    made = register(rankflow, "rows", url, "--sha256", digest)
    assert made["content"] == digest and server.requests == [], "nobody is asked before it is used"
    assert read(rankflow) == "a\n1\n"
    copied = register(rankflow, "rows", url, "--sha256", digest, "--copy")
    assert (copied["version"], copied["content"], copied["bytes"]) == (2, digest, 4)
    server.body = b"a\n2\n"
    said = rankflow("dataset", "register", "other", url, "--sha256", digest, "--copy", code=BAD_DATA).err
    assert digest in said and hashlib.sha256(server.body).hexdigest() in said
    assert temporaries(rankflow.store) == [] and not (rankflow.store / "datasets/other").exists()
