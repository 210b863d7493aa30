"""How fast does `score` score? Rows of MNIST per second with the MLP on 2 ranks, class and probability written, from the
step's start to published output, without and with a time-out for each mini-batch (in processes beside the ranks), beside
- the bare forward pass on 2 processes, with rows that are in memory already (benchmarks/peers/bare_forward.py);
- with --ray PYTHON: Ray Data on 2 workers (benchmarks/peers/ray_score.py; requirements-ray.txt), over 60,000 rows;
- with --script: a Python entry script beside the same function called in one Python process for each core.

    .venv/bin/python benchmarks/score.py --data DIR [--prefix mnist-] [--rows 600000] [--rounds 3] [--ray PYTHON] [--script]

DIR holds the four MNIST files, whose 60,000 training rows are repeated and kept as bytes: 785 MB for a million."""
import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import SOURCE, Verdicts, machine, rankflow, run, step_seconds

PEERS = SOURCE / "benchmarks/peers"

TRAIN = """
name: model
inputs:
  mnist: {description: folder with the four MNIST files}
parameters: {prefix: ""}
steps:
  prepare:
    type: prepare
    inputs:
      images: ${{inputs.mnist}}/${{parameters.prefix}}train-images-idx3-ubyte.gz
      labels: ${{inputs.mnist}}/${{parameters.prefix}}train-labels-idx1-ubyte.gz
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.data}}"}
    model: {type: mlp, hidden: [512, 512]}
    epochs: 1
"""

SCORE = """
name: score
inputs: {rows: {path: rows}, model: {path: model}}
parameters: {nonce: 0}
steps:
  score:
    type: score
    inputs: {model: "${{inputs.model}}", data: "${{inputs.rows}}"}
    formats: csv
    probabilities: false
    mini_batch_size: ${{parameters.nonce}}
"""

SCRIPT = """
name: script
inputs: {rows: {path: rows}}
parameters: {nonce: 0}
steps:
  score:
    type: score
    inputs: {data: "${{inputs.rows}}"}
    entry_script: function.py
    python: PYTHON
    formats: csv
    mini_batch_size: ${{parameters.nonce}}
"""

# Two dense layers in numpy: what scikit-learn's MLPClassifier does.
FUNCTION = """
import numpy as np

def init():
    global w1, w2
    draw = np.random.default_rng(0)
    w1, w2 = draw.normal(0, 0.05, (784, 256)).astype("f4"), draw.normal(0, 0.05, (256, 10)).astype("f4")

def run(rows):
    x = rows.to_numpy(dtype="f4") / 255
    return (np.maximum(x @ w1, 0) @ w2).argmax(axis=1)
"""

PLAIN = """
import gzip, os, sys, time
from concurrent.futures import ProcessPoolExecutor
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np, pandas as pd
import function

def start():
    global frame
    function.init()
    images = np.frombuffer(gzip.open(sys.argv[1]).read(), np.uint8, offset=16).reshape(-1, 784)
    frame = pd.DataFrame(images, columns=[f"images_{i}" for i in range(784)])

def work(rows):
    for first in range(0, rows, 1000):
        function.run(frame.iloc[first % len(frame):][:1000])

if __name__ == "__main__":
    rows, processes = int(sys.argv[2]), int(sys.argv[3])
    with ProcessPoolExecutor(processes, initializer=start) as pool:
        list(pool.map(work, [1000] * processes * 4))
        begin = time.perf_counter()
        list(pool.map(work, [rows // processes] * processes))
        print(f"{rows / (time.perf_counter() - begin):.0f} rows/s")
"""


class Ours:
    def __init__(self, folder, data, prefix, rows):
        self.folder, self.rows, self.nonce = Path(folder), rows, 1000
        (self.folder / "train.yaml").write_text(TRAIN)
        (self.folder / "score.yaml").write_text(SCORE)
        (self.folder / "timed.yaml").write_text(SCORE + "    retry_settings: {timeout: 60}\n")
        (self.folder / "script.yaml").write_text(SCRIPT.replace("PYTHON", sys.executable))
        (self.folder / "function.py").write_text(FUNCTION)
        (self.folder / "plain.py").write_text(PLAIN)
        run(self.command("train.yaml", "--input", f"mnist={data}", "--set", f"prefix='{prefix}'"), self.folder)
        self.prepared, model = self.artifact("prepare", "data"), self.artifact("train", "model")
        run([sys.executable, SOURCE / "benchmarks/repeat_dataset.py", self.prepared, str(rows // 60_000), self.folder / "rows"],
            self.folder)
        (self.folder / "model").symlink_to(model)

    def command(self, *words):
        return [rankflow(), "run", "-n", "2", "--store", self.folder / "store", *words]

    def record(self):
        runs = self.folder / "store/runs"
        return json.loads((runs / (runs / "latest").read_text().strip() / "run.json").read_text())["steps"]

    def artifact(self, step, output):
        digest = self.record()[step]["outputs"][output]
        return self.folder / "store/artifacts" / digest[:2] / digest / "data"

    def score(self, pipeline):
        self.nonce += 1  # another size of mini-batches: what was scored is not scored again
        process = subprocess.Popen(self.command(pipeline, "--json", "--set", f"nonce={self.nonce}"), cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return self.rows / step_seconds(process, "score")


def last_speed(command, folder):
    # What libraries log stands in the same text.
    return float(re.findall(r"^([0-9.]+) rows/s", run(command, folder)[1], re.MULTILINE)[-1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--prefix", default="")
    arguments.add_argument("--rows", type=int, default=600_000, help="a multiple of 60,000")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--ray", help="a Python with what requirements-ray.txt names")
    arguments.add_argument("--script", action="store_true")
    arguments.add_argument("--folder", help="on the file system to measure")
    arguments = arguments.parse_args()
    data = str(Path(arguments.data).resolve())
    images = f"{data}/{arguments.prefix}train-images-idx3-ubyte.gz"
    print(machine())
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        ours = Ours(root, data, arguments.prefix, arguments.rows)
        bare = [sys.executable, PEERS / "bare_forward.py", "--images", images, "--rows", str(arguments.rows)]
        cases = {"score": lambda: ours.score("score.yaml"),
                 "score with a time-out": lambda: ours.score("timed.yaml"),
                 "bare forward, rows as bytes": lambda: last_speed(bare, root),
                 "bare forward, rows as floats": lambda: last_speed([*bare, "--floats"], root)}
        if arguments.script:
            plain = [sys.executable, "plain.py", images, str(arguments.rows), "2"]
            cases |= {"entry script": lambda: ours.score("script.yaml"), "its function": lambda: last_speed(plain, root)}
        if arguments.ray:
            cases["Ray Data"] = lambda: last_speed([arguments.ray, PEERS / "ray_score.py", "--images", images], root)
        speeds = {name: [] for name in cases}
        for _ in range(arguments.rounds):
            for name, case in cases.items():
                speeds[name].append(case())
    median = {name: statistics.median(values) for name, values in speeds.items()}
    for name, values in speeds.items():
        print(f"{name:28} {median[name]:9,.0f} rows/s   ({min(values):,.0f} to {max(values):,.0f})")
    verdicts.check("score / bare forward, rows as bytes", median["score"] / median["bare forward, rows as bytes"], 0.9, at_most=False)
    print(f"beside: score / bare forward, rows as floats: {median['score'] / median['bare forward, rows as floats']:.2f}")
    if arguments.script:
        verdicts.check("entry script / its function", median["entry script"] / median["its function"], 0.8, at_most=False)
    if arguments.ray:
        verdicts.check("score / Ray Data", median["score"] / median["Ray Data"], 5, at_most=False)
    verdicts.leave()


if __name__ == "__main__":
    main()
