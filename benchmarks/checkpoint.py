"""A checkpoint of 256 MB beside `dd conv=fsync` of as many bytes, alternating.

    benchmarks/checkpoint.py [--rounds N] [--folder DIR]

Ours is HDF5 with a SHA-256 over all of it, in a temporary file that is renamed. Needs the target checkpoint_benchmark
(cmake --build --preset release --target checkpoint_benchmark)."""
import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from measure import SOURCE, Verdicts, alternate, machine, need, seconds_text

PROGRAM = SOURCE / "build/release/benchmarks/checkpoint_benchmark"
MEGABYTES = 256


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--folder", help="on the file system to measure; default: the temporary folder")
    arguments = arguments.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        source = Path(folder) / "source"
        source.write_bytes(bytes(range(256)) * (MEGABYTES * 1_000_000 // 256))
        ours, theirs = Path(folder) / "checkpoint.h5", Path(folder) / "dd"

        def rankflow():
            ours.unlink(missing_ok=True)
            run = subprocess.run([need(PROGRAM, "cmake --build --preset release --target checkpoint_benchmark"), ours,
                                  str(MEGABYTES), "1"], capture_output=True, text=True, check=True)
            return float(run.stdout)

        def dd():
            theirs.unlink(missing_ok=True)
            start = time.perf_counter()
            subprocess.run(["dd", f"if={source}", f"of={theirs}", "bs=1M", "conv=fsync", "status=none"], check=True)
            return time.perf_counter() - start

        times = alternate({"rankflow": rankflow, "dd": dd}, arguments.rounds)
    print("256 MB, medians:", "  ".join(f"{k} {seconds_text(v)}" for k, v in times.items()))
    verdicts = Verdicts()
    verdicts.check("speed of a checkpoint / dd conv=fsync", times["dd"] / times["rankflow"], 0.8, at_most=False)
    verdicts.leave()


if __name__ == "__main__":
    main()
