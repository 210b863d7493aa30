"""On which device a step runs: what is asked for and can't be is refused before anything runs."""
import pytest
from support import CONFIGURATION, PREPARE_ROWS

TRAINING = PREPARE_ROWS + """\
  fit:
    type: train
    inputs: {train: "${{steps.data.outputs.data}}"}
    model: {type: mlp, hidden: [4]}
    epochs: 1
"""


@pytest.fixture
def table(rankflow):
    rankflow.write("rows.csv", "a,b,y\n" + "".join(f"{i},{i * 0.5},{i % 2}\n" for i in range(64)))
    rankflow.write("p.yaml", TRAINING)
    return rankflow


@pytest.mark.parametrize("setting, said", [
    ("fit.resources.device=cuda", "step fit: resources.device is cuda, but this program was built without CUDA"),
    ("data.resources.device=cuda", "step data: resources.device is cuda, but steps of this type run on the CPU"),
    ("fit.precision=float16", "step fit would run on the CPU, but precision float16 needs a GPU"),
    ("fit.resources.device=gpu", "cuda"),
])
@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_device_that_can_not_be(table, command, setting, said):
    result = table(command, "p.yaml", "--set", setting, code=CONFIGURATION)
    assert said in result.err, result.err
    assert not list(table.store.glob("artifacts/*/*")), "nothing ran"


def test_auto_is_the_cpu_without_cuda(table):
    table("run", "p.yaml")
    again = table("run", "p.yaml", "--set", "fit.resources.device=cpu")
    assert table.statuses() == {"data": "reused", "fit": "reused"}, again.out
    log = next(table.store.glob("runs/*/logs/fit/rank-0.log")).read_text()
    assert "device" in log and "CPU" in log
