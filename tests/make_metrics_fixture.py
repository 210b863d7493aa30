"""Makes tests/unit/heavy/metrics_fixture.json: what scikit-learn, scipy and numpy say about a few hundred predictions, for
metrics_fixture_test.cpp. Run by hand where a method changes: python3 tests/make_metrics_fixture.py (scikit-learn and scipy
are in benchmarks/peers/requirements.txt)."""
import json
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn import metrics

random = np.random.default_rng(7)


def two_classes(rows=300):
    actual = (random.random(rows) < 0.3).astype(int)
    # Rounded, so that scores tie.
    score = np.round(np.clip(0.3 + 0.25 * actual + 0.2 * random.standard_normal(rows), 0.01, 0.99), 2)
    predicted = (score >= 0.5).astype(int)
    weights = random.poisson(1, rows)
    common = dict(sample_weight=weights)
    precision, recall, thresholds = metrics.precision_recall_curve(actual, score)
    return {
        "actual": actual.tolist(), "score": score.tolist(), "weights": weights.tolist(),
        "plain": {
            "accuracy": metrics.accuracy_score(actual, predicted),
            "log_loss": metrics.log_loss(actual, score),
            "brier": metrics.brier_score_loss(actual, score),
            "precision": metrics.precision_score(actual, predicted),
            "recall": metrics.recall_score(actual, predicted),
            "f1": metrics.f1_score(actual, predicted),
            "auc": metrics.roc_auc_score(actual, score),
            "average_precision": metrics.average_precision_score(actual, score),
        },
        "weighted": {
            "accuracy": metrics.accuracy_score(actual, predicted, **common),
            "log_loss": metrics.log_loss(actual, score, **common),
            "brier": metrics.brier_score_loss(actual, score, **common),
            "precision": metrics.precision_score(actual, predicted, **common),
            "recall": metrics.recall_score(actual, predicted, **common),
            "f1": metrics.f1_score(actual, predicted, **common),
            "auc": metrics.roc_auc_score(actual, score, **common),
            "average_precision": metrics.average_precision_score(actual, score, **common),
        },
        # From the highest threshold down, without the end point that no threshold gives.
        "precision_recall": [list(map(float, p)) for p in zip(thresholds[::-1], precision[:-1][::-1], recall[:-1][::-1])],
    }


def three_classes(rows=120):
    actual = random.integers(0, 3, rows)
    logits = random.standard_normal((rows, 3)) + 1.2 * np.eye(3)[actual]
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    weights = random.poisson(1, rows)
    values = {}
    for name, w in (("plain", np.ones(rows)), ("weighted", weights)):
        macro = dict(average="macro", zero_division=0, sample_weight=w)
        predicted = probability.argmax(1)
        values[name] = {
            "accuracy": metrics.accuracy_score(actual, predicted, sample_weight=w),
            "log_loss": metrics.log_loss(actual, probability, sample_weight=w),
            "brier": float(np.average(((probability - np.eye(3)[actual]) ** 2).sum(1), weights=w)),
            "macro_precision": metrics.precision_score(actual, predicted, **macro),
            "macro_recall": metrics.recall_score(actual, predicted, **macro),
            "macro_f1": metrics.f1_score(actual, predicted, **macro),
        }
    return {"actual": actual.tolist(), "probability": probability.tolist(), "weights": weights.tolist(), **values}


def one_against_others():
    """Of each class: scores that lie close together, as of a model that has learnt little, and a rare class."""
    own = np.random.default_rng(11)
    cases = []
    for rows, spread, apart, weights in ((200, 0.0004, 1.0, (0, 0, 0)), (600, 1.0, 1.5, (0, 0, -4.5))):
        share = np.exp(weights) / np.exp(weights).sum()
        actual = own.choice(3, rows, p=share)
        logits = spread * (own.standard_normal((rows, 3)) + apart * np.eye(3)[actual]) + np.array(weights)
        probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        cases.append({
            "actual": actual.tolist(), "probability": probability.tolist(),
            "auc": [metrics.roc_auc_score(actual == c, probability[:, c]) for c in range(3)],
            "average_precision": [metrics.average_precision_score(actual == c, probability[:, c]) for c in range(3)],
        })
    return cases


def a_class_that_does_not_occur():
    actual, predicted = [0, 0, 0, 2, 2, 0, 2], [0, 0, 2, 2, 4, 0, 2]  # of five classes
    macro = dict(average="macro", zero_division=0)
    return {
        "actual": actual, "predicted": predicted,
        "macro_precision": metrics.precision_score(actual, predicted, **macro),
        "macro_recall": metrics.recall_score(actual, predicted, **macro),
        "macro_f1": metrics.f1_score(actual, predicted, **macro),
    }


def numbers(rows=80):
    actual = random.normal(100, 20, rows)
    predicted = actual + random.normal(1, 5, rows)
    weights = random.poisson(1, rows)
    values = {}
    for name, w in (("plain", np.ones(rows)), ("weighted", weights)):
        values[name] = {
            "rmse": metrics.root_mean_squared_error(actual, predicted, sample_weight=w),
            "mae": metrics.mean_absolute_error(actual, predicted, sample_weight=w),
            "r2": metrics.r2_score(actual, predicted, sample_weight=w),
        }
    return {"actual": actual.tolist(), "predicted": predicted.tolist(), "weights": weights.tolist(), **values}


def paired():
    differences = random.normal(0.2, 1, 40)
    t = stats.ttest_1samp(differences, 0)
    chi = lambda b, c: stats.chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1)
    return {
        "differences": differences.tolist(),
        "t": {"statistic": t.statistic, "p_value": t.pvalue, "mean": differences.mean(), "deviation": differences.std(ddof=1)},
        "mcnemar": [
            {"b": b, "c": c, "p_value": float(chi(b, c) if b + c >= 25 else stats.binomtest(b, b + c).pvalue)}
            for b, c in ((3, 9), (0, 7), (6, 6), (12, 30), (40, 41), (100, 160))
        ],
    }


def main():
    samples = np.round(random.standard_normal(201), 6)
    fixture = {
        "two_classes": two_classes(), "three_classes": three_classes(), "numbers": numbers(), "paired": paired(),
        "percentiles": {"samples": samples.tolist(), "low": np.quantile(samples, 0.05), "high": np.quantile(samples, 0.95)},
        "one_against_others": one_against_others(), "a_class_that_does_not_occur": a_class_that_does_not_occur(),
        "poisson": [float(stats.poisson.pmf(k, 1)) for k in range(6)],
    }
    path = Path(__file__).parent / "unit/heavy/metrics_fixture.json"
    path.write_text(json.dumps(fixture, default=float) + "\n")


main()
