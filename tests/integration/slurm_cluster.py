"""A Slurm of one node on the loopback device, with everything it writes in one folder: for tests, as root."""
import os
import shutil
import socket
import subprocess
from pathlib import Path

from support import wait_until

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel"]

CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus}
PartitionName=test Nodes=n1 Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


def missing_programs():
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [program for program in PROGRAMS if not shutil.which(program, path=path)]


class SlurmCluster:
    """Started by `with`; whatever happens inside, leaving it ends every daemon and job."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.daemons = []
        self.environment = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))
        self.environment["PATH"] += ":/usr/sbin:/sbin"

    def __enter__(self):
        try:
            self._configure()
            munge = self.folder / "munge"
            self._start("munged", "--force", "--foreground", f"--socket={munge}/socket", f"--key-file={munge}.key",
                        f"--log-file={munge}/log", f"--pid-file={munge}/pid", f"--seed-file={munge}/seed")
            wait_until((munge / "socket").exists, "munged listens")
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D", "-N", "n1")
            wait_until(lambda: self.run("sinfo", "--noheader", "-o", "%T", check=False).strip() == "idle", self._logs("idle node"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if len(self.daemons) > 1:
            self.run("scancel", "--user=root", check=False)
            self.run("scancel", "--user=root", "--signal=KILL", check=False)
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def run(self, *words, check=True):
        return subprocess.run(words, check=check, env=self.environment, capture_output=True, text=True, timeout=60).stdout

    def job_field(self, job, name):
        for word in self.run("scontrol", "show", "job", job, "--oneliner").split():
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return None

    def processes_of(self, job):
        """Slurm's own processes that look after the job's steps."""
        titles = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout.splitlines()
        return [title for title in titles if title.startswith(f"slurmstepd: [{job}.")]

    def wait_for_end(self, job, seconds=120):
        """The job's final state."""
        ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
        return wait_until(lambda: (state := self.job_field(job, "JobState")) in ended and state, f"job {job} ends", seconds)

    def _configure(self):
        (self.folder / "munge").mkdir(parents=True)
        (self.folder / "munge").chmod(0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", 0))
            b.bind(("127.0.0.1", 0))
            ports = {"controller_port": a.getsockname()[1], "node_port": b.getsockname()[1]}
        text = CONFIGURATION.format(folder=self.folder, cpus=os.cpu_count(), **ports)
        (self.folder / "slurm.conf").write_text(text)

    def _start(self, *words):
        log = open(self.folder / f"{words[0]}.out", "w")
        self.daemons.append(subprocess.Popen(words, env=self.environment, stdout=log, stderr=log))

    def _logs(self, what):
        return f"{what} (logs in {self.folder})"
