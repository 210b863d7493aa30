"""A PyTorch DDP program runs unchanged as a `command` step on every rank."""
import json
import sys

import pytest
from support import SOURCE

PEER = SOURCE.parent / "shared/peers/ddp_train.py"


def test_a_ddp_program_runs_on_two_ranks(rankflow):
    rankflow.write("p.yaml", f"""\
name: ddp
steps:
  fit:
    type: command
    command: [{sys.executable}, {SOURCE}/tests/integration/data/ddp_small.py, "${{{{outputs.result}}}}"]
    code: [{SOURCE}/tests/integration/data/ddp_small.py]
    outputs: [result]
    per_rank: true
    resources: {{ranks: all}}
""")
    rankflow("run", "-n", "2", "p.yaml")
    folder, _ = rankflow.artifact("fit", "result")
    ranks = [json.loads((folder / f"rank-{r}.json").read_text()) for r in (0, 1)]
    for rank, result in enumerate(ranks):
        assert (result["rank"], result["world"], result["local_rank"]) == (rank, 2, rank)
        assert result["loss"] < 1e-4
        assert result["launcher_variables"] == [], "the program would take itself for a task of the launcher"
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert ranks[0]["weights"] == pytest.approx([1.0, -2.0, 0.5], abs=0.02)
    rankflow("run", "-n", "2", "p.yaml")
    assert rankflow.statuses() == {"fit": "reused"}


def test_the_mnist_ddp_benchmark(rankflow, mnist):
    if not PEER.is_file():
        pytest.skip(f"{PEER} is not there")
    rankflow.write("p.yaml", f"""\
name: ddp-mnist
inputs:
  mnist:
    path: {mnist}
steps:
  fit:
    type: command
    command: [{sys.executable}, {SOURCE}/tests/integration/data/run_program.py, {PEER}, mlp, "1"]
    inputs: {{mnist: "${{{{inputs.mnist}}}}"}}
    env: {{MNIST: "${{{{inputs.mnist}}}}"}}
    per_rank: true
    resources: {{ranks: all}}
""")
    rankflow("run", "-n", "2", "p.yaml")
    log = rankflow("logs", "fit").out
    assert "mlp 2 ranks" in log
    assert float(log.split(" acc ")[1].split()[0]) > 0.9
