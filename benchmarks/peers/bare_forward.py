"""The MLP's forward pass and nothing else: rows that are in memory as bytes become floats, logits and classes, on some
processes of one thread each. Prints rows per second of all together.

    python bare_forward.py --images FILE.gz --rows N --processes 2 --batch 1000 [--floats]"""
import argparse
import gzip
import time

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
from torch import nn


def work(number, arguments, ready, begin, seconds):
    torch.set_num_threads(1)
    data = np.frombuffer(gzip.open(arguments.images).read(), np.uint8, offset=16).reshape(-1, 784)
    rows = torch.from_numpy(data.copy())
    if arguments.floats:
        rows = rows.float().div_(255)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)).eval()
    mine = arguments.rows // arguments.processes
    ready.release()
    begin.wait()
    start = time.perf_counter()
    with torch.inference_mode():
        for first in range(0, mine, arguments.batch):
            batch = rows[first % len(rows):][:arguments.batch]
            probabilities = model(batch if arguments.floats else batch.float().div_(255)).softmax(1)
            probabilities.max(1)
    seconds[number] = time.perf_counter() - start


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", required=True)
    arguments.add_argument("--rows", type=int, default=600_000)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--batch", type=int, default=1000)
    arguments.add_argument("--floats", action="store_true", help="rows are floats already")
    arguments = arguments.parse_args()
    context = multiprocessing.get_context("spawn")
    ready, begin, seconds = context.Semaphore(0), context.Event(), context.Array("d", arguments.processes)
    processes = [context.Process(target=work, args=(n, arguments, ready, begin, seconds)) for n in range(arguments.processes)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    begin.set()
    for process in processes:
        process.join()
    print(f"{arguments.rows / max(seconds):.0f} rows/s")


if __name__ == "__main__":
    main()
