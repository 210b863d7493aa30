"""Training on 1, 2 and 4 ranks beside a cost model: a batch takes what each rank's rows take, plus the all-reduce of the
gradients. The parts are measured alone, the whole is predicted from them and measured too; then the same model is read out
for clusters, under the assumptions named ASSUMED.

    cmake --build --preset release --target all_reduce_benchmark
    .venv/bin/python benchmarks/scaling.py --data DIR [--prefix mnist-] [--rounds N]

DIR holds the four MNIST files. Ranks have one thread each, and send messages after backward (`overlap: never`), as over several hosts;
beside it, the same with `overlap: auto`, which shares memory between two ranks. What the rows take is measured with as many trainings of one rank side
by side as there are ranks, each with a rank's share of the batch: they share caches and memory as ranks do, and cores where there are
fewer of these."""
import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from all_reduce import BENCHMARK, last_json
from measure import SOURCE, machine, need, rankflow, run
from train_speed import EPOCHS, Ours

BATCH = 256
RANKS = [1, 2, 4]
GRADIENT_BYTES = {"mlp": 4 * 669_706, "cnn": 4 * 421_642}


@dataclass
class Network:
    """What one GPU sees of it."""
    name: str
    latency: float  # seconds of a message
    bandwidth: float  # bytes per second into a host: each of its rings enters and leaves it once, however many GPUs it has


@dataclass
class Model:
    name: str
    parameters: float
    gradients: float  # bytes
    compute: float  # seconds of forward and backward for a GPU's share of a batch, which stays the same (weak scaling)


# Not measured: what the read-out below takes for granted.
ASSUMED_MODELS = [Model("100 M parameters, f32", 100e6, 400e6, 0.1), Model("1,000 M parameters, 16-bit gradients", 1e9, 2e9, 0.5)]
ASSUMED_NETWORKS = [Network("8 x 400 Gbit/s a host", 5e-6, 400e9), Network("100 Gbit/s a host", 10e-6, 12.5e9),
                    Network("10 Gbit/s a host", 30e-6, 1.25e9)]
ASSUMED_GPUS_PER_HOST = 8
ASSUMED_INSIDE = Network("NVLink", 3e-6, 200e9)
BACKWARD = 2 / 3  # of the compute: gradients travel meanwhile
BUCKET = 25e6  # bytes; the last one can't travel beside backward
LOCAL_BATCHES = 100  # of local_steps
GPUS = [1, 8, 64, 256, 1024]


def all_reduce_seconds(network, ranks, size):
    """A ring moves 2 (P - 1) / P of the bytes through each link; a double binary tree (Sanders et al. 2009, as NCCL has it) has
    2 log2 P latencies at about the same bandwidth, and is what is taken for many ranks."""
    if ranks == 1:
        return 0.0
    if ranks <= ASSUMED_GPUS_PER_HOST:
        network = ASSUMED_INSIDE
    bandwidth = min(network.bandwidth, ASSUMED_INSIDE.bandwidth)
    return 2 * math.log2(ranks) * network.latency + 2 * (ranks - 1) / ranks * size / bandwidth


def efficiency(model, network, gpus, local_batches=0):
    if local_batches:  # parameters, in what gradients travel as, and AdamW's two moments in f32, after backward
        batch = model.compute + all_reduce_seconds(network, gpus, model.gradients + 8 * model.parameters) / local_batches
        return model.compute / batch
    whole = all_reduce_seconds(network, gpus, model.gradients)
    last = all_reduce_seconds(network, gpus, min(BUCKET, model.gradients))
    hidden = min(max(whole - last, 0), BACKWARD * model.compute)
    return model.compute / (model.compute + whole - hidden)


def measured_all_reduce(ranks, rounds):
    """Seconds by bytes, straight lines between."""
    if ranks == 1:
        return lambda size: 0.0
    command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none",
               need(BENCHMARK, "cmake --build --preset release --target all_reduce_benchmark"), str(rounds)]
    points = sorted((int(size), t["reducer"]) for size, t in last_json(run(command, SOURCE)[1])["sizes"].items())

    def seconds(size):
        (a, low), (b, high) = next(pair for pair in zip(points, points[1:]) if pair[0][0] <= size <= pair[1][0])
        return low + (high - low) * (size - a) / (b - a)

    return seconds


def training(ours, ranks, model, overlap):
    """Seconds of one global batch."""
    run(ours.command(ranks, model, "float32", BATCH, overlap=overlap), ours.folder)
    return BATCH / ours.samples_per_second()


def side_by_side(all_ours, model):
    """Seconds of one share of a global batch: the mean over trainings of one rank each, at the same time."""
    batch = BATCH // len(all_ours)
    running = [subprocess.Popen(ours.command(1, model, "float32", batch), cwd=ours.folder, stdout=subprocess.DEVNULL) for ours in all_ours]
    if any([process.wait() for process in running]):
        sys.exit("a training of one rank failed")
    return statistics.mean(batch / ours.samples_per_second() for ours in all_ours)


def measure_training(arguments):
    reduce = {ranks: measured_all_reduce(ranks, arguments.rounds * 5) for ranks in RANKS}
    with tempfile.TemporaryDirectory() as root:
        ours = [Ours(f"{root}/{number}", str(Path(arguments.data).resolve()), arguments.prefix) for number in range(max(RANKS))]
        for model in EPOCHS:
            parts, wholes, shared = ({ranks: [] for ranks in RANKS} for _ in range(3))
            for _ in range(arguments.rounds):
                for ranks in RANKS:
                    parts[ranks].append(side_by_side(ours[:ranks], model))
                    wholes[ranks].append(training(ours[0], ranks, model, "never"))
                    shared[ranks].append(training(ours[0], ranks, model, "auto"))
            print(f"\n{model}, {GRADIENT_BYTES[model] / 1e6:.1f} MB of gradients, global batch {BATCH}, milliseconds a batch")
            print(f"{'ranks':>5} {'rows':>7} {'all-reduce':>11} {'predicted':>10} {'measured':>9} {'ratio':>6}   {'overlap auto':>16} {'speed-up':>9}")
            one = statistics.median(shared[1])
            for ranks in RANKS:
                rows, exchange = statistics.median(parts[ranks]), reduce[ranks](GRADIENT_BYTES[model])
                sent, own = statistics.median(wholes[ranks]), statistics.median(shared[ranks])
                print(f"{ranks:>5} {rows * 1e3:>7.2f} {exchange * 1e3:>11.2f} {(rows + exchange) * 1e3:>10.2f} {sent * 1e3:>9.2f} "
                      f"{sent / (rows + exchange):>6.2f}   {own * 1e3:>16.2f} {one / own:>9.2f}")


def read_out():
    for model in ASSUMED_MODELS:
        print(f"\n{model.name}: {model.gradients / 1e6:,.0f} MB of gradients, {model.compute * 1e3:.0f} ms of compute a batch and GPU; "
              "share of the GPUs' time that computes")
        print(f"{'':44}" + "".join(f"{gpus:>7}" for gpus in GPUS))
        for network in ASSUMED_NETWORKS:
            for name, batches in [("every batch", 0), (f"local steps, every {LOCAL_BATCHES}", LOCAL_BATCHES)]:
                shares = [efficiency(model, network, gpus, batches) for gpus in GPUS]
                print(f"{network.name + ', ' + name:44}" + "".join(f"{share:>7.0%}" for share in shares))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--prefix", default="")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments = arguments.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rankflow()  # and what mpirun wants of root
    print(machine())
    measure_training(arguments)
    read_out()


if __name__ == "__main__":
    main()
