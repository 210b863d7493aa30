"""MPI between two hosts, two ranks on each: the programs of tests/mpi once more, and the hosts themselves."""
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import BIN, wait_until
from two_hosts import NAMES, TwoHosts, obstacle

SCRIPT = Path(__file__).with_name("two_hosts.py")
NAMESPACES = Path("/run/netns")


@pytest.fixture(scope="module", autouse=True)
def possible():
    if reason := obstacle():
        pytest.skip(f"two hosts cannot be made here: {reason}")


@pytest.fixture(scope="module")
def hosts():
    with TwoHosts() as hosts:
        yield hosts


@pytest.mark.parametrize("program", ["world", "collectives", "checked", "agreement"])
def test_mpi_program(hosts, program):
    result = hosts.run("mpirun", "-n", "4", "--oversubscribe", "--bind-to", "none", "-x", "RANKFLOW_EXPECTED_RANKS=4",
                       "-x", "RANKFLOW_EXPECTED_RANKS_PER_NODE=2 2", "-x", "OMPI_MCA_mpi_yield_when_idle=1",
                       BIN.parent / f"tests/mpi/mpi_{program}", capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[  PASSED  ]" in result.stdout


def test_ranks_are_on_both_hosts_with_an_environment_of_their_own(hosts):
    environment = hosts.environment() | {"ONLY_HERE": "yes"}
    script = 'echo "$OMPI_COMM_WORLD_RANK $(hostname) ${ONLY_HERE:-no}"'
    result = subprocess.run(hosts.command("mpirun", "-n", "4", "sh", "-c", script), env=environment, check=True,
                            capture_output=True, text=True, timeout=60)
    n1, n2 = NAMES
    assert sorted(result.stdout.splitlines()) == [f"0 {n1} yes", f"1 {n1} yes", f"2 {n2} no", f"3 {n2} no"]


def test_nothing_is_left_when_the_script_is_told_to_end(tmp_path):
    command = f"touch {tmp_path}/up; exec mpirun -n 4 sleep 1000"
    script = subprocess.Popen([sys.executable, SCRIPT, "--", "sh", "-c", command], stdout=subprocess.DEVNULL)
    own = [NAMESPACES / f"rankflow-{script.pid}-{name}" for name in NAMES]
    wait_until((tmp_path / "up").exists, "the command runs")
    wait_until(lambda: len(pids_in(own[1])) >= 3, "the second host runs its daemon and two ranks")
    pids = [pid for namespace in own for pid in pids_in(namespace)]
    script.send_signal(signal.SIGTERM)
    assert script.wait(30) == 128 + signal.SIGTERM
    assert not [path for path in own if path.exists()]
    wait_until(lambda: not [pid for pid in pids if Path("/proc", pid).exists()], "every process on the hosts has ended")


def test_what_a_killed_script_left_is_removed_by_the_next(tmp_path):
    script = subprocess.Popen([sys.executable, SCRIPT, "--", "sh", "-c", f"touch {tmp_path}/up; exec sleep 1000"])
    own = [NAMESPACES / f"rankflow-{script.pid}-{name}" for name in NAMES]
    wait_until((tmp_path / "up").exists, "the command runs")
    script.kill()
    script.wait()
    assert all(path.exists() for path in own)
    subprocess.run([sys.executable, SCRIPT, "--", "true"], check=True)
    assert not [path for path in own if path.exists()]


def test_the_status_of_the_command_is_the_scripts():
    assert subprocess.run([sys.executable, SCRIPT, "--", "sh", "-c", "exit 75"]).returncode == 75


def pids_in(namespace):
    result = subprocess.run(["ip", "netns", "pids", namespace.name], capture_output=True, text=True)
    return result.stdout.split()
