"""A PyTorch program written for torchrun, which knows nothing of rankflow: fits a line with DistributedDataParallel and
writes what each rank ended with to the folder that it is given."""
import json
import os
import sys

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

torch.set_num_threads(1)
dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
torch.manual_seed(rank)  # DDP takes rank 0's weights
x = torch.randn(64, 3)
y = x @ torch.tensor([1.0, -2.0, 0.5]) + 0.25
model = DistributedDataParallel(torch.nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), 0.2)
for _ in range(100):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x).squeeze(1), y)
    loss.backward()
    optimizer.step()
result = {
    "rank": rank, "world": world, "local_rank": int(os.environ["LOCAL_RANK"]), "loss": loss.item(),
    "weights": model.module.weight.flatten().tolist(),
    "launcher_variables": sorted(k for k in os.environ if k.startswith(("OMPI_COMM", "PMIX_", "SLURM_PROCID"))),
}
with open(os.path.join(sys.argv[1], f"rank-{rank}.json"), "w") as out:
    json.dump(result, out)
dist.destroy_process_group()
# A thread of Gloo's may still let go of its last work when Python ends, which aborts the process (PyTorch 2.13, Python 3.11).
os._exit(0)
