"""How fast does `train` train? Samples per second on MNIST with 2 ranks of one thread each and a global batch of 256 rows,
beside PyTorch DDP over Gloo with the same settings, one PyTorch process with all cores, our own speed without
communication, and with a checkpoint every 500 (MLP) or 50 (CNN) batches.

    .venv/bin/python benchmarks/train_speed.py --data DIR [--prefix mnist-] [--rounds N] [--models mlp,cnn]

DIR holds the four MNIST files. Every program runs once per round, in turn; its speed is that of
all its epochs together, and of the rounds the median counts. Without communication: two trainings of one rank side by side, each with half the batch, their
speeds added. Needs build/release."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import SOURCE, Verdicts, machine, rankflow, run, training_speed

PEER = SOURCE / "benchmarks/peers/ddp_mnist.py"
EPOCHS = {"mlp": 9, "cnn": 2}
CHECKPOINT_EVERY = {"mlp": 500, "cnn": 50}
LIMITS = {"mlp": 1.7, "cnn": 1.4, "cnn bfloat16": 2.3}

PIPELINE = """
name: train-speed
inputs:
  mnist: {description: folder with the four MNIST files}
parameters: {prefix: "", model: mlp, precision: float32, batch_size: 256, epochs: 4, nonce: 0, every_batches: 0, overlap: auto}
steps:
  prepare:
    type: prepare
    inputs:
      images: ${{inputs.mnist}}/${{parameters.prefix}}train-images-idx3-ubyte.gz
      labels: ${{inputs.mnist}}/${{parameters.prefix}}train-labels-idx1-ubyte.gz
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.data}}"}
    model: {type: "${{parameters.model}}"}
    precision: ${{parameters.precision}}
    epochs: ${{parameters.epochs}}
    batch_size: ${{parameters.batch_size}}
    seed: ${{parameters.nonce}}
    overlap: ${{parameters.overlap}}
    optimizer: {type: sgd, learning_rate: 0.05, momentum: 0.9}
    checkpoint: {every_epochs: 0, every_seconds: 0, every_batches: "${{parameters.every_batches}}"}
"""


class Ours:
    """rankflow in a folder and store of its own, so that several can run at once."""

    def __init__(self, folder, data, prefix):
        self.folder, self.nonce = Path(folder), 0
        self.folder.mkdir()
        (self.folder / "speed.yaml").write_text(PIPELINE)
        self.fixed = ["speed.yaml", "--quiet", "--store", str(self.folder / "store"), "--input", f"mnist={data}", "--set",
                      f"prefix={prefix}"]

    def command(self, ranks, model, precision, batch_size, every_batches=0, overlap="auto"):
        self.nonce += 1  # another seed: a training that was done is not done again
        settings = {"model": model, "precision": precision, "batch_size": batch_size, "epochs": EPOCHS[model], "nonce": self.nonce,
                    "every_batches": every_batches, "overlap": overlap}
        return [rankflow(), "run", "-n", str(ranks), *self.fixed, *(part for k, v in settings.items() for part in ("--set", f"{k}={v}"))]

    def samples_per_second(self):
        return training_speed(self.folder / "store")

    def train(self, model, precision="float32", every_batches=0):
        run(self.command(2, model, precision, 256, every_batches), self.folder)
        return self.samples_per_second()


def without_communication(pair, model, precision="float32"):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(ours.command(1, model, precision, 128), cwd=ours.folder, env=environment, stdout=subprocess.DEVNULL)
               for ours in pair]
    if any([process.wait() for process in running]):
        sys.exit("a training without communication failed")
    return sum(ours.samples_per_second() for ours in pair)


def peer(model, data, prefix, ranks, threads):
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(ranks)] if ranks > 1 else []
    command = [sys.executable, *launcher, PEER, "--model", model, "--data", data, "--prefix", prefix, "--epochs", str(EPOCHS[model]),
               "--threads", str(threads)]
    lines = [line for line in run(command, SOURCE)[1].splitlines() if line.startswith('{"epoch"')]
    return statistics.harmonic_mean([json.loads(line)["samples_per_second"] for line in lines])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--prefix", default="")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--models", default="mlp,cnn")
    arguments = arguments.parse_args()
    data, prefix, models = str(Path(arguments.data).resolve()), arguments.prefix, arguments.models.split(",")
    print(machine())
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as root:
        ours = Ours(f"{root}/ours", data, prefix)
        pair = [Ours(f"{root}/{name}", data, prefix) for name in ("one", "other")]
        cases = {}
        for model in models:
            cases |= {f"{model}": lambda m=model: ours.train(m),
                      f"{model}, DDP": lambda m=model: peer(m, data, prefix, 2, 1),
                      f"{model}, without communication": lambda m=model: without_communication(pair, m),
                      f"{model}, one process, {os.cpu_count()} threads": lambda m=model: peer(m, data, prefix, 1, os.cpu_count())}
            every = CHECKPOINT_EVERY[model]
            cases[f"{model}, a checkpoint every {every}"] = lambda m=model, n=every: ours.train(m, every_batches=n)
            if model == "cnn":
                cases["cnn bfloat16"] = lambda: ours.train("cnn", "bfloat16")
        speeds = {name: [] for name in cases}
        for _ in range(arguments.rounds):
            for name, case in cases.items():
                speeds[name].append(case())
        median = {name: statistics.median(values) for name, values in speeds.items()}
        for name, values in speeds.items():
            print(f"{name:36} {median[name]:9,.0f} samples/s   ({min(values):,.0f} to {max(values):,.0f})")
    for model in models:
        for name in [model, "cnn bfloat16"] if model == "cnn" else [model]:
            verdicts.check(f"{name} / PyTorch DDP in float32", median[name] / median[f"{model}, DDP"], LIMITS[name], at_most=False)
        verdicts.check(f"{model} / without communication", median[model] / median[f"{model}, without communication"], 0.93, at_most=False)
        every = f"{model}, a checkpoint every {CHECKPOINT_EVERY[model]}"
        verdicts.check(f"{every} / without checkpoints", median[every] / median[model], 0.98, at_most=False)
        single = median[f"{model}, one process, {os.cpu_count()} threads"]
        if model == "mlp":
            verdicts.check("mlp / one PyTorch process with all cores", median[model] / single, 1.0, at_most=False)
        else:
            print(f"beside: {model} / one PyTorch process with all cores: {median[model] / single:.2f}")
    verdicts.leave()


if __name__ == "__main__":
    main()
