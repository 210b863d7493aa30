"""Repeats a prepared dataset, so that a benchmark has as many rows as it asks for: row numbers go on, all else is copied.

    .venv/bin/python benchmarks/repeat_dataset.py FOLDER TIMES OUT"""
import json
import sys
from pathlib import Path

import h5py
import numpy as np

ROWS_PER_PART = 60_000


def repeat(folder, times, out):
    info = json.loads((folder / "dataset.json").read_text())
    columns = {c["name"]: [] for c in info["columns"]}
    for part in sorted(folder.glob("part-*.h5")):
        with h5py.File(part) as file:
            for name, pieces in columns.items():
                pieces.append(file[name][:])
    data = {name: np.concatenate(pieces) for name, pieces in columns.items()}
    out.mkdir(parents=True)
    rows = info["rows"] * times
    for number, first in enumerate(range(0, rows, ROWS_PER_PART)):
        source = np.arange(first, min(rows, first + ROWS_PER_PART))
        with h5py.File(out / f"part-{number:05}.h5", "w", libver=("earliest", "v108")) as file:
            for c in info["columns"]:
                values = source if c["name"] == "row" else data[c["name"]][source % info["rows"]]
                file.create_dataset(c["name"], data=np.ascontiguousarray(values))
    info |= {"rows": rows, "rows_per_part": ROWS_PER_PART}
    (out / "dataset.json").write_text(json.dumps(info, indent=1) + "\n")


if __name__ == "__main__":
    repeat(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
