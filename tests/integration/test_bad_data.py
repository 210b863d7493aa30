"""Wrong input data and disks that fail: a clear error with the file and the row, the right exit code, and a store that
is as good as before."""
import gzip
import subprocess

import numpy as np
import pytest
from support import BAD_DATA, IO, PREPARE_ROWS, SOURCE, temporaries

IMAGES = """\
name: images
inputs:
  images: {path: images.gz}
  labels: {path: labels.gz}
steps:
  data:
    type: prepare
    inputs: {images: "${{inputs.images}}", labels: "${{inputs.labels}}"}
"""


def lines(count):
    return ["a,b,y"] + [f"{i},{i * 0.5},{i % 2}" for i in range(count)]


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def refused(flow, *said, code=BAD_DATA, ranks=1):
    result = flow("run", "-n", ranks, "p.yaml", code=code)
    for text in said:
        assert text in result.err, result.err
    assert temporaries(flow.store) == []
    assert not list(flow.store.glob("artifacts/*/*")), "nothing is published"
    return result


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("wrong, said", [("7,x,1", '"x"'), ("7,3.5", "column"), ("7,3.5,1,9", "column")])
def test_a_wrong_row(rankflow, wrong, said, ranks):
    rankflow.write("p.yaml", PREPARE_ROWS)
    rows = lines(1000)
    rows[501] = wrong
    rankflow.write("rows.csv", "\n".join(rows) + "\n")
    err = refused(rankflow, "rows.csv", said, ranks=ranks).err
    assert "501" in err or "502" in err, f"the row or the line is named: {err}"
    rankflow.write("rows.csv", "\n".join(lines(1000)) + "\n")
    rankflow("run", "-n", ranks, "p.yaml")


def test_a_truncated_gzip_file(rankflow):
    whole = (SOURCE / "configs/data/flights-2001q1.csv.gz").read_bytes()
    (rankflow.folder / "rows.csv.gz").write_bytes(whole[:len(whole) // 2])
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "rows.csv.gz").replace("[a, b]", "[distance]")
                   .replace("target: y", "target: delay"))
    refused(rankflow, "rows.csv.gz")


def test_a_target_that_is_not_there(rankflow):
    rankflow.write("p.yaml", PREPARE_ROWS.replace("target: y", "target: z"))
    rankflow.write("rows.csv", "\n".join(lines(10)) + "\n")
    result = rankflow("run", "p.yaml", code=None)
    assert result.code in (BAD_DATA, 78) and '"z"' in result.err, result.err


def test_an_empty_table(rankflow):
    rankflow.write("p.yaml", PREPARE_ROWS)
    rankflow.write("rows.csv", "a,b,y\n")
    refused(rankflow, "rows.csv")


def test_missing_and_wrong_label_files(rankflow):
    rankflow.write("p.yaml", IMAGES)
    (rankflow.folder / "images.gz").write_bytes(idx(np.zeros((10, 4, 4))))
    refused(rankflow, "labels.gz", code=IO)
    (rankflow.folder / "labels.gz").write_bytes(idx(np.zeros(9)))
    refused(rankflow, "labels.gz", "9", "10")
    (rankflow.folder / "labels.gz").write_bytes(gzip.compress(b"not IDX at all"))
    refused(rankflow, "labels.gz")
    (rankflow.folder / "labels.gz").write_bytes(idx(np.arange(10)))
    (rankflow.folder / "images.gz").write_bytes(idx(np.zeros((10, 4, 4)))[:30])
    refused(rankflow, "images.gz")


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_full_disk(rankflow, root, ranks):
    disk = rankflow.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", disk]).returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        rankflow.store = disk / "store"
        rankflow.environment["RANKFLOW_STORE"] = str(rankflow.store)
        rankflow.write("p.yaml", PREPARE_ROWS)
        rankflow.write("rows.csv", "\n".join(lines(100_000)) + "\n")
        result = refused(rankflow, "No space left", str(disk), code=IO, ranks=ranks)
        assert result.err.count("No space left") == 1, "one clear line"
        rankflow.write("rows.csv", "\n".join(lines(1000)) + "\n")
        rankflow("run", "-n", ranks, "p.yaml")
        assert rankflow.statuses() == {"data": "done"}, "goes on once there is room"
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
