"""How good is configs/flights.yaml? Area under the ROC curve and calibration on the test split, beside always saying the
majority class and beside scikit-learn's logistic regression on the same rows and the same columns.

    benchmarks/flights_quality.py

Needs build/release and benchmarks/peers/setup."""
import json
import os
import tempfile
from pathlib import Path

import h5py
import numpy as np
import polars
from measure import SOURCE, machine, rankflow, run
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BINS = 10


def calibration_error(probability, happened):
    """Mean over the rows of |mean probability - share that happened| of their bin (Naeini et al. 2015)."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    return sum(abs(probability[bins == b].sum() - happened[bins == b].sum()) for b in range(BINS)) / len(probability)


def run_pipeline(store):
    """Runs the pipeline; returns its record and a function from an output to its folder."""
    os.environ["RANKFLOW_STORE"] = str(store)
    run([rankflow(), "run", "-n", "2", "--quiet", "configs/flights.yaml"], SOURCE)
    latest = (store / "runs/latest").read_text().strip()
    record = json.loads((store / "runs" / latest / "run.json").read_text())

    def folder(step, output):
        digest = record["steps"][step]["outputs"][output]
        return store / "artifacts" / digest[:2] / digest / "data"

    return record, folder


def rows_of(folder):
    """Source rows of a prepared dataset and its targets."""
    parts = [h5py.File(path) for path in sorted(folder.glob("part-*.h5"))]
    return np.concatenate([p["row"][:] for p in parts]), np.concatenate([p["target"][:] for p in parts])


def flights():
    """The columns that the pipeline learns from, and whether the flight was late."""
    table = polars.read_csv(SOURCE / "configs/data/flights-2001q1.csv.gz")
    return table.with_columns(hour=polars.col("date") // 100 % 100, month=polars.col("date") // 1_000_000,
                              late=polars.col("delay") > 15)


def logistic_regression(train, test):
    columns = ColumnTransformer([("numbers", StandardScaler(), ["distance"]),
                                 ("categories", OneHotEncoder(handle_unknown="ignore"), ["hour", "month", "origin", "destination"])])
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    model.fit(train.drop("late"), train["late"].to_numpy())
    return model.predict_proba(test.drop("late"))[:, 1]


def show(name, auc, error, accuracy):
    print(f"| {name} | {auc:.4f} | {error:.4f} | {accuracy:.4f} |")


def main():
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        record, output = run_pipeline(Path(folder) / "store")
        prepare = next(name for name, step in record["steps"].items() if "test" in step["outputs"])
        evaluate = next(name for name, step in record["steps"].items() if "auc" in step["metrics"])
        train_rows, _ = rows_of(output(prepare, "train"))
        test_rows, target = rows_of(output(prepare, "test"))
    table = flights()
    train, test = table[train_rows], table[test_rows]
    late = test["late"].to_numpy()
    assert (late == target.astype(bool)).all(), "the pipeline's targets are those of the source rows"

    base = np.full(len(late), train["late"].mean())
    peer = logistic_regression(train, test)
    ours = record["steps"][evaluate]["metrics"]
    print(f"{len(train):,} rows to learn from, {len(test):,} to test on, {late.mean():.1%} of them late\n")
    print("| model | AUC | calibration error | accuracy |\n| --- | --- | --- | --- |")
    show("majority class, with the base rate as probability", 0.5, calibration_error(base, late), accuracy_score(late, base > 0.5))
    show("logistic regression (scikit-learn)", roc_auc_score(late, peer), calibration_error(peer, late), accuracy_score(late, peer > 0.5))
    show("rankflow, configs/flights.yaml", ours["auc"], ours["calibration_error"], ours["accuracy"])


if __name__ == "__main__":
    main()
