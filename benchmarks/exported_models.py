"""Do PyTorch models train as well and as fast here as under PyTorch? The three models of configs/pytorch/models.py on MNIST,
exported and trained by rankflow on 2 ranks, beside PyTorch DDP over Gloo with 2 processes: one thread each, a global batch of
256 rows, SGD with momentum, and for each seed the same initial weights on both sides.

    .venv/bin/python benchmarks/exported_models.py --data DIR [--prefix mnist-] [--seeds 3] [--models mlp,cnn,transformer]

Prints a table: accuracy on the test images after the last epoch (mean over the seeds, lowest to highest), samples per second
(median over epochs and seeds). Accuracy holds where the means differ by no more than a seed changes PyTorch's."""
import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measure import SOURCE, Verdicts, machine, rankflow, run

MODELS = SOURCE / "configs/pytorch/models.py"
EPOCHS = {"mlp": 4, "cnn": 2, "transformer": 2}
LEARNING_RATE = {"mlp": 0.05, "cnn": 0.05, "transformer": 0.05}
LEAST_NOISE = 0.002  # of an accuracy on 10,000 images: two standard deviations at 99 %

PIPELINE = (SOURCE / "configs/pytorch/mnist.yaml").read_text()


def pipeline():
    """configs/pytorch/mnist.yaml, starting from weights of each seed's own."""
    text = PIPELINE.replace("inputs:\n  mnist:", "inputs:\n  weights:\n    description: of the seed\n  mnist:", 1)
    return text.replace("      model: ${{inputs.model}}\n", "      model: ${{inputs.model}}\n      initial_weights: ${{inputs.weights}}\n", 1)


def save_initial_weights(model, seed, path):
    code = ("import sys, importlib.util, torch; from safetensors.torch import save_file\n"
            f"s = importlib.util.spec_from_file_location('m', {str(MODELS)!r}); m = importlib.util.module_from_spec(s); s.loader.exec_module(m)\n"
            f"torch.manual_seed({seed}); save_file(m.{model}().state_dict(), {str(path)!r})")
    run([sys.executable, "-c", code], SOURCE)


def ours(folder, model, seed, data, prefix):
    weights = folder / f"{model}-{seed}.safetensors"
    save_initial_weights(model, seed, weights)
    settings = {"prefix": prefix, "epochs": EPOCHS[model], "learning_rate": LEARNING_RATE[model], "seed": seed}
    run([rankflow(), "run", "-n", "2", "mnist.yaml", "--quiet", "--store", folder / "store", "--input", f"mnist={data}",
         "--input", f"model={folder / model}", "--input", f"weights={weights}",
         *(part for k, v in settings.items() for part in ("--set", f"{k}={v}"))], folder)
    latest = folder / "store/runs" / (folder / "store/runs/latest").read_text().strip()
    steps = json.loads((latest / "run.json").read_text())["steps"]
    return steps["evaluate"]["metrics"]["accuracy"], steps["train"]["metrics"]["samples_per_second"]


def peer(model, seed, data, prefix):
    lines = run([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", SOURCE / "benchmarks/peers/ddp_mnist.py",
                 "--model", f"{MODELS}:{model}", "--seed", str(seed), "--data", data, "--prefix", prefix, "--threads", "1",
                 "--epochs", str(EPOCHS[model]), "--learning-rate", str(LEARNING_RATE[model])], SOURCE)[1].splitlines()
    epochs = [json.loads(line) for line in lines if line.startswith('{"epoch"')]
    return epochs[-1]["accuracy"], statistics.median(e["samples_per_second"] for e in epochs)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--prefix", default="")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--models", default=",".join(EPOCHS))
    arguments = arguments.parse_args()
    data, models = str(Path(arguments.data).resolve()), arguments.models.split(",")
    print(machine())
    verdicts = Verdicts()
    results = {}
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "mnist.yaml").write_text(pipeline())
        for model in models:
            began = time.perf_counter()
            run([sys.executable, SOURCE / "launchers/export_model.py", f"{MODELS}:{model}", "--batch", "images=1x28x28", "-o", folder / model],
                SOURCE)
            print(f"{model}: exported in {time.perf_counter() - began:.0f} s", flush=True)
        for seed in range(arguments.seeds):
            for model in models:
                results.setdefault((model, "rankflow"), []).append(ours(folder, model, seed, data, arguments.prefix))
                results.setdefault((model, "DDP"), []).append(peer(model, seed, data, arguments.prefix))
    print("| model | epochs | trained by | accuracy | samples/s | beside DDP |\n| --- | --- | --- | --- | --- | --- |")
    for (model, who), runs in results.items():
        accuracies, speed = [a for a, _ in runs], statistics.median(s for _, s in runs)
        beside = speed / statistics.median(s for _, s in results[model, "DDP"])
        print(f"| {model} | {EPOCHS[model]} | {who} | {statistics.mean(accuracies):.4f} ({min(accuracies):.4f} to {max(accuracies):.4f}) "
              f"| {speed:,.0f} | {beside:.2f} |")
    for model in models:
        here, there = ([a for a, _ in results[model, who]] for who in ("rankflow", "DDP"))
        noise = max(LEAST_NOISE, max(there) - min(there))  # what the seed changes under PyTorch
        verdicts.check(f"{model}: points of accuracy between rankflow and DDP", 100 * abs(statistics.mean(here) - statistics.mean(there)),
                       round(100 * noise, 2), at_most=True)
    verdicts.leave()


if __name__ == "__main__":
    main()
