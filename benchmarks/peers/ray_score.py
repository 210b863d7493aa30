"""Scores MNIST rows with the MLP on two Ray Data workers of one thread each; prints rows per second, the second run's last
(workers and caches are warm then). Needs what requirements-ray.txt names.

    python ray_score.py --images FILE.gz"""
import argparse
import gzip
import logging
import time

import numpy as np
import ray
import torch
from torch import nn


class Scorer:
    def __init__(self):
        torch.set_num_threads(1)
        self.model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)).eval()

    def __call__(self, batch):
        with torch.inference_mode():
            return {"class": self.model(torch.from_numpy(batch["data"]).float().div_(255)).argmax(1).numpy()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", required=True)
    arguments = arguments.parse_args()
    ray.init(num_cpus=2, log_to_driver=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    images = np.frombuffer(gzip.open(arguments.images).read(), np.uint8, offset=16).reshape(-1, 784)
    blocks = [images[i:i + 6000] for i in range(0, len(images), 6000)]
    for _ in range(2):
        start = time.perf_counter()
        results = ray.data.from_numpy(blocks).map_batches(Scorer, batch_size=1024, concurrency=2)
        rows = sum(len(batch["class"]) for batch in results.iter_batches(batch_size=None))
        print(f"{rows / (time.perf_counter() - start):.0f} rows/s", flush=True)


if __name__ == "__main__":
    main()
