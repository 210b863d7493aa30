"""Copying between folders, artifacts and an object store: in parallel, checked, and going on after a kill."""
import csv
import hashlib
import os
import signal
import time

import pytest
from support import BAD_DATA, CONFIGURATION

BUCKET = "target"
PIPELINE = """\
name: copy
inputs:
  files: {source}
steps:
  copy:
    type: transfer
    inputs: {{data: "${{{{inputs.files}}}}"}}
    to: {to}
    reuse: false
"""


@pytest.fixture
def remote(s3, rankflow):
    address, client = s3
    client.create_bucket(Bucket=BUCKET)
    rankflow.environment |= {"MY_KEY": "key", "MY_SECRET": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
    prefix = rankflow.folder.name

    def location(below=""):
        return (f'{{url: "s3://{BUCKET}/{prefix}{below}", endpoint: "{address}", region: us-east-1, '
                "credentials: {access_key: env:MY_KEY, secret_key: env:MY_SECRET}}")

    def content():
        pages = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {o["Key"].removeprefix(f"{prefix}/"): client.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read() for o in pages}
    return location, content, lambda key, body: client.put_object(Bucket=BUCKET, Key=f"{prefix}/{key}", Body=body)


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fill(folder, count=20, size=200_000):
    for i in range(count):
        path = folder / f"{'abc'[i % 3]}/{i}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size + i))
    (folder / "empty").write_bytes(b"")
    return tree(folder)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_folders_are_copied_and_listed(rankflow, ranks):
    files = fill(rankflow.folder / "from")
    rankflow.write("p.yaml", PIPELINE.format(source="from", to="{path: to/there}"))
    rankflow("run", "-n", ranks, "p.yaml")
    assert tree(rankflow.folder / "to/there") == files
    listed = list(csv.DictReader((rankflow.artifact("copy", "copied")[0] / "files.csv").open()))
    assert [(r["path"], int(r["bytes"]), r["sha256"]) for r in listed] == \
        [(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items())]
    assert rankflow.metrics("copy")["files_there_before"] == 0

    (rankflow.folder / "to/there/a/0.bin").unlink()
    rankflow("run", "-n", ranks, "p.yaml")
    assert tree(rankflow.folder / "to/there") == files
    assert rankflow.metrics("copy")["files_there_before"] == 20 and rankflow.metrics("copy")["files"] == 21


def test_to_a_bucket_and_back(rankflow, remote):
    location, content, _ = remote
    files = fill(rankflow.folder / "from", 6, 6_000_000)
    rankflow.write("p.yaml", PIPELINE.format(source="from", to=location("/x")))
    rankflow("run", "-n", 2, "p.yaml")
    assert content() == {f"x/{name}": data for name, data in files.items()}
    rankflow("run", "p.yaml")
    assert rankflow.metrics("copy")["files_there_before"] == 7

    rankflow.write("p.yaml", PIPELINE.format(source=location("/x"), to="{path: back}"))
    rankflow("run", "-n", 2, "p.yaml")
    assert tree(rankflow.folder / "back") == files
    assert not (rankflow.store / "staged").exists(), "read where it is"
    rankflow.write("p.yaml", PIPELINE.format(source=location("/x/a/0.bin"), to="{path: one}"))
    rankflow("run", "p.yaml")
    assert tree(rankflow.folder / "one") == {"0.bin": files["a/0.bin"]}


def test_an_artifact_goes_to_a_bucket(rankflow, remote):
    location, content, _ = remote
    rankflow.write("p.yaml", f"""\
name: publish
steps:
  make: {{type: command, command: [sh, -c, "echo hello > $0/a; mkdir $0/b; echo x > $0/b/c", "${{{{outputs.o}}}}"], outputs: [o]}}
  copy:
    type: transfer
    inputs: {{data: "${{{{steps.make.outputs.o}}}}"}}
    to: {location()}
""")
    rankflow("run", "p.yaml")
    assert content() == {"a": b"hello\n", "b/c": b"x\n"}
    rankflow("run", "p.yaml")
    assert rankflow.statuses() == {"make": "reused", "copy": "reused"}


def test_other_content_is_an_error_or_overwritten(rankflow, remote):
    location, content, put = remote
    rankflow.write("from/a", "new\n")
    rankflow.write("to/a", "old\n")
    put("a", b"old\n")
    for to in ("{path: to}", location()):
        rankflow.write("p.yaml", PIPELINE.format(source="from", to=to))
        err = rankflow("run", "p.yaml", code=BAD_DATA).err
        assert "/a is there already" in err and "overwrite: true" in err
        rankflow.write("p.yaml", PIPELINE.format(source="from", to=to) + "    overwrite: true\n")
        rankflow("run", "p.yaml")
    assert (rankflow.folder / "to/a").read_text() == "new\n" and content() == {"a": b"new\n"}


def test_a_killed_transfer_goes_on_with_what_is_missing(rankflow):
    files = fill(rankflow.folder / "from", 60, 4_000_000)
    rankflow.write("p.yaml", PIPELINE.format(source="from", to="{path: to}"))
    process = rankflow.start("run", "-n", 2, "p.yaml", start_new_session=True)
    to = rankflow.folder / "to"
    while len([p for p in to.rglob("*.bin")]) < 5 and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = len(list(to.rglob("*.bin")))
    if done == len(files) - 1:
        pytest.skip("the transfer was faster than the kill")
    rankflow("run", "-n", 1, "p.yaml")
    assert {name: data for name, data in tree(to).items() if not name.endswith(".tmp")} == files
    assert rankflow.metrics("copy")["files_there_before"] >= done


def test_wrong_targets(rankflow):
    rankflow.write("from/a", "x")
    for to, said in (("{}", "either"), ("{path: x, url: 's3://b/k'}", "either"), ("{url: 'https://host/x'}", "web server"),
                     ("{path: x, region: y}", "go with `url`"), ("{url: 's3://bucket'}", "whole bucket")):
        rankflow.write("p.yaml", PIPELINE.format(source="from", to=to))
        assert said in rankflow("plan", "p.yaml", code=CONFIGURATION).err
    os.mkfifo(rankflow.folder / "from/fifo")
    rankflow.write("p.yaml", PIPELINE.format(source="from", to="{path: x}"))
    assert "fifo" in rankflow("run", "p.yaml", code=BAD_DATA).err


def test_a_datastore_is_a_target(rankflow, remote, s3):
    location, content, put = remote
    files = fill(rankflow.folder / "from", count=4)
    rankflow.environment |= {"BOTH": "key:secret", "RANKFLOW_SITE": str(rankflow.folder / "site.yaml")}
    rankflow.write("site.yaml", f"""\
datastores:
  lake: {{uri: "s3://{BUCKET}/{rankflow.folder.name}", endpoint: "{s3[0]}", region: us-east-1, credentials: "env:BOTH"}}
  disk: {{path: {rankflow.folder / "disk"}}}
""")
    for to in ("lake:a", "disk:a"):
        rankflow.write("p.yaml", PIPELINE.format(source="from", to=f"{{path: '{to}'}}"))
        rankflow("run", "-n", 2, "p.yaml")
    assert content() == {f"a/{name}": body for name, body in files.items()}
    assert tree(rankflow.folder / "disk/a") == files
    # From one to the other, without a path of this machine between.
    rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source="'lake:a'", to="{path: 'disk:b'}")))
    assert tree(rankflow.folder / "disk/b") == files and not (rankflow.store / "staged").exists()
    rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source="{path: 'lake:a', access: download}", to="{path: 'disk:c'}")))
    assert tree(rankflow.folder / "disk/c") == files and (rankflow.store / "staged").exists()
    for to in ("lake:../x", "lake:.", "lake:a/*", "disk:../x", "lak:x"):
        said = rankflow("plan", rankflow.write("p.yaml", PIPELINE.format(source="from", to=f"{{path: '{to}'}}")), code=CONFIGURATION).err
        assert 'p.yaml:5:3: step "copy": to: ' in said
    (rankflow.folder / "a:b").mkdir()
    rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source="from", to="{path: 'aa:b'}").replace("'aa:b'", "'./a:b'")))
    assert tree(rankflow.folder / "a:b") == files
