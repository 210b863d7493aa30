"""slurm/rankflow.sbatch on a Slurm of our own: a pipeline runs on two tasks, a second job reuses everything, and a job
that was told to stop is requeued and goes on."""
import json

import pytest
from slurm_cluster import SlurmCluster, missing_programs
from support import BIN, SOURCE, Rankflow, wait_until

PIPELINE = """\
name: batch
steps:
  ranks:
    type: command
    command: [sh, -c, 'echo "$RANK of $WORLD_SIZE" > "$1/rank-$RANK"', sh, "${{outputs.o}}"]
    outputs: [o]
    per_rank: true
    resources: {ranks: all}
  count:
    type: command
    command: [sh, -c, 'ls "$1" | wc -l > "$2/n"', sh, "${{steps.ranks.outputs.o}}", "${{outputs.o}}"]
    outputs: [o]
"""

# Waits the first time, until it is told to stop; then there is a mark and it finishes.
STOPPABLE = """\
name: stoppable
steps:
  before:
    type: command
    command: [sh, -c, 'echo done > "$1/f"', sh, "${{outputs.o}}"]
    outputs: [o]
  wait:
    type: command
    command: [sh, -c, 'if [ -e mark ]; then echo second > "$1/f"; else touch mark; exec sleep 300; fi', sh, "${{outputs.o}}"]
    outputs: [o]
    after: [before]
"""


@pytest.fixture(scope="module")
def cluster(root, tmp_path_factory):
    if missing_programs():
        pytest.skip(f"Slurm is not installed: {', '.join(missing_programs())} missing")
    with SlurmCluster(tmp_path_factory.mktemp("slurm") / "slurm") as cluster:
        yield cluster


@pytest.fixture
def flow(cluster, tmp_path):
    """rankflow's folder and store, with the environment that sbatch passes on to the job."""
    flow = Rankflow(tmp_path, tmp_path / "store")
    for name in ("RANKFLOW_STORE", "OMP_NUM_THREADS"):
        cluster.environment[name] = flow.environment[name]
    cluster.environment["RANKFLOW"] = str(BIN / "rankflow")
    return flow


def submit(cluster, flow, *words):
    return cluster.run("sbatch", "--parsable", f"--chdir={flow.folder}", "--ntasks=2", "--overcommit",
                       str(SOURCE / "slurm/rankflow.sbatch"), *words).strip()


def log_of(flow, job):
    return (flow.folder / f"rankflow-{job}.out").read_text()


def test_a_pipeline_runs_and_is_reused(cluster, flow):
    flow.write("p.yaml", PIPELINE)
    job = submit(cluster, flow, "p.yaml")
    assert cluster.wait_for_end(job) == "COMPLETED", log_of(flow, job)
    assert flow.statuses() == {"ranks": "done", "count": "done"}
    assert (flow.artifact("count", "o")[0] / "n").read_text().strip() == "2"
    folder, _ = flow.artifact("ranks", "o")
    assert (folder / "rank-1").read_text() == "1 of 2\n"

    job = submit(cluster, flow, "p.yaml")
    assert cluster.wait_for_end(job) == "COMPLETED", log_of(flow, job)
    assert flow.statuses() == {"ranks": "reused", "count": "reused"}
    assert len(flow.runs()) == 2, "a run per job, not per task"


def test_a_stopped_job_is_requeued_and_goes_on(cluster, flow):
    flow.write("p.yaml", STOPPABLE)
    job = submit(cluster, flow, "p.yaml")

    def state():
        return cluster.run("scontrol", "show", "job", job, "--oneliner") + log_of(flow, job)

    wait_until((flow.folder / "mark").exists, f"the step waits, job {job}", 60)
    cluster.run("scancel", "--signal=USR2", job)  # what --signal does before the time limit
    wait_until(lambda: cluster.job_field(job, "Restarts") == "1", "the job is requeued", 60, state)
    # Slurm keeps a requeued job back for two minutes, so that the end of its first attempt isn't taken for the end of its
    # second. Here it is enough to see that the first one is gone.
    wait_until(lambda: cluster.job_field(job, "JobState") == "PENDING" and not cluster.processes_of(job), "attempt 1 is gone")
    cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")
    assert cluster.wait_for_end(job) == "COMPLETED", log_of(flow, job)
    assert cluster.job_field(job, "Comment") == "requeued:1"
    assert flow.statuses()["wait"] == "done"
    assert (flow.artifact("wait", "o")[0] / "f").read_text() == "second\n"
    assert "attempt 1" in log_of(flow, job) and "attempt 2" in log_of(flow, job)
    starts = [json.loads(p.read_text()) for p in flow.store.glob("runs/*/run.json")]
    assert sum(record["steps"].get("before", {}).get("status") == "done" for record in starts) == 1, "done once"


def test_a_failed_pipeline_is_a_failed_job(cluster, flow):
    flow.write("p.yaml", "name: bad\nsteps:\n  bad:\n    type: command\n    command: ['false']\n")
    job = submit(cluster, flow, "p.yaml")
    assert cluster.wait_for_end(job) == "FAILED"
    assert cluster.job_field(job, "ExitCode") == "1:0"
    assert cluster.job_field(job, "Restarts") == "0"
