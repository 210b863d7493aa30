"""Two hosts on one machine: network namespaces with host names of their own, joined by a cable that only they have.

    two_hosts.py [--ranks-per-host N] -- mpirun -n 4 COMMAND

runs a command on the first host; every mpirun in it spreads its ranks over both, over TCP. Needs root. For tests of
function: latency is milliseconds. What a program needs from the environment on the second host, mpirun must forward
(-x NAME), as it must between real hosts.
"""
import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NETWORK = "10.99.0.0/24"
ADDRESSES = ["10.99.0.1", "10.99.0.2"]  # they exist within the two namespaces only
NAMES = ["n1", "n2"]

# What mpirun starts its daemon with on another host, as it would ssh. Like ssh it gives the command a shell, the host's
# name and hardly any environment.
AGENT = """\
#!/bin/sh
[ "$1" = "{address}" ] || {{ echo "no host $1: only {address}" >&2; exit 255; }}
shift
exec ip netns exec {namespace} unshare --uts env --ignore-environment PATH="$PATH" HOME="$HOME" TMPDIR="{folder}" \\
  sh -c "hostname {name} && $*"
"""


def obstacle():
    """Why two hosts cannot be made here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [program for program in ("ip", "unshare", "mpirun") if not shutil.which(program)]
    if missing:
        return f"{', '.join(missing)} missing (Debian's iproute2, util-linux, openmpi-bin)"
    probe = _namespace(os.getpid(), "probe")
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode == 0:
        made = subprocess.run(["unshare", "--uts", "hostname", "n1"], capture_output=True, text=True)
        subprocess.run(["ip", "netns", "delete", probe], check=True)
    return f"no namespaces here: {made.stderr.strip()}" if made.returncode != 0 else None


class TwoHosts:
    """Made by `with`; whatever happens inside, leaving it ends every process on both hosts and removes them.
    One at a time in a process: the namespaces are named after it."""

    def __init__(self, ranks_per_host=2):
        self.ranks_per_host = ranks_per_host
        self.namespaces = [_namespace(os.getpid(), name) for name in NAMES]
        self.folder = Path(tempfile.gettempdir(), f"rankflow-two-hosts-{os.getpid()}")  # short: it holds sockets

    def __enter__(self):
        _remove_left_over()
        self.folder.mkdir(mode=0o755)
        try:
            self._connect()
            self._write_launcher_files()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in self.namespaces:
            _remove(namespace)
        shutil.rmtree(self.folder)

    def command(self, *words):
        """The words that run a command on the first host."""
        return ["ip", "netns", "exec", self.namespaces[0], "unshare", "--uts", "sh", "-c", f'hostname {NAMES[0]} && exec "$@"',
                "sh", *map(str, words)]

    def environment(self):
        """The environment in which every mpirun spans both hosts."""
        return dict(os.environ, TMPDIR=str(self.folder),
                    OMPI_MCA_plm_rsh_agent=str(self.folder / "agent"),
                    OMPI_MCA_orte_default_hostfile=str(self.folder / "hosts"),
                    OMPI_MCA_btl_tcp_if_include=NETWORK, OMPI_MCA_oob_tcp_if_include=NETWORK,
                    OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def run(self, *words, **options):
        """subprocess.run on the first host."""
        return subprocess.run(self.command(*words), env=self.environment(), **options)

    def _connect(self):
        for namespace in self.namespaces:
            _ip("netns", "add", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        first, second = self.namespaces
        # Both ends are made inside, so that nothing of it ever shows outside.
        _ip("-n", first, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", second)
        for namespace, address in zip(self.namespaces, ADDRESSES):
            _ip("-n", namespace, "address", "add", f"{address}/24", "dev", "wire")
            _ip("-n", namespace, "link", "set", "wire", "up")

    def _write_launcher_files(self):
        agent = self.folder / "agent"
        agent.write_text(AGENT.format(address=ADDRESSES[1], namespace=self.namespaces[1], name=NAMES[1],
                                      folder=self.folder))
        agent.chmod(0o755)
        lines = [f"{address} slots={self.ranks_per_host}\n" for address in ADDRESSES]
        (self.folder / "hosts").write_text("".join(lines))


def _namespace(pid, name):
    return f"rankflow-{pid}-{name}"


def _ip(*words):
    made = subprocess.run(["ip", *words], capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(f"ip {shlex.join(words)}: {made.stderr.strip()}")
    return made.stdout


def _remove(namespace):
    """Ends what runs in a namespace and takes it away; nothing where there is none."""
    if not Path("/run/netns", namespace).exists():
        return
    # Open MPI tidies up when it is asked to end; what does not listen is killed.
    deadline = time.monotonic() + 5
    number = signal.SIGTERM
    while pids := _ip("netns", "pids", namespace).split():
        for pid in pids:
            try:
                os.kill(int(pid), number)
            except ProcessLookupError:
                pass  # it ended by itself meanwhile
        time.sleep(0.1)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
    _ip("netns", "delete", namespace)


def _remove_left_over():
    """What programs left that were killed before they could remove it."""
    for namespace in re.findall(r"^rankflow-\d+-\w+", _ip("netns", "list"), re.MULTILINE):
        if not Path("/proc", namespace.split("-")[1]).exists():
            _remove(namespace)
    for folder in Path(tempfile.gettempdir()).glob("rankflow-two-hosts-*"):
        if not Path("/proc", folder.name.split("-")[-1]).exists():
            shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks-per-host", type=int, default=2)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    if reason := obstacle():
        sys.exit(f"two_hosts.py: {reason}")
    # SystemExit unwinds through `with`, a signal's default would not.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    with TwoHosts(arguments.ranks_per_host) as hosts:
        status = hosts.run(*arguments.command).returncode
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
