"""A pipeline of 1,000 trivial steps (100 chains of 10 copies) for ninja, Snakemake and rankflow.

    benchmarks/noop.py [--rounds N] [--first-rounds N]

Measures a run with nothing to do, alternating; the same with 10,000 steps for rankflow; and the first run, with
Snakemake. Each program gets the same copies and its own usual command. Needs build/release and benchmarks/peers/setup."""
import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from measure import PEERS, Verdicts, alternate, machine, need, rankflow, run, seconds_text

CHAIN = 10


def write_ninja(folder, steps):
    lines = ["rule copy\n  command = cp $in $out\n"]
    lines += [f"build o{i}.txt: copy {source(i)}\n" for i in range(steps)]
    (folder / "build.ninja").write_text("".join(lines))


def write_snakemake(folder, steps):
    outputs = ", ".join(f"'o{i}.txt'" for i in range(steps))
    rules = [f"rule all:\n  input: {outputs}\n"]
    rules += [f"rule r{i}:\n  input: '{source(i)}'\n  output: 'o{i}.txt'\n  shell: 'cp {{input}} {{output}}'\n" for i in range(steps)]
    (folder / "Snakefile").write_text("".join(rules))


def write_rankflow(folder, steps):
    lines = ["name: noop\ninputs:\n  in:\n    path: in.txt\nsteps:\n"]
    for i in range(steps):
        before = "${{inputs.in}}" if i % CHAIN == 0 else f"${{{{steps.r{i - 1}.outputs.o}}}}/o.txt"
        # All copies are of the same bytes, so that rankflow would run one chain and reuse it for the others, which would
        # flatter it: a variable of its own makes each step another one.
        lines.append(f'  r{i}:\n    type: command\n    command: [cp, "{before}", "${{{{outputs.o}}}}/o.txt"]\n    env: {{STEP: "{i}"}}\n'
                     "    outputs: [o]\n")
    (folder / "noop.yaml").write_text("".join(lines))


def source(i):
    return "in.txt" if i % CHAIN == 0 else f"o{i - 1}.txt"


class Case:
    """One program with `steps` steps in a folder of its own."""

    def __init__(self, root, name, write, steps, command):
        self.folder = Path(root) / f"{name}-{steps}"
        self.write, self.steps, self.command = write, steps, command

    def fresh(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "in.txt").write_text("x")
        self.write(self.folder, self.steps)

    def first(self):
        self.fresh()
        return run(self.command, self.folder)[0]

    def again(self):
        return run(self.command, self.folder)[0]


def check_all_ran(case):
    """That the first run did every step's work."""
    latest = (case.folder / ".rankflow/runs/latest").read_text().strip()
    steps = json.loads((case.folder / ".rankflow/runs" / latest / "run.json").read_text())["steps"]
    done = sum(step["status"] == "done" for step in steps.values())
    assert done == case.steps, f"{case.folder}: {done} of {case.steps} steps ran"


def check_nothing_to_do(case):
    """That all steps are reused, so that the time is that of deciding and not of a failure or of work."""
    plan = json.loads(run([case.command[0], "plan", "--json", "-n", "2", "noop.yaml"], case.folder)[1])
    decisions = [step["decision"] for step in plan["steps"]]
    assert decisions == ["reuse"] * case.steps, f"{case.folder}: {set(decisions)}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7, help="of unchanged runs")
    arguments.add_argument("--first-rounds", type=int, default=3, help="of first runs")
    arguments = arguments.parse_args()
    print(machine())
    verdicts = Verdicts()
    os.environ.pop("RANKFLOW_STORE", None)
    with tempfile.TemporaryDirectory() as root:
        ours = [rankflow(), "run", "-n", "2", "--quiet", "noop.yaml"]
        ninja = Case(root, "ninja", write_ninja, 1000, [need(shutil.which("ninja") or "ninja", "apt install ninja-build")])
        snakemake = Case(root, "snakemake", write_snakemake, 1000,
                         [need(PEERS / "snakemake", "benchmarks/peers/setup"), "--cores", "2", "--quiet"])
        flow = Case(root, "rankflow", write_rankflow, 1000, ours)
        large = Case(root, "rankflow", write_rankflow, 10_000, ours)

        first = alternate({"ninja": ninja.first, "Snakemake": snakemake.first, "rankflow": flow.first}, arguments.first_rounds)
        print("1,000 steps for the first time, medians:", "  ".join(f"{k} {seconds_text(v)}" for k, v in first.items()))
        print("10,000 steps for the first time: rankflow", seconds_text(large.first()))
        for case in (flow, large):
            check_all_ran(case)
            check_nothing_to_do(case)
        again = alternate({"ninja": ninja.again, "Snakemake": snakemake.again, "rankflow": flow.again,
                           "rankflow, 10,000 steps": large.again}, arguments.rounds)
        print("1,000 unchanged steps, medians:", "  ".join(f"{k} {seconds_text(v)}" for k, v in again.items()))

    verdicts.check("unchanged, rankflow / ninja", again["rankflow"] / again["ninja"], 10, at_most=True)
    verdicts.check("unchanged, Snakemake / rankflow", again["Snakemake"] / again["rankflow"], 20, at_most=False)
    verdicts.check("unchanged, 10,000 steps / 1,000 steps", again["rankflow, 10,000 steps"] / again["rankflow"], 12, at_most=True)
    verdicts.check("first run, Snakemake / rankflow", first["Snakemake"] / first["rankflow"], 4, at_most=False)
    verdicts.leave()


if __name__ == "__main__":
    main()
