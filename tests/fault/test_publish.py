"""A publish, disturbed at each of its system calls: killed, or told of an I/O error.

Whatever happens, the store must hold the old output or the new one, nothing between, and the next publish must work.
Usage: test_publish.py DRIVER [unittest options]
"""

import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from disturb import calls_to_disturb, run_tests, traced

DRIVER = ""
OLD, NEW = "the old output", "the new output"
Outcome = collections.namedtuple("Outcome", "status stderr trace state")


def driver(*arguments):
    return subprocess.run([DRIVER, *arguments], capture_output=True, text=True, timeout=60)


def leftovers(store):
    """Temporaries of staging directories and of files being replaced."""
    found = os.listdir(os.path.join(store, "tmp"))
    for folder, _, files in os.walk(store):
        found += [os.path.join(folder, f) for f in files if f.endswith(".tmp")]
    return found


class Publish:
    """What holds with either durability, `how`."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rankflow-fault-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.before = os.path.join(cls.folder, "before")
        assert driver(cls.how, cls.before, OLD).returncode == 0
        copy = shutil.copytree(cls.before, os.path.join(cls.folder, "sample"))
        process, lines = traced([DRIVER, cls.how, copy, NEW], cls.folder)
        if process.returncode != 0:
            raise unittest.SkipTest(f"strace can't trace here: {process.stderr.strip()}")
        cls.calls = calls_to_disturb(lines)
        assert len(cls.calls) > 50, lines

    def disturbed(self, call, what):
        """Publishes into a copy of the old store with `what` injected at `call`; checks what must hold in any case."""
        folder = tempfile.mkdtemp(dir=self.folder)
        store = shutil.copytree(self.before, os.path.join(folder, "store"))
        process, trace = traced([DRIVER, self.how, store, NEW], folder, "-e", f"inject={call.name}:{what}:when={call.number}")
        about = f"{what} at {call.text}\n{process.stderr}"
        left = leftovers(store)
        check = driver("check", store)
        self.assertEqual(check.returncode, 0, f"{about}{check.stderr}")
        state = check.stdout.strip()
        self.assertIn(state, (OLD, NEW), about)
        # A killed process leaves temporaries; they must not be in the next one's way.
        again = driver(self.how, store, NEW)
        self.assertEqual(again.returncode, 0, f"{about}{again.stderr}")
        self.assertEqual(driver("check", store).stdout.strip(), NEW, about)
        if "error=" in what:
            self.assertEqual(left, [], about)
        shutil.rmtree(folder)
        return Outcome(process.returncode, process.stderr, trace, state)

    def disturb_all(self, what, calls, judge):
        self.assertTrue(calls)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for call, outcome in zip(calls, pool.map(lambda c: self.disturbed(c, what), calls)):
                judge(call, outcome)

    def named(self, *names):
        return [c for c in self.calls if c.name in names]

    def test_killed_at_each_call(self):
        states = set()

        def judge(call, outcome):
            self.assertIn(outcome.status, (-9, 137), f"not killed at {call.text}")
            states.add(outcome.state)

        self.disturb_all("signal=KILL", self.calls, judge)
        self.assertEqual(states, {OLD, NEW})  # the kills reach from before the commit to after it

    def test_io_error_at_each_writing_call(self):
        def judge(call, outcome):
            self.assertEqual(outcome.status, 74, f"{call.text}\n{outcome.stderr}")
            self.assertRegex(outcome.stderr, r"error: .*/store.*: Input/output error", call.text)

        names = ("write", self.sync, "rename", "mkdir", "fchmod", "chmod")
        # An existing folder is as good whether mkdir says so or fails.
        calls = [c for c in self.named(*names) if "EEXIST" not in c.text]
        self.assertEqual({c.name for c in calls}, set(names))
        self.disturb_all("error=EIO", calls, judge)

    def test_io_error_at_each_close(self):
        written = re.compile(r"close\(\d+</[^>]*(\.tmp|/text|/twice|/manifest\.json|/producer\.json)>")

        def judge(call, outcome):
            # Closing what was only read can lose nothing.
            expected = (74,) if written.match(call.text) else (0, 74)
            self.assertIn(outcome.status, expected, f"{call.text}\n{outcome.stderr}")

        calls = self.named("close")
        self.assertGreaterEqual(sum(bool(written.match(c.text)) for c in calls), 5)
        self.disturb_all("error=EIO", calls, judge)

    def test_full_disk_at_each_write(self):
        def judge(call, outcome):
            self.assertEqual(outcome.status, 74, f"{call.text}\n{outcome.stderr}")
            self.assertRegex(outcome.stderr, r"cannot write \d+ bytes to .*: No space left on device.*free space")

        self.disturb_all("error=ENOSPC", self.named("write"), judge)

    def test_interrupted_calls_are_taken_up_again(self):
        def judge(call, outcome):
            self.assertEqual((outcome.status, outcome.state), (0, NEW), f"{call.text}\n{outcome.stderr}")

        opened = [c for c in self.named("openat") if "O_DIRECTORY" not in c.text]
        self.disturb_all("error=EINTR", self.named("read", "write") + opened, judge)


class PublishNow(Publish, unittest.TestCase):
    how, sync = "now", "fsync"

    def test_fsync_is_never_retried(self):
        def judge(call, outcome):
            failed = [i for i, line in enumerate(outcome.trace) if line.startswith("fsync(") and "INJECTED" in line]
            self.assertEqual(len(failed), 1, call.text)
            target = outcome.trace[failed[0]].split("<")[1].split(">")[0]
            later = [line for line in outcome.trace[failed[0] + 1:] if line.startswith("fsync(") and f"<{target}>" in line]
            self.assertEqual(later, [], call.text)

        self.disturb_all("error=EIO", self.named("fsync"), judge)


class PublishLater(Publish, unittest.TestCase):
    how, sync = "later", "syncfs"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    DRIVER = os.path.abspath(sys.argv.pop(1))
    run_tests()
