"""How fast does `train` train on GPUs? Samples per second on images like MNIST's (made from a seed: speed does not depend on what
they show), beside PyTorch eager (with several GPUs: DDP over NCCL) and torch.compile with the same settings, in turn; and
what a recorded step (cuda_graph) gives.

    PYTHON benchmarks/gpu/train_speed.py [--gpus N] [--rounds N] [--models mlp,cnn] [--precisions float32,bfloat16,float16] [--rows N]

PYTHON has the CUDA build of torch, and numpy. RANKFLOW_BIN names the folder of the programs (default build/cuda/bin). The first
epoch of each program is not counted: libraries choose their kernels, and PyTorch compiles. Prints a Markdown table and the
machine it comes from."""
import argparse
import datetime
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
os.environ.setdefault("RANKFLOW_BIN", str(SOURCE / "build/cuda/bin"))
sys.path.insert(0, str(SOURCE / "benchmarks"))
from measure import rankflow, run  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

EPOCHS = 4
BATCH = 256
PIPELINE = """
name: gpu-speed
inputs:
  images: {path: images.idx}
  labels: {path: labels.idx}
parameters: {model: mlp, precision: float32, cuda_graph: auto, nonce: 0}
steps:
  prepare:
    type: prepare
    inputs: {images: "${{inputs.images}}", labels: "${{inputs.labels}}"}
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.data}}"}
    resources: {device: cuda}
    model: {type: "${{parameters.model}}"}
    precision: ${{parameters.precision}}
    cuda_graph: ${{parameters.cuda_graph}}
    epochs: EPOCHS
    batch_size: BATCH
    seed: ${{parameters.nonce}}
    optimizer: {type: sgd, learning_rate: 0.05, momentum: 0.9}
    checkpoint: {every_epochs: 0, every_seconds: 0, every_batches: 0}
""".replace("EPOCHS", str(EPOCHS)).replace("BATCH", str(BATCH))


def make_images(folder, rows):
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, rows, dtype=np.uint8)
    images = random.integers(0, 128, (rows, 28, 28), dtype=np.uint8)
    for label in range(10):  # something to learn: a bright row of pixels
        images[labels == label, 2 * label + 4] |= 128
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    (folder / "images.idx").write_bytes(np.array([0x803, rows, 28, 28], ">i4").tobytes() + images.tobytes())
    (folder / "labels.idx").write_bytes(np.array([0x801, rows], ">i4").tobytes() + labels.tobytes())


class Ours:
    def __init__(self, folder, gpus):
        self.folder, self.gpus, self.nonce = folder, gpus, 0
        (folder / "speed.yaml").write_text(PIPELINE)

    def train(self, model, precision, graph):
        self.nonce += 1  # another seed: a training that was done is not done again
        settings = {"model": model, "precision": precision, "cuda_graph": graph, "nonce": self.nonce}
        run([rankflow(), "run", "-n", str(self.gpus), "speed.yaml", "--quiet", "--store", "store",
             *(part for k, v in settings.items() for part in ("--set", f"{k}={v}"))], self.folder)
        runs = self.folder / "store/runs"
        lines = (runs / (runs / "latest").read_text().strip() / "metrics.jsonl").read_text().splitlines()
        speeds = [row["value"] for row in map(json.loads, lines) if row["name"] == "samples_per_second"]
        return statistics.harmonic_mean(speeds[1:])


def peer(folder, gpus, model, precision, compiled):
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(gpus)] if gpus > 1 else []
    command = [sys.executable, *launcher, SOURCE / "benchmarks/gpu/torch_train.py", "--model", model, "--precision", precision,
               "--batch", str(BATCH), "--epochs", str(EPOCHS), "--data", folder / "images.npy", folder / "labels.npy",
               *(["--compile"] if compiled else [])]
    lines = [line for line in run(command, folder)[1].splitlines() if line.startswith('{"epoch"')]
    return statistics.harmonic_mean([json.loads(line)["samples_per_second"] for line in lines][1:])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--gpus", type=int, default=torch.cuda.device_count())
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--models", default="mlp,cnn")
    arguments.add_argument("--precisions", default="float32,bfloat16,float16")
    arguments.add_argument("--rows", type=int, default=60000)
    arguments = arguments.parse_args()
    if arguments.gpus == 0:
        sys.exit("there is no GPU that PyTorch can use")
    print(f"{arguments.gpus} × {torch.cuda.get_device_name(0)}, torch {torch.__version__}, {datetime.date.today()}, global batch {BATCH}\n")
    print("| model | precision | rankflow | rankflow, no graph | PyTorch | torch.compile | ratio to PyTorch | to compile |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_images(folder, arguments.rows)
        ours = Ours(folder, arguments.gpus)
        for model in arguments.models.split(","):
            for precision in arguments.precisions.split(","):
                cases = {"ours": lambda: ours.train(model, precision, "auto"), "eager": lambda: ours.train(model, precision, "never"),
                         "torch": lambda: peer(folder, arguments.gpus, model, precision, False),
                         "compile": lambda: peer(folder, arguments.gpus, model, precision, True)}
                speeds = {case: [] for case in cases}
                for _ in range(arguments.rounds):
                    for case, measure in cases.items():
                        speeds[case].append(measure())
                s = {case: statistics.median(values) for case, values in speeds.items()}
                print(f"| {model} | {precision} | {s['ours']:,.0f} | {s['eager']:,.0f} | {s['torch']:,.0f} | {s['compile']:,.0f} | "
                      f"{s['ours'] / s['torch']:.2f} | {s['ours'] / s['compile']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
