"""A PostgreSQL server of its own for a test: in a temporary folder, on a free port, as a user without rights."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "pass w'ord;1"


def missing():
    """Why there can be no server, or ""."""
    if not programs():
        return "no PostgreSQL server (Debian: postgresql)"
    drivers = subprocess.run(["odbcinst", "-q", "-d"], capture_output=True, text=True).stdout if shutil.which("odbcinst") else ""
    return "" if "[PostgreSQL Unicode]" in drivers else "no ODBC driver for PostgreSQL (Debian: odbc-postgresql and odbcinst)"


def programs():
    """The folder of initdb and pg_ctl, of the newest version; "" where there is none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
    path = found[-1] if found else shutil.which("initdb")
    return os.path.dirname(path) if path else ""


class Postgresql:
    """A running server; the database `postgres` belongs to the user `owner`."""

    def __init__(self):
        # Not below pytest's folder, which only its own user may enter; the server refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="rankflow-postgresql-"))
        self.user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        if self.user:
            shutil.chown(self.folder, "nobody")
        (self.folder / "password").write_text(PASSWORD)
        self.folder.joinpath("password").chmod(0o644)
        self.run("initdb", "-D", self.data, "-U", "owner", "--auth=scram-sha-256", "--pwfile", self.folder / "password", "-E", "UTF8",
                 "--locale=C", "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    @property
    def data(self):
        return self.folder / "data"

    def run(self, program, *words, **options):
        command = [*self.user, f"{programs()}/{program}", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **options)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self):
        """At once, as a crash would."""
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def sql(self, text):
        """What a statement answers, without decoration."""
        return self.run("psql", "-h", "127.0.0.1", "-p", self.port, "-U", "owner", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-Atc", text,
                        env=dict(os.environ, PGPASSWORD=PASSWORD)).strip()

    def connection(self, password=PASSWORD, **more):
        """An ODBC connection string."""
        parts = {"Driver": "{PostgreSQL Unicode}", "Server": "127.0.0.1", "Port": self.port, "Database": "postgres", "Uid": "owner",
                 "Pwd": "{" + password + "}", **more}
        return ";".join(f"{key}={value}" for key, value in parts.items())

    def close(self):
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)
