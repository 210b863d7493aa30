"""Fails on what has no place in the project: check_tracked_files.py ROOT

Source files over 450 lines (one concept per file), paths of somebody's machine, hosts of package registries (users
point pip and apt where they want). Reads what git tracks; exit 77 (skipped) where there is no git work tree."""
import re
import subprocess
import sys
from pathlib import Path

MAX_LINES = 450
SOURCE = {".cpp", ".h", ".inc", ".cu", ".cuh", ".py", ".sh", ".cmake"}
FORBIDDEN = [
    ("a path of somebody's machine", re.compile(r"(?<![\w.~}])/(root|home|work|Users|farm)/[\w.]")),
    ("a registry's host", re.compile(r"(files\.pythonhosted|pypi|(deb|security)\.debian|archive\.ubuntu|anaconda)\.(org|com)\b")),
    ("a wheel's address", re.compile(r"download\.pytorch\.org")),
]


def tracked(root):
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True)
    if listing.returncode != 0:
        print("skipped: not a git work tree:", listing.stderr.strip())
        sys.exit(77)
    return [name for name in listing.stdout.split("\0") if name and (root / name).is_file()]


def problems(root, names):
    for name in names:
        try:
            lines = (root / name).read_text().splitlines()
        except UnicodeDecodeError:
            continue
        if Path(name).suffix in SOURCE and len(lines) > MAX_LINES:
            yield f"{name}: {len(lines)} lines; over {MAX_LINES} there is a second concept in it"
        for number, line in enumerate(lines, 1):
            for what, pattern in FORBIDDEN:
                match = pattern.search(line)
                # The line that defines a pattern is not an instance of it.
                if match and "re.compile" not in line:
                    yield f"{name}:{number}: {what}: {match.group(0)}"


root = Path(sys.argv[1])
found = list(problems(root, tracked(root)))
print("\n".join(found))
sys.exit(1 if found else 0)
