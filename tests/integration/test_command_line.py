"""The command line with pipelines of small programs: what runs, what is reused, and how errors end."""
import os
import re
import subprocess

import pytest
from support import CONFIGURATION, IO, PERMISSION, STEP_FAILED, USAGE, temporaries

# copy -> upper -> count; `other` stands alone. `upper` gives the same bytes for "hello" and "HELLO".
CHAIN = """\
name: chain
inputs:
  text:
    path: in.txt
parameters:
  suffix: "!"
steps:
  copy:
    type: command
    command: [cp, "${{inputs.text}}", "${{outputs.text}}/text"]
    outputs: [text]
  upper:
    type: command
    command: [sh, -c, 'tr a-z A-Z < "$1/text" > "$2/text"', sh, "${{steps.copy.outputs.text}}", "${{outputs.text}}"]
    outputs: [text]
  count:
    type: command
    command: [sh, -c, 'cat "$1/text" > "$2/text"; echo "$3" >> "$2/text"; echo counted', sh, "${{steps.upper.outputs.text}}",
              "${{outputs.text}}", "${{parameters.suffix}}"]
    outputs: [text]
  other:
    type: command
    command: [sh, -c, 'echo alone > "$1/text"', sh, "${{outputs.text}}"]
    outputs: [text]
"""
ALL = {"copy", "upper", "count", "other"}


@pytest.fixture
def chain(rankflow):
    rankflow.write("in.txt", "hello\n")
    rankflow.write("chain.yaml", CHAIN)
    return rankflow


def ran(rankflow):
    return {step for step, status in rankflow.statuses().items() if status == "done"}


def reused(rankflow):
    return {step for step, status in rankflow.statuses().items() if status == "reused"}


def test_help_names_every_command(rankflow):
    out = rankflow("help").out
    for command in ["run", "plan", "why", "runs", "show", "logs", "download", "new", "schema"]:
        assert re.search(rf"^  {command} ", out, re.M), out
        assert f"rankflow {command}" in rankflow("help", command).out
        assert rankflow(command, "--help").out == rankflow("help", command).out


@pytest.mark.parametrize("words, said", [
    (["rnu", "x.yaml"], '"run"'),
    (["run"], "argument"),
    (["run", "x.yaml", "--forse", "a"], "--force"),
    (["run", "x.yaml", "-n", "none"], "none"),
    (["run", "x.yaml", "-n", "0"], "at least 1"),
    (["plan", "x.yaml", "--set", "novalue"], "novalue"),
    (["runs", "extra"], "extra"),
])
def test_a_wrong_command_line_is_usage(rankflow, words, said):
    result = rankflow(*words, code=USAGE)
    assert said in result.err and result.out == ""
    assert not rankflow.store.exists()


def test_a_missing_pipeline_file(rankflow):
    assert "nothere.yaml" in rankflow("run", "nothere.yaml", code=CONFIGURATION).err


def test_a_wrong_pipeline_shows_the_place(rankflow):
    rankflow.write("bad.yaml", "name: bad\nsteps:\n  a:\n    type: comand\n    command: [true]\n")
    err = rankflow("run", "bad.yaml", code=CONFIGURATION).err
    assert re.search(r"bad\.yaml:4:\d+: .*comand.*did you mean \"command\"", err), err
    assert not rankflow.store.exists(), "nothing may have run"


def test_plan_changes_nothing(chain):
    plan = chain("plan", "chain.yaml").out
    for step in ALL:
        assert step in plan
    assert not chain.store.exists()


def test_a_run_publishes_and_a_second_one_reuses(chain):
    chain("run", "chain.yaml")
    assert ran(chain) == ALL
    folder, digest = chain.artifact("count", "text")
    assert (folder / "text").read_text() == "HELLO\n!\n"
    chain("run", "chain.yaml")
    assert reused(chain) == ALL and ran(chain) == set()
    assert chain.artifact("count", "text")[1] == digest
    assert temporaries(chain.store) == []


def test_on_several_ranks(chain):
    chain("run", "-n", "2", "chain.yaml")
    assert ran(chain) == ALL
    chain("run", "-n", "3", "chain.yaml")
    assert reused(chain) == ALL, "once-only programs do not depend on the number of ranks"


def test_under_mpirun(chain):
    mpirun = ["mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none"]
    chain("run", "chain.yaml", prefix=mpirun)
    assert ran(chain) == ALL
    chain("run", "chain.yaml", prefix=mpirun)
    assert reused(chain) == ALL
    assert len(chain.runs()) == 2, "a run per job, not per rank"


def test_ranks_asked_for_inside_an_mpi_job_are_refused(chain):
    result = chain("run", "-n", "2", "chain.yaml", prefix=["mpirun", "-n", "2", "--oversubscribe"], code=None)
    assert result.code != 0 and "-n" in result.err
    assert not chain.store.exists() or chain.runs() == []


def test_early_cut_off(chain):
    chain("run", "chain.yaml")
    chain.write("in.txt", "HELLO\n")  # other bytes for copy, the same for what upper makes of them
    chain("run", "chain.yaml")
    assert ran(chain) == {"copy", "upper"}
    assert reused(chain) == {"count", "other"}


def test_a_changed_parameter_runs_only_what_uses_it(chain):
    chain("run", "chain.yaml")
    chain("run", "chain.yaml", "--set", "suffix=.")
    assert ran(chain) == {"count"}
    assert (chain.artifact("count", "text")[0] / "text").read_text() == "HELLO\n.\n"
    chain("run", "chain.yaml")
    assert reused(chain) == ALL, "going back finds the earlier result"


def test_why_names_what_changed(chain):
    chain("run", "chain.yaml")
    assert "reuse" in chain("why", "chain.yaml", "count").out
    why = chain("why", "chain.yaml", "count", "--set", "suffix=.").out
    assert "! → ." in why, why
    chain.write("in.txt", "world\n")
    assert "in.txt" in chain("why", "chain.yaml", "copy").out or "text" in chain("why", "chain.yaml", "copy").out
    assert "coppy" in chain("why", "chain.yaml", "coppy", code=USAGE).err


def test_only_from_force(chain):
    chain("run", "chain.yaml", "--only", "upper")
    assert ran(chain) == {"copy", "upper"}
    chain("run", "chain.yaml")
    assert ran(chain) == {"count", "other"}
    chain("run", "chain.yaml", "--force", "upper")
    assert ran(chain) == {"upper"} and reused(chain) == ALL - {"upper"}
    chain("run", "chain.yaml", "--from", "upper")
    assert ran(chain) == {"upper", "count"}
    chain("run", "chain.yaml", "--force-all")
    assert ran(chain) == ALL
    assert "nostep" in chain("run", "chain.yaml", "--force", "nostep", code=USAGE).err


def test_input_from_the_command_line(chain):
    chain.write("else/there.txt", "elsewhere\n")
    chain("run", "chain.yaml", "--input", "text=else/there.txt")
    assert (chain.artifact("upper", "text")[0] / "text").read_text() == "ELSEWHERE\n"


def test_a_missing_input(chain):
    (chain.folder / "in.txt").unlink()
    err = chain("run", "chain.yaml", code=IO).err
    assert "in.txt" in err and "text" in err


def test_runs_show_logs_download(chain):
    chain("run", "chain.yaml")
    chain("run", "chain.yaml")
    first, second = chain.runs()
    listing = chain("runs").out
    assert listing.index(second["run"]) < listing.index(first["run"]), "newest first"
    show = chain("show").out
    assert second["run"] in show and all(step in show for step in ALL)
    assert "counted" in chain("logs", "count").out, "a reused step shows the logs of the run that made it"
    assert "/count/rank-0.log" in chain("logs").out, "and the list has them too"
    chain("download", "latest", "count.text", "result")
    assert (chain.folder / "result/text").read_text() == "HELLO\n!\n"
    chain.write("result/text", "mine")
    assert chain("download", "latest", "count.text", "result", code=None).code != 0
    assert (chain.folder / "result/text").read_text() == "mine", "never overwritten"


def test_arguments_pass_without_a_shell(rankflow):
    rankflow.write("p.yaml", """\
name: quiet
steps:
  say:
    type: command
    command: [printf, '%s\\n', '$(touch canary); * "quoted" `id`', "$HOME"]
""")
    rankflow("run", "p.yaml")
    assert '$(touch canary); * "quoted" `id`\n$HOME' in rankflow("logs", "say").out
    assert not list(rankflow.folder.rglob("canary"))


def test_a_failed_step_leaves_independent_ones_running(rankflow):
    rankflow.write("p.yaml", """\
name: failing
steps:
  bad:
    type: command
    command: [sh, -c, 'echo to the log; echo the reason >&2; exit 3']
    outputs: [o]
  after:
    type: command
    command: [cat, "${{steps.bad.outputs.o}}"]
  good:
    type: command
    command: [sh, -c, 'echo fine > "$1/f"', sh, "${{outputs.o}}"]
    outputs: [o]
""")
    err = rankflow("run", "p.yaml", code=STEP_FAILED).err
    assert '"bad"' in err and "3" in err
    assert rankflow.statuses() == {"bad": "failed", "after": "skipped", "good": "done"}
    assert "the reason" in rankflow("logs", "bad").out
    rankflow("run", "p.yaml", code=STEP_FAILED)
    assert rankflow.statuses()["good"] == "reused"


def test_code_counts(rankflow):
    script = rankflow.write("tool.sh", "#!/bin/sh\necho one > $1/f\n")
    script.chmod(0o755)
    rankflow.write("p.yaml", """\
name: code
steps:
  make:
    type: command
    command: [./tool.sh, "${{outputs.o}}"]
    outputs: [o]
""")
    rankflow("run", "p.yaml")
    rankflow("run", "p.yaml")
    assert reused(rankflow) == {"make"}
    script.write_text("#!/bin/sh\necho two > $1/f\n")
    assert "tool.sh" in rankflow("why", "p.yaml", "make").out
    rankflow("run", "p.yaml")
    assert ran(rankflow) == {"make"}


def test_new_writes_a_pipeline_that_is_valid(rankflow):
    rankflow("new", "minimal")
    assert (rankflow.folder / "minimal.yaml").is_file()
    rankflow("plan", "minimal.yaml")
    assert rankflow("new", "minimal", code=None).code != 0, "never overwrites"


def test_a_store_that_cannot_be_written(chain, root):
    subprocess.run(["chmod", "-R", "a+rX", chain.folder], check=True)
    for parent in chain.folder.parents:  # pytest's folders are private
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001 and parent.name.startswith("pytest"):
            parent.chmod(parent.stat().st_mode | 0o011)
    chain.store.mkdir(mode=0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    chain.environment["HOME"] = "/nonexistent"
    err = chain("run", "chain.yaml", prefix=as_nobody, code=PERMISSION).err
    assert str(chain.store) in err and ("nobody" in err or "65534" in err)
    assert list(chain.store.iterdir()) == []


def test_a_store_that_everyone_may_write(chain):
    chain.store.mkdir()
    chain.store.chmod(0o777)
    assert str(chain.store) in chain("run", "chain.yaml", code=PERMISSION).err


def test_a_full_disk(rankflow, root):
    disk = rankflow.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", disk]).returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        rankflow.store = disk / "store"
        rankflow.environment["RANKFLOW_STORE"] = str(rankflow.store)
        pipeline = """\
name: full
parameters: {blocks: 16}
steps:
  small:
    type: command
    command: [dd, if=/dev/zero, "of=${{outputs.o}}/f", bs=1k, count=8]
    outputs: [o]
  large:
    type: command
    command: [cp, "big", "${{outputs.o}}/f"]
    outputs: [o]
    after: [small]
"""
        (rankflow.folder / "big").write_bytes(b"x" * 3_000_000)
        rankflow.write("p.yaml", pipeline)
        result = rankflow("run", "p.yaml", code=None)
        assert result.code in (STEP_FAILED, IO), result.err
        assert "space" in result.err.lower() or "large" in result.err
        assert temporaries(rankflow.store) == [], "what was half written is gone"
        (rankflow.folder / "big").write_bytes(b"x" * 1000)
        rankflow("run", "p.yaml")
        assert rankflow.statuses() == {"small": "reused", "large": "done"}, "goes on once there is room"
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_damaged_output_is_warned_of_where_a_run_makes_it_again(chain):
    chain("run", "chain.yaml")
    folder, _ = chain.artifact("upper", "text")
    path = folder / "text"
    for place in (folder, path):
        os.chmod(place, 0o755)
    path.write_text("something else\n")
    for ranks in (1, 2):
        result = chain("run", "-n", ranks, "chain.yaml")
        warned = [line for line in (result.out + result.err).splitlines() if "no longer whole" in line]
        assert len(warned) == (1 if ranks == 1 else 0), result
    assert f"{path} has other bytes than were published" in warned_of(chain)["upper"]


def warned_of(flow):
    return next(run["damaged"] for run in flow.runs() if "damaged" in run)


def test_output_that_nobody_gets_is_no_success(chain):
    chain("run", "chain.yaml")
    with open("/dev/full", "w") as full:
        done = subprocess.run(chain.command("show", "--json"), cwd=chain.folder, env=chain.environment, stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 74 and "cannot write to standard output" in done.stderr, done
