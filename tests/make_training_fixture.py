"""Writes tests/unit/heavy/training_fixture.json: what plain PyTorch gives for small trainings in float64, for
training_equality_test.cpp to compare the trainer with. Data and initial weights follow from formulas that the test
repeats. Run it again only where a case is added: .venv/bin/python tests/make_training_fixture.py"""
import json
import math
from pathlib import Path

import torch
from torch import nn
from torch.optim import lr_scheduler

ROWS, BATCH, EPOCHS = 53, 16, 25
STEPS = EPOCHS * math.ceil(ROWS / BATCH)


def features(width):
    return torch.tensor([[((7 * i + 13 * j + i * j) % 17 - 8) / 8 for j in range(width)] for i in range(ROWS)], dtype=torch.float64)


def images():
    return torch.tensor([[[[(31 * i + 17 * y + 11 * x + i * x * y) % 256 for x in range(8)] for y in range(8)]] for i in range(ROWS)],
                        dtype=torch.float64) / 255


def categories():
    return torch.tensor([[1 + i % 2, (3 * i + i // 5) % 4] for i in range(ROWS)])


def classes():
    return torch.tensor([(5 * i + i // 3) % 3 for i in range(ROWS)])


def numbers():
    values = torch.tensor([((11 * i) % 23) / 4 for i in range(ROWS)], dtype=torch.float64)
    return (values - values.mean()) / values.std(correction=0)


class Tabular(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(3, 2), nn.Embedding(4, 2)])
        self.layers = nn.Sequential(nn.Linear(2 + 4, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, x):
        f, c = x
        return self.layers(torch.cat([f] + [e(c[:, i]) for i, e in enumerate(self.embeddings)], 1))


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)),
    "linear": lambda: nn.Linear(2, 1),
    "cnn": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 8), nn.ReLU(),
                                 nn.Linear(8, 3)),
    "tabular": Tabular,
}


def inputs(model):
    if model == "tabular":
        return features(2), categories()
    return {"mlp": lambda: features(4), "linear": lambda: features(2), "cnn": images}[model]()


def initial_weights(model):
    with torch.no_grad():
        for k, p in enumerate(model.parameters()):
            p.copy_(0.3 * torch.sin(1 + 0.7 * k + 0.37 * torch.arange(p.numel(), dtype=torch.float64)).reshape(p.shape))


def optimizer(model, keys):
    keys = dict(keys)
    kind, lr, excludes = keys.pop("type"), keys.pop("learning_rate"), keys.pop("weight_decay_excludes", [])
    decay = keys.pop("weight_decay", {"sgd": 0, "adam": 0, "adamw": 0.01}[kind])
    keys = {"beta1": None, "beta2": None} | keys
    betas = (keys.pop("beta1") or 0.9, keys.pop("beta2") or 0.999)
    apart = [p for n, p in model.named_parameters() if "bias" in excludes and n.endswith("bias")]
    rest = [p for p in model.parameters() if all(p is not a for a in apart)]
    groups = [{"params": rest, "weight_decay": decay}] + ([{"params": apart, "weight_decay": 0}] if apart else [])
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=lr, **keys)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](groups, lr=lr, betas=betas, **keys)


def schedule(opt, keys):
    """A function to be called after each batch."""
    keys = dict(keys)
    kind, warm = keys.pop("type"), keys.pop("warm_up_steps", 0)
    start = keys.pop("warm_up_start", 0.01)
    lr = opt.param_groups[0]["lr"]
    per_epoch = STEPS // EPOCHS
    if kind == "one_cycle":
        return lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=STEPS, pct_start=0.3, div_factor=25, final_div_factor=1e4,
                                       cycle_momentum=False)
    if kind == "step":
        return lr_scheduler.StepLR(opt, step_size=keys["every_epochs"] * per_epoch, gamma=keys["factor"])
    after = lr_scheduler.ConstantLR(opt, 1) if kind == "constant" else lr_scheduler.CosineAnnealingLR(opt, STEPS - warm, lr * keys["final"])
    if not warm:
        return after
    return lr_scheduler.SequentialLR(opt, [lr_scheduler.LinearLR(opt, start, 1, warm), after], [warm])


def train(case):
    keys = case["keys"]
    model = MODELS[case["model"]]().double()
    initial_weights(model)
    x, y = inputs(case["model"]), numbers() if case["model"] == "linear" else classes()
    weights = keys.get("class_weights")
    if weights is not None:
        weights = torch.tensor(weights, dtype=torch.float64)
        weights = weights * ROWS / weights[y].sum()
    opt = optimizer(model, keys["optimizer"])
    rates = schedule(opt, keys.get("schedule", {"type": "constant"}))
    losses, learning_rates = [], []
    for _ in range(EPOCHS):
        for i in range(0, ROWS, BATCH):
            rows = slice(i, i + BATCH)
            out = model(tuple(part[rows] for part in x) if isinstance(x, tuple) else x[rows])
            if case["model"] == "linear":
                loss = (out.squeeze(1) - y[rows]).square().mean()
            else:
                loss = nn.functional.cross_entropy(out, y[rows], weights, reduction="none",
                                                   label_smoothing=keys.get("label_smoothing", 0)).mean()
            opt.zero_grad()
            loss.backward()
            if "clip_norm" in keys:
                nn.utils.clip_grad_norm_(model.parameters(), keys["clip_norm"])
            learning_rates.append(opt.param_groups[0]["lr"])
            opt.step()
            rates.step()
            losses.append(loss.item())
    total = sum((p * torch.arange(1, p.numel() + 1).reshape(p.shape)).sum().item() for p in model.parameters())
    return {**case, "losses": losses, "learning_rates": learning_rates, "weighted_sum_of_weights": total}


def sgd(lr, momentum=0.0, **more):
    return {"type": "sgd", "learning_rate": lr, "momentum": momentum, **more}


CASES = [
    {"name": "mlp, plain gradient descent", "model": "mlp", "keys": {"optimizer": sgd(0.1)}},
    {"name": "mlp, Nesterov, decay without biases, cosine after a warm-up", "model": "mlp",
     "keys": {"optimizer": sgd(0.1, 0.9, nesterov=True, weight_decay=0.01, weight_decay_excludes=["bias"]),
              "schedule": {"type": "cosine", "final": 0.1, "warm_up_steps": 10, "warm_up_start": 0.1}}},
    {"name": "mlp, Adam with L2, clipped, warm-up to a constant", "model": "mlp",
     "keys": {"optimizer": {"type": "adam", "learning_rate": 0.01, "weight_decay": 0.001}, "clip_norm": 0.2,
              "schedule": {"type": "constant", "warm_up_steps": 7, "warm_up_start": 0.5}}},
    {"name": "mlp, label smoothing, class weights, one cycle", "model": "mlp",
     "keys": {"optimizer": sgd(0.2, 0.8), "schedule": {"type": "one_cycle"}, "label_smoothing": 0.1, "class_weights": [1, 3, 0.5]}},
    {"name": "cnn, AdamW in micro-batches, steps", "model": "cnn",
     "keys": {"optimizer": {"type": "adamw", "learning_rate": 0.01, "weight_decay": 0.1}, "accumulate": 3,
              "schedule": {"type": "step", "every_epochs": 6, "factor": 0.3}}},
    {"name": "tabular, AdamW with other betas", "model": "tabular",
     "keys": {"optimizer": {"type": "adamw", "learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "weight_decay_excludes": ["bias"]}}},
    {"name": "linear regression, momentum", "model": "linear", "keys": {"optimizer": sgd(0.05, 0.9)}},
]

if __name__ == "__main__":
    torch.set_num_threads(1)
    fixture = {"torch": torch.__version__, "rows": ROWS, "batch_size": BATCH, "epochs": EPOCHS, "cases": [train(case) for case in CASES]}
    path = Path(__file__).parent / "unit/heavy/training_fixture.json"
    path.write_text(json.dumps(fixture, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    for case in fixture["cases"]:
        print(f"{case['name']}: loss {case['losses'][0]:.4f} → {case['losses'][-1]:.4f}")
