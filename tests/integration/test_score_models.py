"""Models from elsewhere that score, and several models in one pass."""
import json
import subprocess
import sys

import pytest
from support import SOURCE

np, pd, torch = (pytest.importorskip(name) for name in ("numpy", "pandas", "torch"))

PIPELINE = f"""\
name: models
inputs:
  digits: {{path: {SOURCE}/configs/data/digits.csv.gz}}
  other: {{path: model.pt}}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.digits}}}}"}}
    header: false
    target: c64
    task: classification
    split: {{train: 0.5, test: 0.5}}
"""

TRAIN = """\
  fit_{name}:
    type: train
    inputs: {{train: "${{{{steps.data.outputs.train}}}}"}}
    model: {{type: linear}}
    epochs: 2
    seed: {seed}
"""

SCORE = """\
  score_{name}:
    type: score
    inputs: {{data: "${{{{steps.data.outputs.test}}}}"{inputs}}}
    formats: [csv, hdf5]
"""

MODEL = """
import sys, torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)).eval()
torch.jit.script(model).save("model.pt")
if "pt2" in sys.argv:
    rows = torch.export.Dim("rows", min=2, max=100_000)
    program = torch.export.export(model, (torch.zeros(4, 64),), dynamic_shapes=({0: rows},))
    torch._inductor.aoti_compile_and_package(program, package_path="model.pt2")
torch.save(model.state_dict(), "state.pth")
if "soft" in sys.argv:
    torch.jit.script(torch.nn.Sequential(model, torch.nn.Softmax(1))).save("soft.pt")
    torch.save(model, "pickled.pt")
    torch.export.save(torch.export.export(model, (torch.zeros(4, 64),)), "program.pt2")

    class Two(torch.nn.Module):
        def forward(self, x):
            return x[:, :10], x
    torch.jit.trace(Two(), torch.zeros(4, 64)).save("two.pt")
"""


def scores(flow, step):
    return pd.read_csv(flow.artifact(step, "scores")[0] / "scores.csv")


def features(flow, split):
    h5py = pytest.importorskip("h5py")
    folder = flow.artifact("data", split)[0]
    with h5py.File(folder / "part-00000.h5") as file:
        return torch.from_numpy(file["features"][:])


@pytest.mark.parametrize("kind", ["pt", "pt2"])
def test_torchscript_and_compiled_programs(rankflow, kind):
    subprocess.run([sys.executable, "-c", MODEL, kind], cwd=rankflow.folder, check=True, capture_output=True)
    rankflow.write("p.yaml", PIPELINE + SCORE.format(name="it", inputs=', model: "${{inputs.other}}"'))
    rankflow("run", "-n", "2", "p.yaml", "--input", f"other=model.{kind}")
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    model.load_state_dict(torch.load(rankflow.folder / "state.pth"))
    expected = model(features(rankflow, "test")).softmax(1).detach().numpy()
    got = scores(rankflow, "score_it")[[f"p_{c}" for c in range(10)]].to_numpy()
    assert np.allclose(got, expected, atol=1e-6)


def test_what_a_model_from_elsewhere_gives(rankflow):
    subprocess.run([sys.executable, "-c", MODEL, "soft"], cwd=rankflow.folder, check=True, capture_output=True)
    rankflow.write("p.yaml", PIPELINE + SCORE.format(name="it", inputs=', model: "${{inputs.other}}"')
                   + "    mini_batch_error_threshold: -1\n")
    refused = rankflow("run", "p.yaml", "--input", "other=soft.pt", code=65).err
    assert "the model gave probabilities for the" in refused and "model_outputs: probabilities" in refused, refused
    rankflow("run", "p.yaml")
    columns = [f"p_{c}" for c in range(10)]
    of_logits = scores(rankflow, "score_it")[columns].to_numpy()
    rankflow("run", "p.yaml", "--input", "other=soft.pt", "--set", "score_it.model_outputs=probabilities")
    assert np.allclose(scores(rankflow, "score_it")[columns].to_numpy(), of_logits, atol=1e-6)
    refused = rankflow("run", "p.yaml", "--set", "score_it.model_outputs=probabilities", code=65).err
    assert "model_outputs says probabilities, but" in refused and "failed" not in refused.split("model_outputs")[0][-30:], refused
    for name, says in (("pickled.pt", "is a pickled module or state dict (torch.save), not TorchScript"),
                       ("state.pth", "is a pickled module or state dict (torch.save), not TorchScript"),
                       ("program.pt2", "is a program that torch.export.save wrote"),
                       ("two.pt", "two.pt gives Tuple, not one tensor")):
        assert says in rankflow("run", "p.yaml", "--input", f"other={name}", code=65).err, name
    rankflow.write("p.yaml", PIPELINE + TRAIN.format(name="a", seed=1)
                   + SCORE.format(name="it", inputs=', model: "${{steps.fit_a.outputs.model}}"') + "    model_outputs: logits\n")
    assert "what a train step's model gives is known" in rankflow("run", "p.yaml", code=78).err


def test_what_is_no_model(rankflow):
    rankflow.write("p.yaml", PIPELINE + SCORE.format(name="it", inputs=', model: "${{inputs.other}}"'))
    rankflow.write("model.pt", "this is text")
    assert "cannot load" in rankflow("run", "p.yaml", code=65).err
    rankflow.write("model.bin", "this is text")
    assert "is no model that is known here" in rankflow("run", "p.yaml", "--input", "other=model.bin", code=65).err


def test_several_models_in_one_pass(rankflow):
    models = ', a: "${{steps.fit_a.outputs.model}}", b: "${{steps.fit_b.outputs.model}}"'
    rankflow.write("p.yaml", PIPELINE + TRAIN.format(name="a", seed=1) + TRAIN.format(name="b", seed=2)
                   + SCORE.format(name="mean", inputs=models) + "    models: [a, b]\n"
                   + SCORE.format(name="both", inputs=models) + "    models: [a, b]\n    ensemble: side_by_side\n")
    rankflow("run", "-n", "2", "p.yaml")
    both, mean = scores(rankflow, "score_both"), scores(rankflow, "score_mean")
    columns = [[f"p{name}_{c}" for c in range(10)] for name in ("_a", "_b", "")]
    a, b = both[columns[0]].to_numpy(), both[columns[1]].to_numpy()
    assert not np.allclose(a, b)
    assert np.allclose(mean[columns[2]].to_numpy(), (a + b) / 2, atol=1e-6)
    assert (both["prediction_a"] == a.argmax(axis=1)).all()
    summary = json.loads((rankflow.artifact("score_both", "scores")[0] / "summary.json").read_text())
    assert sum(summary["rows_per_class_b"].values()) == len(both)
    rankflow.write("p.yaml", (rankflow.folder / "p.yaml").read_text().replace("models: [a, b]", "models: [a, c]"))
    assert 'models names "c"' in rankflow("run", "p.yaml", code=78).err


HANGING = """
import torch
torch.manual_seed(0)

class Hanging(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 10)

    def forward(self, x):
        while x.size(0) < 100:
            x = x.cos()
        return self.layer(x)

torch.jit.script(Hanging().eval()).save("model.pt")
"""


def test_a_forward_pass_that_takes_too_long(rankflow):
    """Of the last mini-batch, which has fewer rows than the others."""
    script = rankflow.write("hanging.py", HANGING)  # TorchScript reads it again
    subprocess.run([sys.executable, script], cwd=rankflow.folder, check=True, capture_output=True)
    rankflow.write("p.yaml", PIPELINE + SCORE.format(name="it", inputs=', model: "${{inputs.other}}"') + """\
    mini_batch_size: 100
    retry_settings: {timeout: 3, max_retries: 1}
""")
    message = "the model's process took longer than 3.00 s and was ended"
    assert f"failed 2 times: {message}" in rankflow("run", "-n", "2", "p.yaml", code=1).err
    rankflow("run", "-n", "2", "p.yaml", "--set", "score_it.mini_batch_error_threshold=1")
    folder = rankflow.artifact("score_it", "scores")[0]
    summary = json.loads((folder / "summary.json").read_text())
    data = features(rankflow, "test")
    whole = len(data) // 100 * 100
    assert (summary["failed_mini_batches"], summary["failed_rows"]) == (1, len(data) - whole)
    assert message in (folder / "errors.csv").read_text()
    model = torch.jit.load(rankflow.folder / "model.pt")
    expected = model(data[:whole]).softmax(1).detach().numpy()
    got = scores(rankflow, "score_it")[[f"p_{c}" for c in range(10)]].to_numpy()
    assert np.allclose(got, expected, atol=1e-6)


def test_the_same_bytes_with_a_time_out(rankflow):
    models = ', a: "${{steps.fit_a.outputs.model}}", b: "${{steps.fit_b.outputs.model}}"'
    rankflow.write("p.yaml", PIPELINE + TRAIN.format(name="a", seed=1) + TRAIN.format(name="b", seed=2)
                   + SCORE.format(name="it", inputs=models) + "    models: [a, b]\n    input_columns: [target]\n    top_k: 2\n")
    rankflow("run", "-n", "2", "p.yaml")
    without = rankflow.artifact("score_it", "scores")[1]
    rankflow("run", "-n", "2", "p.yaml", "--set", "score_it.retry_settings={timeout: 60}")
    assert rankflow.statuses()["score_it"] == "done"
    assert rankflow.artifact("score_it", "scores")[1] == without
