"""The pipelines in configs/ run as they stand (flights has a file of its own)."""
import shutil

from support import SOURCE


def test_minimal(rankflow):
    rankflow("run", SOURCE / "configs/minimal.yaml")
    assert set(rankflow.statuses().values()) == {"done"}
    rankflow("run", SOURCE / "configs/minimal.yaml", "--set", "least=50")
    assert rankflow.statuses() == {"sort": "reused", "count": "reused", "common": "done"}


def test_digits(rankflow):
    rankflow("run", "-n", "2", SOURCE / "configs/digits.yaml")
    assert rankflow.metrics("evaluate")["accuracy"] > 0.93
    rankflow("run", "-n", "2", SOURCE / "configs/digits.yaml")
    assert set(rankflow.statuses().values()) == {"reused"}


def test_mnist(rankflow, mnist):
    folder = rankflow.folder / "mnist"
    folder.mkdir()
    for kind in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        shutil.copy(mnist / f"mnist-{kind}-ubyte.gz", folder / f"{kind}-ubyte.gz")
    rankflow("run", "-n", "2", SOURCE / "configs/mnist.yaml", "--input", f"mnist={folder}")
    assert rankflow.metrics("evaluate")["accuracy"] >= 0.985
