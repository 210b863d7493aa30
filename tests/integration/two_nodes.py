"""Two hosts on one machine, for tests, as root: two network namespaces joined by a cable, each with a host name of its
own, and the mpirun command that starts ranks on both."""
import shutil
import subprocess
import uuid
from pathlib import Path

ADDRESSES = ("10.99.0.1", "10.99.0.2")
NETWORK = "10.99.0.0/24"

# mpirun calls it like ssh: AGENT HOST COMMAND…
AGENT = """\
#!/bin/sh
case $1 in
{cases}
*) echo "no such host: $1" >&2; exit 1 ;;
esac
shift
exec ip netns exec "$namespace" unshare -u sh -c "hostname $name; $*"
"""


class TwoNodes:
    """Made by `with`; leaving it takes the namespaces away again."""

    def __init__(self, folder):
        self.agent = Path(folder) / "agent"
        self.names = ("node1", "node2")
        tag = uuid.uuid4().hex[:6]
        self.namespaces = (f"rf{tag}a", f"rf{tag}b")
        self.cables = (f"ve{tag}a", f"ve{tag}b")

    def __enter__(self):
        try:
            for namespace in self.namespaces:
                self._ip("netns", "add", namespace)
            self._ip("link", "add", self.cables[0], "type", "veth", "peer", "name", self.cables[1])
            for namespace, cable, address in zip(self.namespaces, self.cables, ADDRESSES):
                self._ip("link", "set", cable, "netns", namespace)
                self._ip("-n", namespace, "addr", "add", f"{address}/24", "dev", cable)
                self._ip("-n", namespace, "link", "set", cable, "up")
                self._ip("-n", namespace, "link", "set", "lo", "up")
            cases = "\n".join(f"{address}) namespace={namespace}; name={name} ;;"
                              for address, namespace, name in zip(ADDRESSES, self.namespaces, self.names))
            self.agent.write_text(AGENT.format(cases=cases))
            self.agent.chmod(0o755)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)

    def mpirun(self, per_node):
        """The words before the program: `per_node` ranks on each node, started from the first one."""
        ranks = 2 * per_node
        return [str(self.agent), ADDRESSES[0], "exec", "mpirun", "-n", str(ranks), "--bind-to", "none",
                "--mca", "plm_rsh_agent", str(self.agent), "--mca", "btl_tcp_if_include", NETWORK,
                "--mca", "oob_tcp_if_include", NETWORK, "--host", ",".join(f"{a}:{per_node}" for a in ADDRESSES)]

    @staticmethod
    def available():
        return shutil.which("ip") is not None

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)
