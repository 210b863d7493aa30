"""NumPy and HDF5 files as tables of a prepare step: the same datasets as from CSV, on any number of ranks; and files that were
damaged, or made to mislead."""
import gzip
import io
import os

import h5py
import numpy as np
import pytest
from support import BAD_DATA, temporaries, tree_digest

ROWS = 5000
PIPELINE = """\
name: arrays
inputs:
  x: {{path: {x}}}
  y: {{path: y.npy}}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.x}}}}"{more}}}
    target: y
    task: classification
    rows_per_part: 999
"""


def table():
    rng = np.random.default_rng(1)
    return {"a": rng.normal(size=ROWS), "b": rng.integers(-5, 5, ROWS), "y": rng.integers(0, 3, ROWS)}


def write(rankflow, x, more="", extra=""):
    rankflow.write("p.yaml", PIPELINE.format(x=x, more=more) + extra)


def parts(rankflow):
    folder, _ = rankflow.artifact("data", "data")
    files = [h5py.File(p) for p in sorted(folder.glob("part-*.h5"))]
    return {name: np.concatenate([f[name][:] for f in files]) for name in files[0]}


def from_csv(rankflow, columns):
    """The dataset that the same rows give as CSV."""
    lines = [",".join(columns)] + [",".join(map(repr, map(lambda v: v.item(), row))) for row in zip(*columns.values())]
    rankflow.write("rows.csv", "\n".join(lines) + "\n")
    write(rankflow, "rows.csv")
    rankflow("run", "p.yaml")
    return parts(rankflow)


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def test_hdf5_datasets_are_columns(rankflow):
    columns = table()
    expected = from_csv(rankflow, columns)
    digests = set()
    for options in ({}, {"chunks": (700,), "compression": "gzip", "shuffle": True, "fletcher32": True}):
        with h5py.File(rankflow.folder / "x.h5", "w") as f:
            for name, values in columns.items():
                f.create_dataset(name, data=values, **options)
        write(rankflow, "x.h5")
        for ranks in (1, 2, 3):
            rankflow("run", "-n", ranks, "--force-all", "p.yaml")
            digests.add(tree_digest(rankflow.artifact("data", "data")[0]))
    assert len(digests) == 1
    same(parts(rankflow), expected)


def test_hdf5_types_groups_and_two_dimensions(rankflow):
    with h5py.File(rankflow.folder / "x.h5", "w") as f:
        f["g/m"] = np.arange(20, dtype=">f4").reshape(10, 2)
        f["flag"] = np.arange(10) % 2 == 0
        f["name"] = ["größe" if i % 3 else "x" for i in range(10)]
        f["fixed"] = np.array([b"ab", b"c"] * 5)
        f["y"] = np.arange(10, dtype=np.uint8) % 3
        f["image"] = np.zeros((10, 3, 3))
    write(rankflow, "x.h5")
    assert '"g"' in rankflow("run", "p.yaml", code=BAD_DATA).err
    write(rankflow, "x.h5", extra="    datasets: [g/m, flag, name, fixed, y]\n    scaling: none\n")
    rankflow("run", "p.yaml")
    data = parts(rankflow)
    assert data["features"].shape == (10, 3) and list(data["features"][:, 0]) == list(range(0, 20, 2))
    assert data["categories"].shape == (10, 2)
    write(rankflow, "x.h5", extra="    datasets: [y, image]\n")
    assert '"image" has 3 dimensions' in rankflow("run", "p.yaml", code=BAD_DATA).err
    write(rankflow, "x.h5", extra="    datasets: [y, none]\n")
    assert '"none" is not there' in rankflow("run", "p.yaml", code=BAD_DATA).err


@pytest.mark.parametrize("change", [np.asarray, np.asfortranarray, lambda x: x.astype(">f8")], ids=["C", "Fortran", "big endian"])
def test_npy_features_and_target(rankflow, change):
    columns = table()
    expected = from_csv(rankflow, {"c0": columns["a"], "c1": columns["b"].astype(float), "y": columns["y"]})
    np.save(rankflow.folder / "x.npy", change(np.stack([columns["a"], columns["b"]], axis=1)))
    np.save(rankflow.folder / "y.npy", columns["y"].astype(np.int16))
    write(rankflow, "x.npy", ', target: "${{inputs.y}}"')
    digests = set()
    for ranks in (1, 2):
        rankflow("run", "-n", ranks, "--force-all", "p.yaml")
        digests.add(tree_digest(rankflow.artifact("data", "data")[0]))
    assert len(digests) == 1
    same(parts(rankflow), expected)


def test_npy_structured_and_compressed(rankflow):
    columns = table()
    expected = from_csv(rankflow, columns)
    array = np.zeros(ROWS, dtype=[("a", "f8"), ("b", "i4"), ("y", "u1")])
    for name in columns:
        array[name] = columns[name]
    buffer = io.BytesIO()
    np.save(buffer, array)
    (rankflow.folder / "x.npy.gz").write_bytes(gzip.compress(buffer.getvalue()))
    write(rankflow, "x.npy.gz")
    rankflow("run", "p.yaml")
    same(parts(rankflow), expected)


def npy(path, array, change=lambda data: data):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    path.write_bytes(change(buffer.getvalue()))


def hdf5(make):
    def write_file(path):
        with h5py.File(path, "w") as f:
            f["y"] = np.arange(100) % 3
            make(f, path.parent)
    return write_file


def cut_hdf5(path):
    hdf5(lambda f, _: f.create_dataset("a", data=np.arange(100.0)))(path)
    path.write_bytes(path.read_bytes()[:-300])


def damaged_chunk(path):
    hdf5(lambda f, _: f.create_dataset("a", data=np.arange(100.0), chunks=(50,), compression="gzip"))(path)
    with h5py.File(path) as f:
        offset = f["a"].id.get_chunk_info(1).byte_offset
    data = bytearray(path.read_bytes())
    data[offset:offset + 20] = b"\xff" * 20
    path.write_bytes(data)


def external_storage(f, folder):
    (folder / "secret").write_bytes(np.arange(100.0).tobytes())
    f.create_dataset("a", (100,), "f8", external=[(str(folder / "secret"), 0, 800)])


def virtual(f, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["z"] = np.arange(100.0)
    layout = h5py.VirtualLayout(shape=(100,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "z", shape=(100,))
    f.create_virtual_dataset("a", layout)


def linked_group(f, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["g/a"] = np.arange(100.0)
    f["g"] = h5py.ExternalLink("other.h5", "/g")


DAMAGE = {
    "npy cut off": ("x.npy", lambda p: npy(p, np.zeros((100, 2)), lambda d: d[:-9]), "cut off"),
    "npy with bytes too many": ("x.npy", lambda p: npy(p, np.zeros((100, 2)), lambda d: d + b"x"), "1601 bytes"),
    "npy cut off in its header": ("x.npy", lambda p: npy(p, np.zeros(3), lambda d: d[:40]), "header"),
    "npy of objects": ("x.npy", lambda p: npy(p, np.array([{}, 1], dtype=object)), "Python objects"),
    "npy of texts": ("x.npy", lambda p: npy(p, np.array(["a", "b"])), "<U1"),
    "npy of complex numbers": ("x.npy", lambda p: npy(p, np.zeros(3, complex)), "<c16"),
    "npy of three dimensions": ("x.npy", lambda p: npy(p, np.zeros((3, 3, 3))), "3 dimensions"),
    "npy without rows": ("x.npy", lambda p: npy(p, np.zeros((0, 3))), "no value"),
    "npy that asks for everything": ("x.npy", lambda p: npy(p, np.zeros((9, 9)), lambda d: d.replace(b"(9, 9)", b"(1<<62")), "header"),
    "npy of an impossible size": ("x.npy", lambda p: npy(p, np.zeros((9, 9)), lambda d: d.replace(b"(9, 9), }   ", b"(99999999, 9)}")), "says"),
    "a text named .npy": ("x.npy", lambda p: p.write_text("hello, world"), "no .npy file"),
    "an empty .npy": ("x.npy", lambda p: p.write_bytes(b""), "empty"),
    "HDF5 cut off": ("x.h5", cut_hdf5, "x.h5"),
    "a text named .h5": ("x.h5", lambda p: p.write_text("hello, world"), "x.h5"),
    "HDF5 without datasets": ("x.h5", lambda p: h5py.File(p, "w").close(), "no dataset"),
    "HDF5 with a damaged chunk": ("x.h5", damaged_chunk, "x.h5"),
    "HDF5 with columns of other lengths": ("x.h5", hdf5(lambda f, _: f.create_dataset("a", data=np.zeros(99))), "100 rows"),
    "HDF5 with an external link": ("x.h5", hdf5(lambda f, _: f.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/"))), "a link"),
    "HDF5 with a soft link": ("x.h5", hdf5(lambda f, _: f.__setitem__("a", h5py.SoftLink("/y"))), "a link"),
    "HDF5 with external storage": ("x.h5", hdf5(external_storage), "another file"),
    "HDF5 that is virtual": ("x.h5", hdf5(virtual), "virtual"),
    "HDF5 with a linked group": ("x.h5", hdf5(linked_group), "a link"),
    "HDF5 that declares what it does not store": ("x.h5", hdf5(lambda f, _: f.create_dataset("a", (2 ** 45,), chunks=(1000,))), "stores 0"),
    "HDF5 with huge chunks": ("x.h5", hdf5(lambda f, _: f.create_dataset("a", (2 ** 28,), "f8", chunks=(2 ** 28,))), "chunks of more"),
    "HDF5 with a filter of others": ("x.h5", hdf5(lambda f, _: f.create_dataset("a", data=np.zeros(100), chunks=(10,), compression="lzf")), "filter 32000"),
    "HDF5 of compound types": ("x.h5", hdf5(lambda f, _: f.create_dataset("a", data=np.zeros(100, [("p", "f8")]))), "type"),
    "HDF5 with text that is not UTF-8": ("x.h5", hdf5(lambda f, _: f.create_dataset("a", data=np.array([b"\xff\xfe"] * 100))), "UTF-8"),
}


@pytest.mark.parametrize("name, make, said", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_and_misleading_files(rankflow, name, make, said):
    make(rankflow.folder / name)
    write(rankflow, name, extra="    features: {numeric: [c0]}\n" if name == "x.npy" else "")
    result = rankflow("run", "p.yaml", code=BAD_DATA)
    assert name in result.err and said in result.err, result.err
    assert temporaries(rankflow.store) == [] and not list(rankflow.store.glob("artifacts/*/*"))


def test_arrays_of_other_lengths_and_fifos(rankflow):
    np.save(rankflow.folder / "x.npy", np.zeros((10, 2)))
    np.save(rankflow.folder / "y.npy", np.zeros(9, int))
    write(rankflow, "x.npy", ', target: "${{inputs.y}}"')
    err = rankflow("run", "p.yaml", code=BAD_DATA).err
    assert "y.npy has 9 rows" in err
    (rankflow.folder / "x.npy").unlink()
    os.mkfifo(rankflow.folder / "x.npy")
    assert "x.npy" in rankflow("run", "p.yaml", code=BAD_DATA).err
