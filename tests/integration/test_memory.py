"""A control group's memory limit, as Slurm sets one for a job: what reached it is said, with the limit, and nothing is
started again only to reach it again."""
import os

import pytest
from control_group import ControlGroup
from support import PREPARE_ROWS, STEP_FAILED, STOPPED

LIMIT = 1500 << 20  # bytes

COMMAND = """\
name: greedy
steps:
  eat: {type: command, command: [python3, -c, "print('eating', flush=True); x = bytearray(3 << 30); print(len(x))"]}
"""
TRAIN = PREPARE_ROWS + """\
  train:
    type: train
    inputs: {train: "${{steps.data.outputs.data}}"}
    model: {type: mlp, hidden: [20000, 20000]}
    epochs: 1
"""


@pytest.fixture
def group(root):
    try:
        made = ControlGroup(f"rankflow-test-{os.getpid()}", LIMIT)
    except OSError as e:
        pytest.skip(f"no control group with a memory limit can be made: {e}")
    with made:
        yield made


def test_a_command_that_reaches_the_limit(rankflow, group):
    rankflow.write("p.yaml", COMMAND)
    result = rankflow("run", "p.yaml", code=STEP_FAILED, prefix=group.enter)
    assert "out of memory" in result.err and "the memory limit of 1.6 GB was reached" in result.err, result.err
    assert "eating" in result.err, "the program's last words are shown as well"


def test_a_training_that_reaches_the_limit(rankflow, group):
    rankflow.write("p.yaml", TRAIN)
    rankflow.write("rows.csv", "\n".join(["a,b,y"] + [f"{i},{i * 0.5},{i % 2}" for i in range(400)]) + "\n")
    result = rankflow("run", "-n", 2, "p.yaml", code=STOPPED, prefix=group.enter)
    assert "out of memory" in result.err and "the memory limit of 1.6 GB was reached" in result.err, result.err
    assert "starting again" not in result.err
    rankflow("plan", "p.yaml")
