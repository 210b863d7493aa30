"""The pipelines in configs/ run as they stand (flights has a file of its own)."""
import shutil

import pytest
from support import SOURCE


@pytest.mark.parametrize("name", ["minimal", "digits", "flights", "mnist"])
def test_every_template_is_a_pipeline_of_configs(rankflow, name):
    rankflow("new", name, f"{name}.yaml")
    steps = [line for line in (rankflow.folder / f"{name}.yaml").read_text().splitlines() if line.startswith("    type:")]
    assert steps == [line for line in (SOURCE / f"configs/{name}.yaml").read_text().splitlines() if line.startswith("    type:")]


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
