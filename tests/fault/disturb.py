"""System calls of a driver, told from its trace, and how to disturb each."""

import collections
import os
import re
import shutil
import subprocess
import sys
import unittest

SKIPPED = 77  # the exit status by which CTest knows

# Calls that touch only this process's memory.
MEMORY = {"brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "futex", "getrandom", "exit_group"}

Call = collections.namedtuple("Call", "name number text")  # number: how manieth of its name in the process


def traced(command, folder, *options):
    """Runs a driver under strace and returns the finished process and the trace's lines."""
    log = os.path.join(folder, "trace")
    process = subprocess.run(["strace", "-o", log, "-y", "-s", "300", *options, *command], capture_output=True, text=True, timeout=60)
    with open(log) as lines:
        return process, lines.read().splitlines()


def calls_to_disturb(lines):
    """The calls between the driver's marks; numbers count from the start of the process, as strace does."""
    counts, calls, inside = collections.Counter(), [], False
    for line in lines:
        match = re.match(r"(\w+)\(", line)
        if not match:
            continue
        name = match.group(1)
        counts[name] += 1
        if '"fault:' in line:
            inside = "fault:begin" in line
        elif inside and name not in MEMORY:
            calls.append(Call(name, counts[name], line))
    return calls


def run_tests():
    """Runs the tests of the program that was started, and ends it with what CTest is to know."""
    if not shutil.which("strace"):
        print("skipped: strace is not installed")
        sys.exit(SKIPPED)
    program = unittest.main(exit=False, verbosity=2)
    if program.result.skipped:
        sys.exit(SKIPPED)
    sys.exit(0 if program.result.wasSuccessful() else 1)
