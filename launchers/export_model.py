#!/usr/bin/env python3
"""Compiles a PyTorch model into a folder that `rankflow` trains and applies without Python.

    launchers/export_model.py models.py:build --batch images=1x28x28 --loss cross_entropy -o cnn.exported

`models.py:build` is a function without required arguments that returns a torch.nn.Module. The module is called with the
columns that --batch names, one tensor each, in that order, rows first: `images` (float32, 0 … 1), `features` (float32),
`categories` (int64, as numbered by a prepare step). It returns one row of logits a row (cross_entropy), or one number (mse).

The folder holds training_step.pt2 (batch → loss and gradients) and forward.pt2, machine code for this type of CPU and this
version of PyTorch; exported.json (names, shapes and types, what the code was made for); weights.safetensors (the weights to
start from, under their PyTorch names); constants.safetensors (what the code uses besides). docs/models.md says more.
"""
import argparse
import ast
import copy
import importlib.util
import json
import platform
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

try:
    import torch
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    sys.exit(f"export_model.py: {missing.name} is not installed. Try: pip install -r launchers/requirements.txt "
             "-r launchers/requirements-test.txt")

FORMAT = 1
ROWS = 4           # of the batch that is traced
SMALLEST_BATCH = 2  # torch.export takes a dimension of 1 for a constant; rankflow pads single rows
COLUMNS = {"images": torch.float32, "features": torch.float32, "categories": torch.int64}
# What -march=native may use; others of /proc/cpuinfo don't change machine code.
INSTRUCTIONS = ("sse", "ssse", "avx", "amx", "fma", "bmi", "f16c", "gfni", "vaes", "vpclmul", "movbe", "popcnt", "abm", "adx")
PORTABLE = ["abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "popcnt", "sse4_1", "sse4_2", "ssse3"]  # x86-64-v3


def cross_entropy(outputs, target):
    return torch.nn.functional.cross_entropy(outputs, target, reduction="none")


def mse(outputs, target):
    return (outputs.reshape(target.shape) - target) ** 2


LOSSES = {"cross_entropy": (cross_entropy, "classes"), "mse": (mse, "numbers")}


class TrainingStep(torch.nn.Module):
    """(columns …, target, weight) → sum of the weighted losses of the rows, and each row's loss."""

    def __init__(self, model, loss):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *batch):
        *columns, target, weight = batch
        rows = self.loss(self.model(*columns), target)
        return (rows * weight).sum(), rows.detach()


class Forward(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *columns):
        return self.model(*columns)


class Refused(Exception):
    """Something about the model or the command that has to change."""


def named(place, what):
    """The function NAME of FILE.py:NAME."""
    file, colon, name = place.rpartition(":")
    if not colon or not Path(file).is_file():
        raise Refused(f"{what} {place}: give FILE.py:FUNCTION of a file that exists")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(Path(file).resolve().parent))  # it may import its neighbours
    spec.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise Refused(f"{what} {place}: {file} has no function {name}")
    return getattr(module, name)


def parse_batch(texts):
    columns = []
    for text in texts:
        name, equals, shape = text.partition("=")
        sizes = shape.split("x")
        if name not in COLUMNS or not equals or not all(s.isdigit() and int(s) > 0 for s in sizes):
            raise Refused(f"--batch {text}: give one of {', '.join(COLUMNS)} and the shape of a row, such as images=1x28x28 or features=12")
        columns.append((name, [int(s) for s in sizes]))
    if len({name for name, _ in columns}) < len(columns):
        raise Refused("--batch: a column twice")
    return columns


def parse_options(texts):
    options = {}
    for text in texts:
        key, _, value = text.partition("=")
        try:
            options[key] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            options[key] = value
    return options


def example(columns, target):
    """Rows to trace with: zeros are valid everywhere (category 0 is the unknown one)."""
    tensors = [torch.rand(ROWS, *shape) if COLUMNS[name].is_floating_point else torch.zeros(ROWS, *shape, dtype=COLUMNS[name])
               for name, shape in columns]
    answers = torch.zeros(ROWS, dtype=torch.int64 if target == "classes" else torch.float32)
    return tensors, answers, torch.full((ROWS,), 1 / ROWS)


def check_model(model):
    if not isinstance(model, torch.nn.Module):
        raise Refused(f"the function gave a {type(model).__name__}, not a torch.nn.Module")
    if not list(model.parameters()):
        raise Refused("the model has no parameters to train")
    seen = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in seen:
            raise Refused(f"{seen[id(parameter)]} and {name} are one parameter: tied weights are not supported")
        seen[id(parameter)] = name
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            raise Refused(f"parameter {name} is {parameter.dtype} on {parameter.device}: it has to be float32 on the CPU")


def check_outputs(model, tensors, loss, target):
    model.eval()
    with torch.no_grad():
        outputs = model(*tensors)
        if not isinstance(outputs, torch.Tensor) or outputs.dim() != 2 or outputs.shape[0] != ROWS:
            shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
            raise Refused(f"the model gave {shape} for {ROWS} rows: it has to give a tensor [rows, outputs]")
        width = outputs.shape[1]
        if target == "numbers" and width != 1:
            raise Refused(f"the model gives {width} values a row: a target of numbers needs one")
        if target == "classes" and width < 2:
            raise Refused("the model gives one value a row: a target of classes needs one for each class")
        losses = loss(outputs, example([], target)[1])
    if not isinstance(losses, torch.Tensor) or losses.shape != (ROWS,):
        raise Refused(f"the loss gave {getattr(losses, 'shape', losses)} for {ROWS} rows: it has to give one loss a row, without a mean")
    return width


def compile_package(program, path, cpu):
    options = {"aot_inductor.package_constants_in_so": False,
               # otherwise the code has weights of few elements, or of equal ones at first, built in as numbers
               "always_keep_tensor_constants": True, "joint_graph_constant_folding": False,
               "cpp.dynamic_threads": True}  # otherwise the number of threads of this machine is built in
    if cpu == "x86-64-v3":
        if not hasattr(torch._inductor.config.cpp, "march"):
            raise Refused(f"--cpu x86-64-v3: PyTorch {torch.__version__} can only compile for the machine it runs on")
        options |= {"cpp.march": "x86-64-v3", "cpp.simdlen": 256}
    torch._inductor.aoti_compile_and_package(program, package_path=str(path), inductor_configs=options)


def with_gradients(program):
    """The one place that needs a function that PyTorch does not promise to keep."""
    try:
        from torch.export.experimental import _export_forward_backward
    except ImportError:
        raise Refused(f"PyTorch {torch.__version__} has no torch.export.experimental._export_forward_backward, which makes training "
                      "steps: use a version that has it, such as 2.13") from None
    return _export_forward_backward(program)


def export(module, inputs):
    batch = torch.export.Dim("batch", min=SMALLEST_BATCH)
    try:
        return torch.export.export(module, tuple(inputs), dynamic_shapes=(tuple({0: batch} for _ in inputs),))
    except Exception as e:
        raise Refused(f"torch.export can't follow the model for a batch of any size: {e}") from e


def training_outputs(program):
    """Names of the parameters whose gradients follow the loss and the rows' losses, and of the buffers that a step changes."""
    kinds = [(spec.kind.name, spec.target) for spec in program.graph_signature.output_specs]
    returned = [kind for kind, _ in kinds if kind != "BUFFER_MUTATION"]
    if returned[:2] != ["LOSS_OUTPUT", "USER_OUTPUT"] or set(returned[2:]) != {"GRADIENT_TO_PARAMETER"}:
        raise Refused(f"a training step of PyTorch {torch.__version__} returns {returned}, which this program does not know")
    strip = len("model.")
    return ([name[strip:] for kind, name in kinds if kind == "GRADIENT_TO_PARAMETER"],
            [name[strip:] for kind, name in kinds if kind == "BUFFER_MUTATION"])


def by_number(name):
    return int("0" + name[len(name.rstrip("0123456789")):])


def other_constants(program, state, path):
    """What the code reads that is no weight: buffers that are not saved, and tensors made in forward(). The compiler numbers
    the latter anew, in their order; check_packages would see where that does not hold."""
    wanted = [key for key in torch._inductor.aoti_load_package(str(path)).loader.get_constant_fqns()
              if key.removeprefix("model.") not in state]
    constants = {name: value for name, value in program.constants.items() if isinstance(value, torch.Tensor)}
    numbered = sorted((key for key in wanted if key not in constants), key=by_number)
    made = sorted((name for name in constants if name not in wanted and "lifted_tensor" in name), key=by_number)
    if len(numbered) != len(made):
        raise Refused(f"the compiled {path.stem} needs {', '.join(numbered)}, for which the model has {', '.join(made) or 'nothing'}: "
                      "make such tensors buffers of the module")
    source = {key: key for key in wanted if key in constants} | dict(zip(numbered, made))
    return {f"{path.stem}:{key}": constants[name].detach().clone().contiguous() for key, name in source.items()}


def describe(tensors):
    return [{"name": name, "shape": list(t.shape), "strides": list(t.stride()), "dtype": str(t.dtype).removeprefix("torch.")}
            for name, t in tensors.items()]


def instructions(cpu):
    if cpu == "x86-64-v3":
        return PORTABLE
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            flags = line.split(":", 1)[1].split()
            return sorted(f for f in flags if line.startswith("Features") or f.startswith(INSTRUCTIONS))
    return []


def eager_step(step, batch, seed):
    torch.manual_seed(seed)
    step.zero_grad()
    loss, _ = step.train()(*batch)
    loss.backward()
    return loss.item(), {name: p.grad.clone() for name, p in step.model.named_parameters()}


def check_packages(folder, model, loss, constants, columns, answers, weight, gradients):
    """Runs both packages beside the model, with other weights than those that were compiled: what is built in would show.
    Gradients are compared where nothing is drawn at random; compiled dropout draws other numbers. Returns the largest
    difference of outputs."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for t in model.state_dict().values():
            if t.is_floating_point():
                t.add_(0.1 * torch.rand_like(t))

    def load(name):
        loader = torch._inductor.aoti_load_package(str(folder / f"{name}.pt2")).loader
        state, values = model.state_dict(), {}
        for key in loader.get_constant_fqns():
            source = state.get(key.removeprefix("model."), constants.get(f"{name}:{key}"))
            if source is None:
                raise Refused(f"the compiled {name} needs a constant {key} that the model does not have by that name")
            values[key] = source.detach().clone()  # a training step changes buffers
        loader.load_constants(values, False, True, True)
        return loader

    def differs(got, wanted):
        return not (got - wanted).abs().max().item() <= 1e-3 * max(1.0, wanted.abs().max().item())

    with torch.no_grad():
        wanted = model.eval()(*columns)
        got = load("forward").run(list(columns))[0]
        if differs(got, wanted):
            raise Refused(f"the compiled model's outputs differ from the model's by {(got - wanted).abs().max().item()}")
        value, rows, *grads = load("training_step").run([*columns, answers, weight])
    parameters = dict(model.named_parameters())
    if [g.shape for g in grads] != [parameters[name].shape for name in gradients] or rows.shape != answers.shape or not value.isfinite():
        raise Refused(f"the compiled training step gave the loss {value.item()} and gradients of shapes {[tuple(g.shape) for g in grads]}")
    step = TrainingStep(model, loss)
    (first, _), (second, expected) = (eager_step(step, [*columns, answers, weight], seed) for seed in (1, 2))
    if first == second:
        for name, gradient in zip(gradients, grads):
            if differs(gradient, expected[name]):
                raise Refused(f"the compiled gradient of {name} differs from the model's")
    return (got - wanted).abs().max().item()


def export_model(arguments, folder):
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(max(2, torch.get_num_threads()))  # code compiled for one thread never uses more
    columns = parse_batch(arguments.batch)
    model = named(arguments.model, "model")(**parse_options(arguments.option))
    check_model(model)
    # rankflow keeps the weights of convolutions so: on CPUs they are half as fast again.
    model = model.to(memory_format=torch.channels_last)
    if arguments.weights:
        model.load_state_dict(load_file(arguments.weights))
    loss, target = LOSSES[arguments.loss] if arguments.loss in LOSSES else (named(arguments.loss, "loss"), arguments.target)
    tensors, answers, weight = example(columns, target)
    outputs = check_outputs(model, tensors, loss, target)
    state = {name: t.detach() for name, t in model.state_dict().items()}

    program = with_gradients(export(TrainingStep(model, loss).train(), [*tensors, answers, weight]))
    gradients, updated = training_outputs(program)
    if unused := set(dict(model.named_parameters())) - set(gradients):
        raise Refused(f"the loss does not depend on {', '.join(sorted(unused))}: remove what is not used")
    compile_package(program, folder / "training_step.pt2", arguments.cpu)
    constants = other_constants(program, state, folder / "training_step.pt2")
    model.eval()
    program = export(Forward(model), tensors)
    compile_package(program, folder / "forward.pt2", arguments.cpu)
    constants |= other_constants(program, state, folder / "forward.pt2")
    difference = check_packages(folder, model, loss, constants, tensors, answers, weight, gradients)

    parameters = {name: state[name] for name, _ in model.named_parameters()}
    buffers = {name: t for name, t in state.items() if name not in parameters}
    save_file({name: t.contiguous() for name, t in state.items()}, folder / "weights.safetensors", {"format": "pt"})
    save_file(constants, folder / "constants.safetensors", {"format": "pt"})
    (folder / "exported.json").write_text(json.dumps({
        "format": FORMAT,
        "model": arguments.model, "options": parse_options(arguments.option), "loss": arguments.loss, "seed": arguments.seed,
        "platform": {"torch": torch.__version__, "machine": platform.machine(), "instructions": instructions(arguments.cpu)},
        "inputs": [{"column": name, "shape": shape} for name, shape in columns],
        "target": target, "outputs": outputs, "smallest_batch": SMALLEST_BATCH,
        "parameters": describe(parameters), "buffers": describe(buffers),
        "gradients": gradients, "updated_buffers": updated,
    }, indent=1) + "\n")
    return sum(t.numel() for t in parameters.values()), difference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="FILE.py:FUNCTION that makes the module")
    parser.add_argument("--batch", nargs="+", action="extend", required=True, metavar="COLUMN=SHAPE", help="what forward() takes: column and shape of a row")
    parser.add_argument("--loss", default="cross_entropy",
                        help="cross_entropy, mse, or FILE.py:FUNCTION(outputs, target) that gives one loss a row (default: %(default)s)")
    parser.add_argument("--target", choices=["classes", "numbers"], default="classes", help="of a loss of your own: what the target is")
    parser.add_argument("-o", "--output", required=True, type=Path, help="the folder to write; one that is there is replaced")
    parser.add_argument("--option", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="arguments for FUNCTION")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights (default: %(default)s)")
    parser.add_argument("--weights", help="a .safetensors file with weights to start from")
    parser.add_argument("--cpu", choices=["native", "x86-64-v3"], default="native",
                        help="native: for CPUs like this one; x86-64-v3: for any with AVX2 (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.output.exists() and not (arguments.output / "exported.json").is_file():
        sys.exit(f"export_model.py: {arguments.output} is there and no exported model: it is left alone")
    warnings.filterwarnings("ignore", category=FutureWarning)  # of PyTorch about itself
    began = time.perf_counter()
    arguments.output.resolve().parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=arguments.output.resolve().parent))
    try:
        parameters, difference = export_model(arguments, work)
        shutil.rmtree(arguments.output, ignore_errors=True)
        work.chmod(0o755)  # temporary folders and safetensors' files are the owner's alone
        for file in work.iterdir():
            file.chmod(0o644)
        work.rename(arguments.output)
    except Refused as e:
        sys.exit(f"export_model.py: {e}")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{arguments.output}: {parameters:,} parameters, compiled in {time.perf_counter() - began:.0f} s; its outputs differ from "
          f"PyTorch's by at most {difference:.1e}")


if __name__ == "__main__":
    main()
