"""Running rankflow as a person does, and looking at what it left behind."""
import contextlib
import hashlib
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("RANKFLOW_BIN", SOURCE / "build/release/bin"))

DONE, STEP_FAILED, USAGE, BAD_DATA, INTERNAL, IO, STOPPED, PERMISSION, CONFIGURATION = 0, 1, 2, 65, 70, 74, 75, 77, 78

# A table with the columns a, b and y becomes a dataset.
PREPARE_ROWS = """\
name: table
inputs:
  rows: {path: rows.csv}
steps:
  data:
    type: prepare
    inputs: {data: "${{inputs.rows}}"}
    target: y
    features: {numeric: [a, b]}
    task: classification
"""


@dataclass
class Result:
    code: int
    out: str
    err: str

    def events(self):
        """The JSON objects that `--json` wrote, one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Rankflow:
    """Starts rankflow in a folder of its own, with a store of its own."""

    def __init__(self, folder, store):
        self.folder = Path(folder)
        self.store = Path(store)
        self.environment = dict(os.environ, RANKFLOW_STORE=str(store), OMP_NUM_THREADS="1")
        if os.geteuid() == 0:
            self.environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def command(self, *words):
        return [str(BIN / "rankflow"), *map(str, words)]

    def start(self, *words, prefix=(), **options):
        """A running rankflow; the caller waits for it."""
        return subprocess.Popen([*map(str, prefix), *self.command(*words)], cwd=self.folder, env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def __call__(self, *words, code=DONE, prefix=(), timeout=600):
        """Runs to the end and checks the exit code; `code` None: any."""
        process = self.start(*words, prefix=prefix)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
        result = Result(process.returncode, out, err)
        if code is not None:
            assert result.code == code, f"rankflow {' '.join(map(str, words))}: exit {result.code}, not {code}\n{out}\n{err}"
        return result

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def runs(self):
        """Records of all runs, oldest first."""
        records = sorted(self.store.glob("runs/*/run.json"), key=lambda p: p.stat().st_mtime_ns)
        return [json.loads(path.read_text()) for path in records]

    def last_run(self):
        runs = self.runs()
        assert runs, f"no run in {self.store}"
        return runs[-1]

    def statuses(self):
        """{step: done, reused, failed, …} of the newest run."""
        return {name: step["status"] for name, step in self.last_run()["steps"].items()}

    def artifact(self, step, output):
        """Folder and digest of an output in the newest run."""
        digest = self.last_run()["steps"][step]["outputs"][output]
        return self.store / "artifacts" / digest[:2] / digest / "data", digest

    def metrics(self, step):
        return self.last_run()["steps"][step]["metrics"]


def rank_processes(flow):
    """Process ids of the rankflow-rank programs that use this store, by rank."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            environment = dict(e.split("=", 1) for e in open(f"/proc/{pid}/environ").read().split("\0") if "=" in e)
            parent = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
            # Helper processes of a rank are its children and run the same program.
            is_rank = is_program(pid, "rankflow-rank") and not is_program(parent, "rankflow-rank")
        except (OSError, UnicodeDecodeError):
            continue
        if is_rank and environment.get("RANKFLOW_STORE") == str(flow.store):
            found[int(environment.get("OMPI_COMM_WORLD_RANK") or 0)] = int(pid)  # one rank alone runs without mpirun
    return found


def is_program(pid, name):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name
    except OSError:  # it has ended, or is not ours
        return False


def stop_halfway_and_go_on(flow):
    """Stops p.yaml, whose script makes the file `half` and waits while there is a file `wait`, and lets another run on two ranks finish."""
    wait = flow.write("wait", "")
    process = flow.start("run", "-n", "1", "p.yaml", "--json")
    wait_until((flow.folder / "half").exists, "half of the mini-batches are done", 120)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == STOPPED, err
    wait.unlink()
    assert "goes on with" in flow("run", "-n", "2", "p.yaml").out


def tree_digest(folder):
    """SHA-256 over names and bytes of all files below `folder`."""
    total = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def temporaries(store):
    """What lies in the store's temporary folder: nothing, unless something went wrong."""
    return sorted(p.name for p in Path(store).glob("tmp/*"))


def without_colour(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@contextlib.contextmanager
def web_page(content):
    """A web server with one file: its address, and the server's class, which has `body`, the file, and `requests`, the paths fetched."""
    class Handler(http.server.BaseHTTPRequestHandler):
        body, requests = content, []

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/rows.csv", Handler
    server.shutdown()


def wait_until(condition, what, seconds=30, state=lambda: ""):
    """Polls until `condition()` is true; its value is returned. Otherwise the error says what `state()` gives."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s\n{state()}")
        time.sleep(0.1)
