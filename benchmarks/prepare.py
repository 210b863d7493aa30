"""Preparing a CSV file: rankflow on 2 ranks beside polars with the same transforms; and how time and memory grow with the rows.

    benchmarks/prepare.py [--rounds N] [--copies 40] [--folder DIR] [--csv FILE.csv.gz] [--no-growth]
    benchmarks/prepare.py --gigabytes 4 --memory-mb 1024      # as root: only that, in a control group with so much memory

The file is the flights data so many times over (40: 221 MB). rankflow's time is that of its step, up to the published datasets,
checksums and fsync included; polars' goes from reading to the last fsync of three Parquet files, with as many threads as cores."""
import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import PEERS, SOURCE, Verdicts, alternate, machine, need, rankflow, run

sys.path.insert(0, str(SOURCE / "tests/integration"))
from control_group import ControlGroup  # noqa: E402

LIMIT = 2.0  # times polars

PIPELINE = """
name: prepare
inputs: {flights: {path: flights.csv}}
steps:
  prepare:
    type: prepare
    inputs: {data: "${{inputs.flights}}"}
    derive: {month: date / 1000000, hour: date / 100 % 100, late: delay > 15}
    target: late
    features: {numeric: [distance], categorical: [origin, destination, hour, month]}
    split: {train: 0.8, validation: 0.1, test: 0.1}
    seed: 1
"""


def write_copies(source, path, copies):
    head, _, rows = gzip.open(source).read().partition(b"\n")
    with open(path, "wb") as out:
        out.write(head + b"\n")
        for _ in range(copies):
            out.write(rows)
    return rows.count(b"\n") * copies


def prepare(folder, ranks=2, prefix=()):
    """Seconds of the step, in a store of its own."""
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    run([*prefix, rankflow(), "run", "--quiet", "-n", str(ranks), "--store", str(store), "prepare.yaml"], folder)
    record = json.loads(next((store / "runs").glob("*/run.json")).read_text())
    return record["steps"]["prepare"]["seconds"]


def polars(folder):
    out = folder / "polars"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    python = need(PEERS / "python", "benchmarks/peers/setup makes it")
    done = subprocess.run([python, SOURCE / "benchmarks/peers/polars_prepare.py", folder / "flights.csv", out], capture_output=True,
                          text=True, check=True)
    return float(done.stdout)


def in_little_memory(arguments):
    with (tempfile.TemporaryDirectory(dir=arguments.folder) as folder,
          ControlGroup(f"rankflow-prepare-{os.getpid()}", arguments.memory_mb << 20) as group):
        folder = Path(folder)
        (folder / "prepare.yaml").write_text(PIPELINE)
        write_copies(arguments.csv, folder / "flights.csv", 1)
        copies = round(arguments.gigabytes * (1 << 30) / (folder / "flights.csv").stat().st_size)
        rows = write_copies(arguments.csv, folder / "flights.csv", copies)
        seconds = prepare(folder, prefix=group.enter)
        print(f"{rows:,} rows, {(folder / 'flights.csv').stat().st_size / (1 << 30):.2f} GiB, in {arguments.memory_mb} MiB of memory, page cache "
              f"included: {seconds:.1f} s, {seconds / rows * 1e9:.0f} ns a row")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--copies", type=int, default=40)
    arguments.add_argument("--folder")
    arguments.add_argument("--csv", default=SOURCE / "configs/data/flights-2001q1.csv.gz")
    arguments.add_argument("--no-growth", action="store_true")
    arguments.add_argument("--gigabytes", type=float)
    arguments.add_argument("--memory-mb", type=int, default=1024)
    arguments = arguments.parse_args()
    print(machine())
    if arguments.gigabytes:
        return in_little_memory(arguments)
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        folder = Path(folder)
        (folder / "prepare.yaml").write_text(PIPELINE)
        rows = write_copies(arguments.csv, folder / "flights.csv", arguments.copies)
        size = (folder / "flights.csv").stat().st_size
        times = alternate({"rankflow, 2 ranks": lambda: prepare(folder), "polars": lambda: polars(folder)}, arguments.rounds)
        print(f"{rows:,} rows, {size / 1e6:.0f} MB:")
        for name, seconds in times.items():
            print(f"{name:20} {seconds:6.2f} s {size / seconds / 1e6:6.0f} MB/s")
        verdicts.check("rankflow / polars", times["rankflow, 2 ranks"] / times["polars"], LIMIT, at_most=True)
        if not arguments.no_growth:
            per_row = {}
            for copies in (arguments.copies // 8, arguments.copies // 2, arguments.copies * 5 // 2):
                rows = write_copies(arguments.csv, folder / "flights.csv", copies)
                per_row[rows] = prepare(folder) / rows
                print(f"{rows:12,} rows: {per_row[rows] * 1e9:6.0f} ns a row")
            least, most = min(per_row), max(per_row)
            verdicts.check(f"time a row, {most // least} times as many rows", per_row[most] / per_row[least], 1.2, at_most=True)
    verdicts.leave()


if __name__ == "__main__":
    main()
