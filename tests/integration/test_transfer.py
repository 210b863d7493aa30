"""Copying between folders, artifacts and an object store: in parallel, checked, and going on after a kill."""
import csv
import hashlib
import os
import signal
import time

import pytest
from support import BAD_DATA, CONFIGURATION, rank_processes, wait_until, web_page

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
    # The ranks first: after mpirun's end they would go on for up to two seconds.
    for rank in rank_processes(rankflow).values():
        os.kill(rank, signal.SIGKILL)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not rank_processes(rankflow), "the ranks are gone")
    done = len(list(to.rglob("*.bin")))
    assert done < len(files) - 1, "killed before the end"
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
    (rankflow.folder / "disk").mkdir()
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


def test_a_target_inside_of_the_source_is_refused(rankflow, remote):
    location, content, put = remote
    files = fill(rankflow.folder / "from", count=3)
    (rankflow.folder / "link").symlink_to("from/a")
    put("in/a", b"a")
    for source, to in (("from", "{path: from/copy}"), ("from", "{path: link/copy}"), ("from", "{path: from}"), (location("/in"), location("/in/copy"))):
        rankflow.write("p.yaml", PIPELINE.format(source=source, to=to))
        assert "which is to be copied" in rankflow("run", "p.yaml", code=CONFIGURATION).err
    assert tree(rankflow.folder / "from") == files and content() == {"in/a": b"a"}
    rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source="from", to="{path: from-copy}")))


def test_what_else_is_in_the_target_stays(rankflow):
    rankflow.write("from/a", "new")
    rankflow.write("from/tool", "#!/bin/sh\n").chmod(0o755)
    to = rankflow.folder / "to"
    to.mkdir()
    (to / "outside").symlink_to("/etc/passwd")
    (to / "nowhere").symlink_to("nosuch")
    os.mkfifo(to / "fifo")
    (to / os.fsdecode(b"caf\xe9")).write_text("")
    before = sorted(os.listdir(os.fsencode(to)))
    rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source="from", to="{path: to}")))
    assert sorted(os.listdir(os.fsencode(to))) == sorted([*before, b"a", b"tool"])
    assert os.access(to / "tool", os.X_OK) and (to / "a").stat().st_mode & 0o111 == 0
    (to / "tool").chmod(0o644)
    rankflow("run", "p.yaml")
    assert os.access(to / "tool", os.X_OK), "the same bytes, but not executable"
    (to / "a").unlink()
    (to / "a").symlink_to("nosuch")
    assert "is no regular file" in rankflow("run", "p.yaml", code=BAD_DATA).err
    assert (to / "a").is_symlink()


def test_a_web_file_is_fetched_and_copied(rankflow):
    with web_page(b"a,b\n1,2\n") as (address, _):
        digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
        rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source=f'{{url: "{address}", sha256: {digest}}}', to="{path: to}")))
    assert tree(rankflow.folder / "to") == {"rows.csv": b"a,b\n1,2\n"}


def test_credentials_in_files_beside_the_pipeline(rankflow, remote):
    location, content, _ = remote
    rankflow.write("from/a", "x")
    rankflow.write("secret", "secret\n").chmod(0o600)
    to = location().replace("env:MY_SECRET", "'file:secret'")
    rankflow("run", rankflow.write("p.yaml", PIPELINE.format(source="from", to=to)))
    assert content() == {"a": b"x"}
