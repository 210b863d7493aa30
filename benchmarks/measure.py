"""Measuring several programs against each other: alternating in one run, so that a busy moment hits all alike, and
judged by medians."""
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
RANKFLOW = Path(os.environ.get("RANKFLOW_BIN", SOURCE / "build/release/bin")) / "rankflow"
PEERS = SOURCE / ".venv-peers/bin"


def need(program, hint):
    if not Path(program).exists():
        sys.exit(f"{program} is not there: {hint}")
    return str(program)


def rankflow():
    if os.geteuid() == 0:
        os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return need(RANKFLOW, "launchers/setup builds it")


def run(command, folder):
    """Seconds that `command` took, and what it wrote; it has to succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds, done.stdout + done.stderr


def step_seconds(process, step):
    """Seconds from a step's start to its published output, of a rankflow that was started with --json; it has to succeed."""
    started = finished = None
    for line in process.stdout:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("step") == step and event["event"] == "step_started":
            started = time.perf_counter()
        if event.get("step") == step and event["event"] == "step_finished":
            finished = time.perf_counter()
    if process.wait() != 0 or None in (started, finished):
        sys.exit(f"step {step} was not done: exit {process.returncode}\n{process.stderr.read()[-2000:]}")
    return finished - started


def alternate(cases, rounds):
    """`cases`: {name: function that returns seconds}. Each once per round, in turn. Returns {name: median seconds}."""
    times = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            times[name].append(case())
    return {name: statistics.median(values) for name, values in times.items()}


def training_speed(store):
    """Samples per second of the newest run's training: over all of its epochs, since checkpoints do not fall on every one."""
    runs = Path(store) / "runs"
    lines = (runs / (runs / "latest").read_text().strip() / "metrics.jsonl").read_text().splitlines()
    return statistics.harmonic_mean([row["value"] for row in map(json.loads, lines) if row["name"] == "samples_per_second"])


def machine():
    """A line about where the numbers come from."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}, load {os.getloadavg()[0]:.1f} at the start"


def seconds_text(value):
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


class Verdicts:
    """Claims against limits: printed one by one; the program's exit code tells whether all held."""

    def __init__(self):
        self.failed = False

    def check(self, what, value, limit, at_most):
        holds = value < limit if at_most else value >= limit
        self.failed |= not holds
        print(f"{'holds' if holds else 'FAILS'}: {what}: {value:.2f} ({'less than' if at_most else 'at least'} {limit})")

    def leave(self):
        sys.exit(1 if self.failed else 0)
