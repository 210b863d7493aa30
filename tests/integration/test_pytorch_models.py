"""Exported PyTorch models, plug-ins and weights: what comes from Python and what goes back."""
import json
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import safetensors.numpy
from support import BAD_DATA, CONFIGURATION, SOURCE, Rankflow

torch = pytest.importorskip("torch")
MODELS = SOURCE / "tests/integration/data/pytorch_models.py"
PIPELINE = """\
name: clouds
inputs:
  rows: {path: rows.csv}
  model: {path: model}
steps:
  prepare:
    type: prepare
    inputs: {data: "${{inputs.rows}}"}
    target: cloud
    features: {numeric: [a, b, c, d]}
    split: {train: 0.8, test: 0.2}
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.train}}", validation: "${{steps.prepare.outputs.test}}", model: "${{inputs.model}}"}
    model: {type: exported}
    epochs: 6
    batch_size: 31
    optimizer: {type: sgd, learning_rate: 0.05}
  evaluate:
    type: evaluate
    inputs: {model: "${{steps.train.outputs.model}}", data: "${{steps.prepare.outputs.test}}"}
  score:
    type: score
    inputs: {model: "${{steps.train.outputs.model}}", data: "${{steps.prepare.outputs.test}}"}
"""


def export(place, folder, *options, batch="features=4", code=0):
    done = subprocess.run([sys.executable, SOURCE / "launchers/export_model.py", place, "-o", folder, "--batch", *batch.split(), *options],
                          capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folders of compiled models: compiling takes most of this file's time."""
    folder = tmp_path_factory.mktemp("exported")
    export(f"{MODELS}:normalised", folder / "normalised")
    export(f"{MODELS}:straight", folder / "straight", "--seed", "7")
    return folder


@pytest.fixture
def flow(tmp_path, exported):
    flow = Rankflow(tmp_path, tmp_path / "store")
    random = np.random.default_rng(1)
    clouds = random.integers(0, 3, 600)
    values = random.normal(size=(600, 4)) + 2.5 * np.eye(4)[clouds]
    lines = [",".join([*(f"{v:.5f}" for v in row), "abc"[cloud]]) for row, cloud in zip(values, clouds)]
    flow.write("rows.csv", "a,b,c,d,cloud\n" + "\n".join(lines) + "\n")
    flow.write("clouds.yaml", PIPELINE)
    shutil.copytree(exported / "normalised", flow.folder / "model")
    return flow


def test_batchnorm_and_dropout_train_on_several_ranks(flow):
    weights = {}
    for ranks in (1, 2, 4):
        flow("run", "-n", ranks, "clouds.yaml", "--force", "train")
        assert flow.metrics("evaluate")["accuracy"] > 0.9
        folder, _ = flow.artifact("train", "model")
        weights[ranks] = safetensors.numpy.load_file(folder / "model.safetensors")
        rows = json.loads((flow.artifact("prepare", "train")[0] / "dataset.json").read_text())["rows"]
        assert weights[ranks]["body.1.num_batches_tracked"] == 6 * -(-rows // 31)
        assert np.isfinite(weights[ranks]["body.1.running_var"]).all()
    for ranks in (2, 4):  # a mean over ranks of what each saw
        assert np.allclose(weights[ranks]["body.1.running_mean"], weights[1]["body.1.running_mean"], atol=0.2)


def test_weights_return_to_python(flow, exported):
    """The trained weights, loaded into the module under its own names, give rankflow's probabilities."""
    flow("run", "-n", "2", "clouds.yaml")
    sys.path.insert(0, str(MODELS.parent))
    import pytorch_models
    from safetensors.torch import load_file
    model = pytorch_models.normalised().eval()
    model.load_state_dict(load_file(flow.artifact("train", "model")[0] / "model.safetensors"))
    parts = sorted(flow.artifact("prepare", "test")[0].glob("part-*.h5"))
    features = torch.from_numpy(np.concatenate([h5py.File(p)["features"][:] for p in parts]))
    with torch.no_grad():
        expected = model(features).double().softmax(1).numpy()
    with h5py.File(flow.artifact("score", "scores")[0] / "scores.h5") as scores:
        assert np.abs(scores["probabilities"][:] - expected).max() < 1e-5


IMAGES = """\
name: sides
inputs: {images: {path: images}, labels: {path: labels}, model: {path: model}}
steps:
  prepare:
    type: prepare
    inputs: {images: "${{inputs.images}}", labels: "${{inputs.labels}}"}
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.data}}", model: "${{inputs.model}}"}
    model: {type: exported}
    epochs: 3
    batch_size: 32
    optimizer: {type: sgd, learning_rate: 0.05}
  evaluate:
    type: evaluate
    inputs: {model: "${{steps.train.outputs.model}}", data: "${{steps.prepare.outputs.data}}"}
  score:
    type: score
    inputs: {model: "${{steps.train.outputs.model}}", data: "${{steps.prepare.outputs.data}}"}
"""


def test_convolutions_score_as_in_python(rankflow, tmp_path):
    """The layout of a convolution's weights says how its images lie: what is read back has to have the same."""
    export(f"{MODELS}:convolutions", rankflow.folder / "model", batch="images=1x8x8")
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 400).astype(np.uint8)
    images = random.integers(0, 120, (400, 8, 8)).astype(np.uint8)
    for image, label in zip(images, labels):
        image[:, 4 * label:4 * label + 4] += 90
    (rankflow.folder / "images").write_bytes(b"\0\0\x08\x03" + np.array([400, 8, 8], ">u4").tobytes() + images.tobytes())
    (rankflow.folder / "labels").write_bytes(b"\0\0\x08\x01" + np.array([400], ">u4").tobytes() + labels.tobytes())
    rankflow.write("sides.yaml", IMAGES)
    rankflow("run", "-n", "2", "sides.yaml")
    assert rankflow.metrics("evaluate")["accuracy"] > 0.95
    sys.path.insert(0, str(MODELS.parent))
    import pytorch_models
    from safetensors.torch import load_file
    model = pytorch_models.convolutions().eval()
    model.load_state_dict(load_file(rankflow.artifact("train", "model")[0] / "model.safetensors"))
    with torch.no_grad():
        expected = model(torch.from_numpy(images).float().unsqueeze(1) / 255).double().softmax(1).numpy()
    with h5py.File(rankflow.artifact("score", "scores")[0] / "scores.h5") as scores:
        assert np.abs(scores["probabilities"][:] - expected).max() < 1e-4


def test_trains_as_pytorch_does(flow, exported):
    """Without dropout and shuffling the same weights follow from the same batches, on one rank and on two."""
    shutil.rmtree(flow.folder / "model")
    shutil.copytree(exported / "straight", flow.folder / "model")
    sys.path.insert(0, str(MODELS.parent))
    import pytorch_models
    from safetensors.torch import load_file
    options = ["clouds.yaml", "--set", "train.shuffle=false", "--set", "train.epochs=2", "--force", "train"]
    flow("run", "-n", "1", *options)
    parts = sorted(flow.artifact("prepare", "train")[0].glob("part-*.h5"))
    features = torch.from_numpy(np.concatenate([h5py.File(p)["features"][:] for p in parts]))
    target = torch.from_numpy(np.concatenate([h5py.File(p)["target"][:] for p in parts])).reshape(-1)
    model = pytorch_models.straight()
    model.load_state_dict(load_file(exported / "straight/weights.safetensors"))
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for _ in range(2):
        for x, y in zip(features.split(31), target.split(31)):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    for ranks in (1, 2):
        flow("run", "-n", ranks, *options)
        trained = load_file(flow.artifact("train", "model")[0] / "model.safetensors")
        for name, value in model.state_dict().items():
            assert (trained[name] - value).abs().max() < 1e-4, f"{name} on {ranks} ranks"


def test_fine_tuning_of_an_exported_model(flow, exported):
    """Weights from Python, one layer frozen."""
    shutil.rmtree(flow.folder / "model")
    shutil.copytree(exported / "straight", flow.folder / "model")
    start = {"0.weight": np.full((8, 4), 0.25, np.float32), "0.bias": np.zeros(8, np.float32),
             "2.weight": np.eye(3, 8, dtype=np.float32), "2.bias": np.zeros(3, np.float32)}
    safetensors.numpy.save_file(start, flow.folder / "start.safetensors")
    with h5py.File(flow.folder / "start.h5", "w") as file:
        for name, value in start.items():
            file[name] = value
    text = PIPELINE.replace("  model: {path: model}\n", "  model: {path: model}\n  start: {path: start.safetensors}\n")
    text = text.replace('model: "${{inputs.model}}"}', 'model: "${{inputs.model}}", initial_weights: "${{inputs.start}}"}')
    flow.write("tune.yaml", text.replace("    epochs: 6\n", "    epochs: 6\n    freeze: [\"0.*\"]\n"))
    flow("run", "-n", "2", "tune.yaml")
    trained = safetensors.numpy.load_file(flow.artifact("train", "model")[0] / "model.safetensors")
    assert (trained["0.weight"] == start["0.weight"]).all() and (trained["0.bias"] == 0).all()
    assert (trained["2.weight"] != start["2.weight"]).any()
    flow("run", "-n", "2", "tune.yaml", "--input", "start=start.h5")
    assert flow.statuses()["train"] == "done", "another file of weights is another training"
    again = safetensors.numpy.load_file(flow.artifact("train", "model")[0] / "model.safetensors")
    assert all((again[name] == trained[name]).all() for name in trained), "the same weights from HDF5"


def test_model_artifacts_are_what_safetensors_writes(flow):
    """The same bytes as Python's writer gives for the same tensors."""
    flow("run", "clouds.yaml", "--only", "train")
    path = flow.artifact("train", "model")[0] / "model.safetensors"
    assert path.read_bytes() == safetensors.numpy.save(safetensors.numpy.load_file(path), {"format": "pt"})


def test_what_does_not_fit(flow, exported):
    folder = flow.folder / "model"
    description = json.loads((folder / "exported.json").read_text())

    def refused(words, code=CONFIGURATION, **changes):
        (folder / "exported.json").write_text(json.dumps(description | changes))
        message = flow("run", "-n", "2", "clouds.yaml", code=code).err
        assert all(word in message for word in words), message

    platform = description["platform"]
    refused(["compiled for PyTorch 1.9.0", "LibTorch"], platform=platform | {"torch": "1.9.0"})
    refused(["compiled for riscv64", "this machine is"], platform=platform | {"machine": "riscv64"})
    refused(["a CPU with avx2048", "x86-64-v3"], platform=platform | {"instructions": ["sse2", "avx2048"]})
    refused(["features of shape [7]", "[4]"], inputs=[{"column": "features", "shape": [7]}])
    refused(["5 outputs", "3 classes"], outputs=5)
    refused(["learns numbers", "classes"], target="numbers", outputs=1)
    (folder / "exported.json").write_text(json.dumps(description))
    package = (folder / "training_step.pt2").read_bytes()
    (folder / "training_step.pt2").write_bytes(package[:len(package) // 2])
    assert "training_step.pt2" in flow("run", "-n", "2", "clouds.yaml", code=BAD_DATA).err
    (folder / "training_step.pt2").write_bytes(package)
    safetensors.numpy.save_file({"other": np.zeros(3, np.float32)}, folder / "weights.safetensors")
    message = flow("run", "-n", "2", "clouds.yaml", code=BAD_DATA).err
    assert "it lacks" in message and "the model has no other" in message
    shutil.rmtree(folder)
    folder.mkdir()
    assert "no exported.json" in flow("run", "clouds.yaml", code=BAD_DATA).err


def test_the_exporter_says_what_has_to_change(tmp_path):
    out = tmp_path / "x"
    assert "one parameter: tied weights" in export(f"{MODELS}:tied", out, code=1)
    assert "has no function nothing" in export(f"{MODELS}:nothing", out, code=1)
    assert "needs one" in export(f"{MODELS}:straight", out, "--loss", "mse", code=1)
    out.mkdir()
    assert "left alone" in export(f"{MODELS}:straight", out, code=1)
    assert list(tmp_path.iterdir()) == [out], "nothing is left behind"


def test_an_exported_model_for_each_key(rankflow):
    """What tells the classes apart is the other way round for half of the keys, which no one linear model can learn."""
    export(f"{MODELS}:keyed", rankflow.folder / "model", batch="features=2 categories=1")
    random = np.random.default_rng(3)
    lines = ["x,z,shop,late"]
    for _ in range(1200):
        x, z, shop = random.normal(), random.normal(), random.integers(0, 6)
        lines.append(f"{x:.4f},{z:.4f},s{shop},{int((x > 0) == (shop % 2 == 0))}")
    rankflow.write("rows.csv", "\n".join(lines) + "\n")
    text = PIPELINE.replace("    target: cloud\n    features: {numeric: [a, b, c, d]}\n",
                            "    target: late\n    features: {numeric: [x, z], categorical: [shop]}\n")
    rankflow.write("shops.yaml", text.replace("    model: {type: exported}\n", "    model: {type: exported}\n    partition_by: shop\n"))
    weights = {}
    for ranks in (1, 2):
        rankflow("run", "-n", ranks, "shops.yaml", "--force", "train")
        assert rankflow.metrics("train")["models"] == 6
        assert rankflow.metrics("evaluate")["accuracy"] > 0.9
        weights[ranks] = rankflow.artifact("train", "model")[1]
    assert weights[1] == weights[2]
    assert rankflow.statuses()["score"] in ("done", "reused")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The example library, built against rankflow as `cmake --install` leaves it."""
    folder = tmp_path_factory.mktemp("plugin")
    build = SOURCE / "build/release"
    if not (build / "CMakeCache.txt").is_file():
        pytest.skip("no build in build/release to install")
    for command in (["cmake", "--install", build, "--prefix", folder / "installed"],
                    ["cmake", "-S", SOURCE / "configs/plugin", "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Release",
                     f"-DCMAKE_PREFIX_PATH={folder / 'installed'}"],
                    ["cmake", "--build", folder / "build"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build/libhighway.so"


FRAGILE = """\
#include <unistd.h>
#include <cstdlib>
#include "steps/row_plugin.h"

class Fragile : public rankflow::RowProgram {
  rankflow::RowTable run(const rankflow::MiniBatch& batch) override {
    if (batch.first_row == 500) std::abort();
    while (batch.first_row == 1000) pause();
    std::vector<std::int64_t> row(static_cast<std::size_t>(batch.table.rows));
    std::vector<std::uint8_t> missing;
    for (auto& number : row) {
      number = batch.first_row + (&number - row.data());
      missing.push_back(number % 7 == 0);
    }
    return {batch.table.rows, {{.name = "number", .values = row, .missing = missing}, batch.table.columns.at(0)}};
  }
};

extern "C" const char* rankflow_rows_interface() { return rankflow::rows_interface; }
extern "C" rankflow::RowProgram* rankflow_make_row_program(const rankflow::RowProgramContext&) { return new Fragile; }
"""


def test_a_plug_in_that_crashes_or_hangs_costs_a_mini_batch(rankflow, plugin):
    pd = pytest.importorskip("pandas")
    rankflow.write("fragile.cpp", FRAGILE)
    rankflow.write("CMakeLists.txt", """\
cmake_minimum_required(VERSION 3.25)
project(fragile LANGUAGES CXX)
find_package(rankflow REQUIRED)
add_library(fragile MODULE fragile.cpp)
target_link_libraries(fragile PRIVATE rankflow::plugin)
""")
    for command in (["cmake", "-S", ".", "-B", "b", f"-DCMAKE_PREFIX_PATH={plugin.parent.parent / 'installed'}"],
                    ["cmake", "--build", "b"]):
        done = subprocess.run(command, cwd=rankflow.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    rankflow.write("p.yaml", f"""\
name: fragile
inputs: {{digits: {SOURCE}/configs/data/digits.csv.gz}}
steps:
  score:
    type: score
    inputs: {{data: "${{{{inputs.digits}}}}"}}
    header: false
    entry_script: b/libfragile.so
    code: [CMakeLists.txt]
    mini_batch_size: 100
    mini_batch_error_threshold: 2
    retry_settings: {{timeout: 2, max_retries: 0}}
""")
    rankflow("run", "-n", "2", "p.yaml")
    folder = rankflow.artifact("score", "scores")[0]
    errors = pd.read_csv(folder / "errors.csv")
    assert list(errors["first_row"]) == [500, 1000]
    assert "was ended by signal 6 (Aborted)" in errors["message"][0]
    assert "took longer than 2.00 s and was ended" in errors["message"][1]
    rows = pd.read_csv(folder / "scores.csv")
    pixels = pd.read_csv(SOURCE / "configs/data/digits.csv.gz", header=None)
    assert list(rows["row"]) == [r for r in range(len(pixels)) if r // 100 not in (5, 10)]
    assert rows["number"].equals(rows["row"].where(rows["row"] % 7 != 0)) and (rows["c0"] == pixels.iloc[rows["row"], 0].to_numpy()).all()


def test_a_plug_in_trains_and_is_kept_with_its_model(rankflow, plugin):
    library = rankflow.folder / "libhighway.so"
    shutil.copy(plugin, library)
    command = ["run", "-n", "2", SOURCE / "configs/plugin/digits.yaml", "--input", f"library={library}"]
    rankflow(*command)
    assert rankflow.metrics("evaluate")["accuracy"] > 0.9
    rankflow(*command)
    assert set(rankflow.statuses().values()) == {"reused"}
    assert "no model \"highwya\" (did you mean \"highway\"?)" in rankflow(
        *command, "--set", "train.model={type: plugin, name: highwya}", code=CONFIGURATION).err
    assert "width and depth" in rankflow(
        *command, "--set", "train.model={type: plugin, name: highway, options: {width: 0}}", code=CONFIGURATION).err
    library.write_bytes(library.read_bytes() + b"\0")  # other bytes: another model
    rankflow(*command)
    assert rankflow.statuses()["train"] == "done"
    library.write_text("no library")
    assert "cannot load the plug-in" in rankflow(*command, code=CONFIGURATION).err
    library.unlink()
    shutil.copy(plugin, library)
    rankflow(*command, "--force", "score")  # the library that the model was trained with lies in its artifact
    assert rankflow.statuses()["score"] == "done"


def test_a_plug_in_makes_rows(rankflow, plugin):
    pd = pytest.importorskip("pandas")
    shutil.copy(plugin.with_name("libink.so"), rankflow.folder)
    for name in ("ink.yaml", "CMakeLists.txt"):
        shutil.copy(SOURCE / "configs/plugin" / name, rankflow.folder)
    command = ["run", "-n", "2", "ink.yaml", "--input", f"digits={SOURCE}/configs/data/digits.csv.gz"]
    rankflow(*command)
    scores = pd.read_csv(rankflow.artifact("score", "scores")[0] / "scores.csv")
    pixels = pd.read_csv(SOURCE / "configs/data/digits.csv.gz", header=None).iloc[:, :64]
    assert (scores["ink"] == pixels.sum(axis=1)).all()
    left = pixels[[p for p in range(64) if p % 8 < 4]].sum(axis=1)
    assert ((scores["side"] == "left") == (left > scores["ink"] - left)).all()
    assert rankflow.metrics("prepare")["rows_read"] == len(pixels)
    # What it throws comes with rows and rank, in both kinds of steps.
    for step in ("score", "prepare"):
        says = rankflow(*command, "--set", f"{step}.parameters={{pixels: 80}}", code=1)
        assert re.search(r"mini-batch [01] \(rows (0 to 999|1000 to 1796), rank [01]\) failed 3 times", says.err + says.out)
        assert "libink.so: the table has 65 columns, not 80 pixels" in says.err + says.out
    assert "is no plug-in of rankflow: it has no function rankflow_rows_interface" in rankflow(
        *command, "--set", f"library={plugin}", code=None).err
