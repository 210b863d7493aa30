"""torchrun --nproc-per-node N all_reduce_gloo.py ROUNDS BYTES…: median seconds of torch.distributed's all_reduce of f32 over
Gloo, one JSON object {BYTES: seconds} on standard output. benchmarks/all_reduce.py runs it."""
import json
import statistics
import sys
import time

import torch
import torch.distributed as dist

torch.set_num_threads(1)
dist.init_process_group("gloo")
rounds, sizes = int(sys.argv[1]), [int(b) for b in sys.argv[2:]]
result = {}
for size in sizes:
    values, calls, seconds = torch.zeros(size // 4), max(1, min(500, (8 << 20) // size)), []
    for _ in range(rounds + 1):
        dist.barrier()
        start = time.perf_counter()
        for _ in range(calls):
            dist.all_reduce(values)
        seconds.append((time.perf_counter() - start) / calls)
    result[size] = statistics.median(seconds[1:])  # the first round warms up
if dist.get_rank() == 0:
    print(json.dumps(result), flush=True)
dist.destroy_process_group()
