"""Preparing a folder of files again after one of them changed: the rows of the others taken over from the earlier run, beside preparing all.

    benchmarks/takeover.py [--rounds N] [--files 40] [--ranks 2] [--gzip | --images SIDE] [--folder DIR] [--csv FILE.csv.gz]

Each file holds the flights data in another order (40: 221 MB), or is a PNG image of SIDE x SIDE pixels. Times are those of the step, up to
the published datasets, checksums and fsync included; the datasets must be the same."""
import argparse
import gzip
import json
import random
import shutil
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

from measure import SOURCE, Verdicts, alternate, machine, rankflow, step_seconds

LIMIT = 1.0  # of the time that preparing all takes

PIPELINE = """
name: takeover
inputs: {first: first.csv, flights: "data/*"}
steps:
  learn:
    type: prepare
    inputs: {data: "${{inputs.first}}"}
    derive: {month: date / 1000000, hour: date / 100 % 100, late: delay > 15}
    target: late
    features: {numeric: [distance], categorical: [origin, destination, hour, month]}
  prepare:
    type: prepare
    inputs: {data: "${{inputs.flights}}", statistics: "${{steps.learn.outputs.data}}"}
    target: late
    split: {train: 0.8, validation: 0.1, test: 0.1}
    seed: 1
"""


IMAGES = """
name: takeover
inputs: {images: {path: data}}
steps:
  prepare:
    type: prepare
    inputs: {images: "${{inputs.images}}"}
    split: {train: 0.8, validation: 0.1, test: 0.1}
    seed: 1
"""


def png(side, seed):
    """A picture in three colours: a slope with noise, which PNG packs as it does a photograph."""
    noise = random.Random(seed)
    rows = b"".join(b"\1" + bytes((b & 7) + 1 for b in noise.randbytes(3 * side)) for _ in range(side))  # filter 1: differences
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)


def write_images(arguments, folder):
    for number in range(arguments.files + 1):
        place = folder / ("changed" if number == arguments.files else f"data/{number % 10}/{number:06}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png(arguments.images, number))


def write_files(arguments, folder):
    """All files, and beside them what becomes of the one that changes."""
    head, *rows = gzip.open(arguments.csv).read().splitlines(keepends=True)
    (folder / "first.csv").write_bytes(b"".join([head, *rows]))
    (folder / "data").mkdir()
    for number in range(arguments.files + 1):
        at = number * len(rows) // (arguments.files + 1)
        content = b"".join([head, *rows[at:], *rows[:at]])
        name = f"{number:03}.csv" + (".gz" if arguments.gzip else "")
        place = folder / ("changed" if number == arguments.files else f"data/{name}")
        place.write_bytes(gzip.compress(content, 6) if arguments.gzip else content)


class Case:
    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.store = arguments, folder, folder / "store"
        files = sorted(path for path in (folder / "data").rglob("*") if path.is_file())
        self.size = sum(path.stat().st_size for path in files)
        self.middle = files[arguments.files // 2]
        self.before = self.middle.read_bytes()
        self.outputs = {}

    def prepare(self, *options):
        """Seconds of the step, and its record."""
        command = [rankflow(), "run", "--json", "-n", str(self.arguments.ranks), "--store", str(self.store), "p.yaml", *options]
        process = subprocess.Popen(command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seconds = step_seconds(process, "prepare")
        record = json.loads((self.store / "runs" / (self.store / "runs/latest").read_text().strip() / "run.json").read_text())
        return seconds, record["steps"]["prepare"]

    def seconds(self, name, *options):
        shutil.rmtree(self.store, ignore_errors=True)
        self.middle.write_bytes(self.before)
        self.prepare()
        shutil.copy(self.folder / "changed", self.middle)
        seconds, step = self.prepare(*options)
        taken = step["metrics"].get("files_taken_over")
        expected = None if options else f"{self.arguments.files - 1} of {self.arguments.files}"
        assert taken == expected, f"{name}: {taken} files were taken over, not {expected}"
        self.outputs[name] = step["outputs"]
        return seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--files", type=int, default=40)
    arguments.add_argument("--ranks", type=int, default=2)
    arguments.add_argument("--gzip", action="store_true")
    arguments.add_argument("--images", type=int, metavar="SIDE")
    arguments.add_argument("--folder")
    arguments.add_argument("--csv", default=SOURCE / "configs/data/flights-2001q1.csv.gz")
    arguments = arguments.parse_args()
    print(machine())
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        folder = Path(folder)
        (folder / "p.yaml").write_text(IMAGES if arguments.images else PIPELINE)
        (write_images if arguments.images else write_files)(arguments, folder)
        case = Case(arguments, folder)
        times = alternate({"all": lambda: case.seconds("all", "--force", "prepare"), "one file": lambda: case.seconds("one file")},
                          arguments.rounds)
        assert case.outputs["all"] == case.outputs["one file"], "the datasets differ"
        print(f"{arguments.files} files, {case.size / 1e6:.0f} MB, one changed, {arguments.ranks} ranks:")
        for name, seconds in times.items():
            print(f"{name:10} {seconds:6.2f} s")
        verdicts.check("one file / all", times["one file"] / times["all"], LIMIT, at_most=True)
    verdicts.leave()


if __name__ == "__main__":
    main()
