"""What a slow rank costs: scoring on 2 ranks of which each in turn gets a quarter of its time (SIGSTOP and SIGCONT, 60 ms and
20 ms), beside the ideal for the speed that remains, and beside a static split: two runs of one rank, half of the rows each,
one of them slowed.

    .venv/bin/python benchmarks/stragglers.py --data DIR [--prefix mnist-] [--rows 1200000] [--rounds 1] [--folder DIR]

The ideal: as long as two ranks take undisturbed, times 2 / 1.25. Seconds from the step's start to published output."""
import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from measure import SOURCE, Verdicts, machine, rankflow, run, step_seconds
from score import Ours

sys.path.insert(0, str(SOURCE / "tests/integration"))
from support import Rankflow, rank_processes  # noqa: E402

PERIOD, SHARE = 0.08, 0.25


class Slowed:
    """Lets a process run for a quarter of the time, until it ends."""

    def __init__(self, pid):
        self.pid, self.stop = pid, threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            while not self.stop.is_set():
                os.kill(self.pid, signal.SIGSTOP)
                time.sleep(PERIOD * (1 - SHARE))
                os.kill(self.pid, signal.SIGCONT)
                time.sleep(PERIOD * SHARE)
        except ProcessLookupError:
            pass

    def end(self):
        self.stop.set()
        self.thread.join()


class Runs:
    def __init__(self, ours):
        self.ours, self.nonce = ours, 2000

    def start(self, store, ranks, rows):
        self.nonce += 1
        return subprocess.Popen([rankflow(), "run", "-n", str(ranks), "score.yaml", "--json", "--set", f"nonce={self.nonce}",
                                 "--input", f"rows={rows}"],
                                cwd=self.ours.folder, env=os.environ | {"RANKFLOW_STORE": str(store), "OMP_NUM_THREADS": "1"},
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def slow(self, process, store, rank):
        flow = Rankflow(self.ours.folder, store)
        while process.poll() is None:
            pid = rank_processes(flow).get(rank)
            if pid:
                return Slowed(pid)
        sys.exit(f"the run ended at once: {process.stderr.read()[-2000:]}")

    def together(self, slow_rank=None):
        store = self.ours.folder / "store"
        process = self.start(store, 2, "rows")
        slowed = None
        if slow_rank is not None:
            for line in process.stdout:
                if '"step_started"' in line:
                    break
            began = time.perf_counter()
            slowed = self.slow(process, store, slow_rank)
            for line in process.stdout:
                if '"step_finished"' in line:
                    break
            seconds = time.perf_counter() - began
            slowed.end()
            if process.wait() != 0:
                sys.exit(f"a run with a slow rank failed: {process.stderr.read()[-2000:]}")
            return seconds
        return step_seconds(process, "score")

    def split(self, slow):
        stores = [self.ours.folder / f"store-{i}" for i in range(2)]
        processes = [self.start(store, 1, "half") for store in stores]
        slowed = self.slow(processes[0], stores[0], 0) if slow else None
        seconds = [0.0, 0.0]
        threads = [threading.Thread(target=lambda i=i: seconds.__setitem__(i, step_seconds(processes[i], "score"))) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if slowed:
            slowed.end()
        return max(seconds)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--prefix", default="")
    arguments.add_argument("--rows", type=int, default=1_200_000, help="a multiple of 120,000")
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--folder")
    arguments = arguments.parse_args()
    print(machine())
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        ours = Ours(root, str(Path(arguments.data).resolve()), arguments.prefix, arguments.rows)
        run([sys.executable, SOURCE / "benchmarks/repeat_dataset.py", ours.prepared, str(arguments.rows // 120_000), ours.folder / "half"],
            ours.folder)
        runs = Runs(ours)
        cases = {"undisturbed": runs.together, "rank 0 slow": lambda: runs.together(0), "rank 1 slow": lambda: runs.together(1),
                 "static split, undisturbed": lambda: runs.split(False), "static split, one slow": lambda: runs.split(True)}
        seconds = {name: [] for name in cases}
        for _ in range(arguments.rounds):
            for name, case in cases.items():
                seconds[name].append(case())
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ideal = median["undisturbed"] * 2 / (1 + SHARE)
    for name, value in median.items():
        print(f"{name:28} {value:7.2f} s")
    print(f"{'ideal with a slow rank':28} {ideal:7.2f} s")
    for rank in range(2):
        verdicts.check(f"rank {rank} slow / ideal", median[f"rank {rank} slow"] / ideal, 1.15, at_most=True)
    verdicts.leave()


if __name__ == "__main__":
    main()
