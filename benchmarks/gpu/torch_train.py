"""The built-in models mlp and cnn trained by PyTorch on GPUs, as train_speed.py runs it: eager, with torch.compile, and with
DistributedDataParallel over NCCL under torchrun.

    python benchmarks/gpu/torch_train.py --model cnn --data images.npy labels.npy --batch 256 [--precision bfloat16] [--compile]

All images lie on the GPU as bytes and batches are taken from them by index: the fastest input that PyTorch has. Float32 is
float32 (no TF32), as rankflow has it. Rank 0 prints one JSON line per epoch: {"epoch", "samples_per_second", "loss"}."""
import argparse
import json
import os
import time

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def make_model(kind):
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", choices=["mlp", "cnn"], required=True)
    arguments.add_argument("--data", nargs=2, required=True, help="images [rows, 28, 28] and labels [rows], uint8 .npy files")
    arguments.add_argument("--batch", type=int, default=256, help="rows of a global batch")
    arguments.add_argument("--epochs", type=int, default=3)
    arguments.add_argument("--precision", choices=["float32", "bfloat16", "float16"], default="float32")
    arguments.add_argument("--compile", action="store_true")
    arguments = arguments.parse_args()

    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    torch.cuda.set_device(device)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if ranks > 1:
        dist.init_process_group("nccl")
    images = torch.from_numpy(np.load(arguments.data[0])).unsqueeze(1).to(device)
    labels = torch.from_numpy(np.load(arguments.data[1]).astype(np.int64)).to(device)

    torch.manual_seed(0)
    model = make_model(arguments.model).to(device, memory_format=torch.channels_last)
    if ranks > 1:
        model = DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    scaler = torch.amp.GradScaler(enabled=arguments.precision == "float16")
    kind = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[arguments.precision]

    def loss_of(rows):
        batch = (images[rows].float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cuda", kind, enabled=kind is not None):
            outputs = model(batch)
        return nn.functional.cross_entropy(outputs.float(), labels[rows])

    step = torch.compile(loss_of, mode="reduce-overhead" if ranks == 1 else "default") if arguments.compile else loss_of
    mine, batches = arguments.batch // ranks, len(images) // arguments.batch
    for epoch in range(arguments.epochs):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))[rank::ranks].to(device)
        torch.cuda.synchronize()
        began = time.perf_counter()
        for batch in range(batches):
            optimizer.zero_grad()
            loss = step(order[batch * mine:(batch + 1) * mine])
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        last = loss.item()
        seconds = time.perf_counter() - began
        if rank == 0:
            print(json.dumps({"epoch": epoch + 1, "samples_per_second": batches * arguments.batch / seconds, "loss": last}), flush=True)
    if ranks > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
