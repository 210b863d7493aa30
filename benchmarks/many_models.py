"""Many small models: one for each origin airport and one for each route of the flights data, trained on 1 and 2 ranks in turn,
beside scikit-learn's MLPClassifier of the same shape, epochs and batch size, with joblib on 2 processes.

    .venv-peers/bin/python benchmarks/many_models.py [--rounds 3]

Needs build/release and benchmarks/peers/setup."""
import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
from joblib import Parallel, delayed
from measure import SOURCE, Verdicts, alternate, machine, rankflow, run
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

HIDDEN, EPOCHS, BATCH, RATE = 16, 5, 64, 0.005
KEYS = {"origin": ["origin"], "route": ["origin", "destination"]}


def pipeline(key):
    text = (SOURCE / "configs/flights.yaml").read_text()
    prepare = text[:text.index("  train:\n")].replace("data/flights", str(SOURCE / "configs/data/flights"))
    return prepare + f"""\
  models:
    type: train
    inputs: {{train: "${{{{steps.prepare.outputs.train}}}}", validation: "${{{{steps.prepare.outputs.validation}}}}"}}
    partition_by: {json.dumps(KEYS[key])}
    error_threshold: -1
    model: {{type: tabular, hidden: [{HIDDEN}]}}
    epochs: {EPOCHS}
    batch_size: {BATCH}
    optimizer: {{type: adamw, learning_rate: {RATE}}}
"""


class Ours:
    """The step's time, from its start to its outputs in the store, and the digest of what it made."""

    def __init__(self, folder, key):
        self.folder, self.key = Path(folder), key
        self.digests = set()
        (self.folder / f"{key}.yaml").write_text(pipeline(key))

    def record(self):
        runs = self.folder / "store/runs"
        return json.loads((runs / (runs / "latest").read_text().strip() / "run.json").read_text())

    def train(self, ranks):
        run([rankflow(), "run", "-n", str(ranks), "--quiet", "--force", "models", f"{self.key}.yaml"], self.folder)
        step = self.record()["steps"]["models"]
        self.digests.add(step["outputs"]["model"])
        return step["seconds"]

    def output(self, step, output):
        digest = self.record()["steps"][step]["outputs"][output]
        return self.folder / "store/artifacts" / digest[:2] / digest / "data"


def rows_of(folder):
    parts = [h5py.File(path) for path in sorted(folder.glob("part-*.h5"))]
    schema = json.loads((folder / "dataset.json").read_text())["schema"]
    return [np.concatenate([p[name][:] for p in parts]) for name in ("features", "categories", "target")] + [schema]


def partitions(folder, key):
    """{key: (inputs, targets)} with categories that vary within a partition one-hot: what the models need to learn."""
    features, categories, target, schema = rows_of(folder)
    names = [c["name"] for c in schema["categories"]]
    columns = [features]
    for i, category in enumerate(schema["categories"]):
        if category["name"] not in KEYS[key]:
            columns.append(np.eye(len(category["vocabulary"]) + 1, dtype=np.float32)[categories[:, i]])
    inputs = np.concatenate(columns, 1)
    keys, which = np.unique(categories[:, [names.index(k) for k in KEYS[key]]], axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    cuts = np.flatnonzero(np.diff(which.ravel()[order])) + 1
    return {tuple(k): (inputs[rows], target[rows]) for k, rows in zip(keys, np.split(order, cuts))}


def fit(inputs, target):
    if len(np.unique(target)) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five epochs are not to convergence
        return MLPClassifier((HIDDEN,), batch_size=min(BATCH, len(target)), max_iter=EPOCHS, learning_rate_init=RATE,
                             random_state=1).fit(inputs, target)


class Theirs:
    def __init__(self, train, validation):
        self.train_rows, self.validation_rows = train, validation
        self.models = {}

    def train(self):
        largest_first = sorted(self.train_rows, key=lambda k: -len(self.train_rows[k][1]))
        start = time.perf_counter()
        models = Parallel(n_jobs=2)(delayed(fit)(*self.train_rows[k]) for k in largest_first)
        seconds = time.perf_counter() - start
        self.models = dict(zip(largest_first, models))
        return seconds

    def validation_loss(self):
        losses, rows = 0, 0
        for key, (inputs, target) in self.validation_rows.items():
            model = self.models.get(key)
            if model is not None:
                losses += log_loss(target, model.predict_proba(inputs), labels=[0, 1]) * len(target)
                rows += len(target)
        return losses / rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=3)
    rounds = arguments.parse_args().rounds
    print(machine())
    verdicts = Verdicts()
    print("| models | rankflow, 1 rank | 2 ranks | scikit-learn and joblib, 2 processes | validation loss | scikit-learn's |\n| --- | --- | --- | --- | --- | --- |")
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"RANKFLOW_STORE": f"{folder}/store", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        for key in KEYS:
            ours = Ours(folder, key)
            ours.train(2)
            theirs = Theirs(*(partitions(ours.output("prepare", split), key) for split in ("train", "validation")))
            theirs.train()
            seconds = alternate({1: lambda: ours.train(1), 2: lambda: ours.train(2), "peer": theirs.train}, rounds)
            step = ours.record()["steps"]["models"]["metrics"]
            print(f"| {step['models'] + step['models_failed']} by {key}, {step['models_failed']} of one class | {seconds[1]:.2f} s | "
                  f"{seconds[2]:.2f} s | {seconds['peer']:.2f} s | {step['validation_loss']:.4f} | {theirs.validation_loss():.4f} |")
            assert len(ours.digests) == 1, "1 and 2 ranks gave different models"
            checks.append((f"1 rank's time over 2 ranks', by {key}", seconds[1] / seconds[2], 1.8, False))
            checks.append((f"2 ranks' time over scikit-learn's, by {key}", seconds[2] / seconds["peer"], 1.0, True))
    for check in checks:
        verdicts.check(*check)
    verdicts.leave()


if __name__ == "__main__":
    main()
