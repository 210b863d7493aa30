"""Training that was killed goes on, and ends with the same bytes as training that was not."""
import json
import os
import re
import signal
import sys

import pytest
from support import SOURCE, Rankflow, rank_processes, temporaries, wait_until

PIPELINE = f"""\
name: resume
inputs:
  digits: {{path: {SOURCE}/configs/data/digits.csv.gz}}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.digits}}}}"}}
    header: false
    target: c64
    task: classification
  fit:
    type: train
    inputs: {{train: "${{{{steps.data.outputs.data}}}}"}}
    model: {{type: mlp, hidden: [256, 256], dropout: 0.1}}
    optimizer: {{type: adamw}}
    epochs: 60
    batch_size: 32
    checkpoint: {{every_epochs: 0, every_batches: 50, every_seconds: 0}}
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The digest of the model after training in peace, on two ranks."""
    folder = tmp_path_factory.mktemp("undisturbed")
    flow = Rankflow(folder, folder / "store")
    flow.write("p.yaml", PIPELINE)
    flow("run", "-n", "2", "p.yaml")
    return flow.artifact("fit", "model")[1]


@pytest.fixture
def flow(rankflow):
    rankflow.write("p.yaml", PIPELINE)
    return rankflow


def during_training(flow, process, at_least):
    """Reads events until the training has done a share `at_least` of its work."""
    for line in process.stdout:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "step_progress" and event["step"] == "fit" and event["done"] >= at_least * event["total"]:
            return
    raise AssertionError(f"the run ended before that: {process.stderr.read()}")


@pytest.mark.parametrize("victim, share", [(1, 0.2), (0, 0.5)])
def test_killed_and_started_again_by_hand(flow, undisturbed, victim, share):
    process = flow.start("run", "-n", "2", "p.yaml", "--json", "--restarts", "0")
    during_training(flow, process, share)
    os.kill(rank_processes(flow)[victim], signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode not in (0, None), err
    assert rank_processes(flow) == {}, "no rank is left behind"
    names = sorted(path.name for path in (flow.store / "checkpoints").rglob("*.h5"))
    parts = [name for name in names if name.startswith("part-")]
    assert len(names) > len(parts) >= 2, f"each of the two ranks writes its part of a checkpoint: {names}"
    result = flow("run", "-n", "2", "p.yaml", "--json")
    starts = [e for e in result.events() if e["event"] == "step_progress" and e["step"] == "fit"]
    assert starts[0]["done"] > 0, "goes on from the checkpoint, not from the start"
    assert flow.statuses() == {"data": "reused", "fit": "done"}
    assert flow.artifact("fit", "model")[1] == undisturbed
    assert temporaries(flow.store) == [], "what the killed rank was writing is removed by the next run"


def test_killed_and_started_again_by_the_supervisor(flow, undisturbed):
    process = flow.start("run", "-n", "2", "p.yaml", "--json")
    during_training(flow, process, 0.3)
    os.kill(rank_processes(flow)[1], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert flow.last_run()["attempts"] == 2
    assert len(flow.runs()) == 1, "the same run goes on"
    assert flow.artifact("fit", "model")[1] == undisturbed


def test_a_rank_that_hangs_is_named_with_what_it_owes(flow, undisturbed):
    process = flow.start("run", "-n", "2", "p.yaml", "--json", "--hang-limit", "4")
    during_training(flow, process, 0.3)
    os.kill(rank_processes(flow)[1], signal.SIGSTOP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert rank_processes(flow) == {}, "no rank is left behind"
    said = out + err
    assert "rank 1 (" in said and "has given no sign of life for" in said, said
    # A training that is this short may end before the rank's first sign of life in it.
    entered = "rank 1 has not entered call " in said and "in which rank 0 has waited for" in said
    heard = "rank 0 has waited for " in said and "which 1 of its 2 ranks has not been heard of in" in said
    assert entered or heard, said
    # Gradients that are added up in shared memory are waited for at barriers, sums of losses in reductions.
    assert re.search(r"call \d+, (barrier\(\)|all_reduce\(sum of)", said), said
    flow("run", "-n", "2", "p.yaml")
    assert flow.artifact("fit", "model")[1] == undisturbed


SCRIPTED = """\
import os, time
def run(rows):
    open("pid", "w").write(str(os.getpid()))
    time.sleep(300)
"""

WAITING = {
    "command": "{type: command, command: [sh, -c, 'echo $$ > pid; exec sleep 300']}",
    "shell": "{type: command, command: [sh, -c, 'sleep 300 & echo $! > pid; wait $!']}",
    "script": "{type: prepare, inputs: {data: '${{inputs.digits}}'}, header: false, entry_script: wait.py, python: %s}" % sys.executable,
}


@pytest.mark.parametrize("kind", WAITING)
@pytest.mark.parametrize("to", ["launcher", "rank 1"])
def test_a_program_that_gets_the_signal_before_its_rank(flow, kind, to):
    """As with Slurm, which sends it to all processes of a job, one after the other."""
    flow.write("wait.py", SCRIPTED)
    beginning = PIPELINE[:PIPELINE.index("steps:")]
    flow.write("p.yaml", f"{beginning}steps:\n  wait: {WAITING[kind]}\n  after: {{type: command, command: ['true'], after: [wait]}}\n")
    process = flow.start("run", "-n", "2", "p.yaml")
    pid = wait_until(lambda: (flow.folder / "pid").exists() and (flow.folder / "pid").read_text().strip(), "the program waits")
    os.kill(int(pid), signal.SIGUSR2)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the program is gone")
    process.send_signal(signal.SIGUSR2) if to == "launcher" else os.kill(rank_processes(flow)[1], signal.SIGUSR2)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 75, err
    assert flow.statuses() == {"wait": "stopped", "after": "stopped"}


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_stopped_by_a_signal(flow, undisturbed, sent):
    process = flow.start("run", "-n", "2", "p.yaml", "--json")
    during_training(flow, process, 0.3)
    process.send_signal(sent)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 75, err
    assert flow.last_run()["status"] == "stopped"
    flow("run", "-n", "2", "p.yaml")
    assert flow.artifact("fit", "model")[1] == undisturbed
