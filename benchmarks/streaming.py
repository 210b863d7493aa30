"""Training on a dataset that memory does not hold: bytes of rows per second, with a shuffle in windows that are read ahead,
beside reading the same files from the first byte to the last.

    benchmarks/streaming.py [--gigabytes 2] [--memory-mb 1000] [--disk-mb 150] [--rounds N] [--folder DIR] [--all-rows]

Everything runs in a control group with so much memory, page cache included, and a disk that gives so many MB/s, and starts
with none of the files in memory: as root. The model is linear, so that the disk is what is waited for, unless it is faster
than a core converts pixels. DIR: on the file system to measure."""
import argparse
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import SOURCE, Verdicts, alternate, machine, rankflow, run, training_speed

sys.path.insert(0, str(SOURCE / "tests/integration"))
from control_group import ControlGroup  # noqa: E402

SIDE = 64  # pixels; an image has as many bytes as a page of memory
BATCH = 512

PIPELINE = """
name: streaming
parameters: {nonce: 0}
inputs:
  images: {path: images}
  labels: {path: labels}
steps:
  prepare:
    type: prepare
    inputs: {images: "${{inputs.images}}", labels: "${{inputs.labels}}"}
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.data}}"}
    model: {type: linear}
    epochs: 1
    batch_size: BATCH
    seed: ${{parameters.nonce}}
    prefetch: always
    SHUFFLE
    optimizer: {type: sgd, learning_rate: 0.001}
    checkpoint: {every_epochs: 0, every_seconds: 0}
"""


def write_images(folder, images):
    """IDX files of noise and random labels."""
    with open(folder / "images", "wb") as out:
        out.write(struct.pack(">IIII", 0x803, images, SIDE, SIDE))
        for first in range(0, images, 4096):
            out.write(os.urandom(min(4096, images - first) * SIDE * SIDE))
    (folder / "labels").write_bytes(struct.pack(">II", 0x801, images) + bytes(b % 10 for b in os.urandom(images)))


def forget(files):
    """Takes files out of the page cache."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gigabytes", type=float, default=2)
    arguments.add_argument("--memory-mb", type=int, default=1000)
    arguments.add_argument("--disk-mb", type=int, default=150)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--folder")
    arguments.add_argument("--all-rows", action="store_true", help="also without windows, which may take a hundred times as long")
    arguments = arguments.parse_args()
    images = int(arguments.gigabytes * 1e9 / SIDE**2)
    window = arguments.memory_mb * 1_000_000 // 10 // SIDE**2
    print(machine())
    with (tempfile.TemporaryDirectory(dir=arguments.folder) as folder,
          ControlGroup(f"rankflow-streaming-{os.getpid()}", arguments.memory_mb * 1_000_000, arguments.disk_mb * 1_000_000, folder) as group):
        folder = Path(folder)
        write_images(folder, images)
        pipelines = {"shuffled in windows": f"shuffle_window: {window}", "in order": "shuffle: false"}
        if arguments.all_rows:
            pipelines["shuffled, all rows"] = "shuffle: true"
        for name, shuffle in pipelines.items():
            (folder / f"{name}.yaml").write_text(PIPELINE.replace("SHUFFLE", shuffle).replace("BATCH", str(BATCH)))
        fixed = ["--quiet", "--store", str(folder / "store")]
        run([rankflow(), "run", "-n", "1", "in order.yaml", *fixed, "--only", "prepare"], folder)
        files = sorted((folder / "store/artifacts").rglob("part-*.h5"))
        size = sum(f.stat().st_size for f in files)
        nonce = 0

        def training(name):
            nonlocal nonce
            nonce += 1
            forget(files)
            run([*group.enter, rankflow(), "run", "-n", "1", f"{name}.yaml", *fixed, "--set", f"nonce={nonce}"], folder)
            return images / training_speed(folder / "store")

        def reading():
            forget(files)
            start = time.perf_counter()
            for file in files:
                subprocess.run([*group.enter, "dd", f"if={file}", "of=/dev/null", "bs=1M", "status=none"], check=True)
            return time.perf_counter() - start

        cases = {"read from first to last": reading} | {name: lambda name=name: training(name) for name in pipelines}
        times = alternate(cases, arguments.rounds)
    print(f"{size / 1e9:.2f} GB in {len(files)} files, {arguments.memory_mb} MB of memory, a disk of {arguments.disk_mb} MB/s, windows of {window:,} rows ({window * SIDE**2 / 1e6:.0f} MB):")
    for name, seconds in times.items():
        print(f"{name:24} {size / seconds / 1e6:8,.0f} MB/s")
    verdicts = Verdicts()
    verdicts.check("training in windows / reading from first to last", times["read from first to last"] / times["shuffled in windows"], 0.9,
                   at_most=False)
    verdicts.leave()


if __name__ == "__main__":
    main()
