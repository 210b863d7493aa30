"""Copies that rankflow makes outside its store, killed at each of their system calls: outputs published to a datastore, and inputs on
the node's own disk.

Whatever happens, what is there is the old copy or the new one, nothing between; the next one works, and removes what was left.
Usage: test_copies.py DRIVER [unittest options]
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from disturb import calls_to_disturb, run_tests, traced

DRIVER = ""
OLD, NEW = "the old text", "the new text"


def driver(*arguments):
    return subprocess.run([DRIVER, *arguments], capture_output=True, text=True, timeout=60)


class Copies:
    """What holds for each kind of copy."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rankflow-fault-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.before = os.path.join(cls.folder, "before")
        os.mkdir(cls.before)
        cls.prepare(cls.before)
        sample = shutil.copytree(cls.before, os.path.join(cls.folder, "sample"))
        process, lines = traced([DRIVER, *cls.words(sample, "killed")], cls.folder)
        if process.returncode != 0:
            raise unittest.SkipTest(f"strace can't trace here: {process.stderr.strip()}")
        cls.calls = calls_to_disturb(lines)
        assert len(cls.calls) > 30, lines

    def killed(self, call):
        folder = tempfile.mkdtemp(dir=self.folder)
        place = shutil.copytree(self.before, os.path.join(folder, "place"))
        process, _ = traced([DRIVER, *self.words(place, "killed")], folder, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
        self.assertIn(process.returncode, (-9, 137), f"not killed at {call.text}")
        state = self.check(place, f"killed at {call.text}\n")
        shutil.rmtree(folder)
        return state

    def test_killed_at_each_call(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            states = set(pool.map(self.killed, self.calls))
        self.assertEqual(states, self.states)  # the kills reach from before the copy was there to after it

    def good(self, about, *words):
        process = driver(*words)
        self.assertEqual(process.returncode, 0, about + process.stderr)
        return process.stdout.strip()


class Delivery(Copies):
    """An output that is published to a folder."""

    @staticmethod
    def words(place, run):
        return "deliver", place, NEW, run

    def check(self, place, about):
        state = self.good(about, "delivered", place)
        self.assertIn(state, self.states, about)
        self.good(about, *self.words(place, "again"))
        self.assertEqual(self.good(about, "delivered", place), NEW, about)
        self.assertEqual(os.listdir(os.path.join(place, "scratch")), ["x"], about)
        return state


class FirstDelivery(Delivery, unittest.TestCase):
    states = {"nothing", NEW}

    @staticmethod
    def prepare(place):
        pass


class LaterDelivery(Delivery, unittest.TestCase):
    states = {OLD, NEW}

    @staticmethod
    def prepare(place):
        assert driver("deliver", place, OLD, "first").returncode == 0


class Download(Copies, unittest.TestCase):
    """An input that is copied to the node's own disk and goes when it is no longer used."""
    states = {OLD}

    @staticmethod
    def words(place, run):
        return "download", place

    @staticmethod
    def prepare(place):
        os.makedirs(os.path.join(place, "data/sub"))
        for name, text in (("text", OLD), ("sub/twice", OLD + OLD)):
            with open(os.path.join(place, "data", name), "w") as file:
                file.write(text)

    def check(self, place, about):
        text = self.good(about, *self.words(place, "again"))
        self.assertEqual(text, OLD, about)
        local = os.path.join(place, "local", f"rankflow-{os.geteuid()}")
        self.assertEqual(os.listdir(local), [".copying"], about)
        return text


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    DRIVER = os.path.abspath(sys.argv.pop(1))
    run_tests()
