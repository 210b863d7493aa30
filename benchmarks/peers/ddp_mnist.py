"""MNIST with PyTorch's DistributedDataParallel over Gloo, as train_speed.py and exported_models.py run it; without
torchrun, one process.

    python -m torch.distributed.run --nproc-per-node 2 benchmarks/peers/ddp_mnist.py --model cnn --data DIR [--threads 1]

The global batch is 256 rows whatever the number of processes. The whole data set lies in memory as float32 tensors and
batches are taken from it by index: the fastest input that PyTorch has (a DataLoader is several times slower here).
Rank 0 prints one JSON line per epoch: {"epoch", "samples_per_second", "accuracy" (on the test images)}."""
import argparse
import gzip
import importlib.util
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

GLOBAL_BATCH = 256


def read_idx(path, offset):
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=offset)


def load(folder, prefix, split):
    images = read_idx(folder / f"{prefix}{split}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = read_idx(folder / f"{prefix}{split}-labels-idx1-ubyte.gz", 8)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


def make_model(kind):
    """The built-in models mlp and cnn with their default keys, or a FUNCTION of a FILE.py."""
    if ":" in kind:
        file, function = kind.split(":")
        spec = importlib.util.spec_from_file_location(Path(file).stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, function)()
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", required=True, help="mlp, cnn or FILE.py:FUNCTION")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--prefix", default="")
    arguments.add_argument("--epochs", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--learning-rate", type=float, default=0.05)
    arguments = arguments.parse_args()

    torch.set_num_threads(arguments.threads)
    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if ranks > 1:
        dist.init_process_group("gloo")
    images, labels = load(arguments.data, arguments.prefix, "train")
    test_images, test_labels = load(arguments.data, arguments.prefix, "t10k")

    torch.manual_seed(arguments.seed)  # the same weights on every rank
    model = make_model(arguments.model)
    torch.manual_seed(1000 * arguments.seed + rank)  # of dropout
    wrapped = DistributedDataParallel(model, gradient_as_bucket_view=True) if ranks > 1 else model
    optimizer = torch.optim.SGD(model.parameters(), lr=arguments.learning_rate, momentum=0.9)
    mine = GLOBAL_BATCH // ranks
    batches = len(images) // GLOBAL_BATCH
    for epoch in range(arguments.epochs):
        model.train()
        began = time.perf_counter()
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1000 * arguments.seed + epoch))[rank::ranks]
        for batch in range(batches):
            rows = order[batch * mine:(batch + 1) * mine]
            optimizer.zero_grad()
            nn.functional.cross_entropy(wrapped(images[rows]), labels[rows]).backward()
            optimizer.step()
        seconds = time.perf_counter() - began
        if rank == 0:
            model.eval()
            with torch.no_grad():
                accuracy = (model(test_images).argmax(1) == test_labels).float().mean().item()
            print(json.dumps({"epoch": epoch + 1, "samples_per_second": batches * GLOBAL_BATCH / seconds, "accuracy": accuracy}),
                  flush=True)
    if ranks > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
