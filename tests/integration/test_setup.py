"""The set-up script where something is missing: it names what, says what to do, and stops."""
import os
import shutil
import subprocess

import pytest
from support import SOURCE


@pytest.fixture
def setup(tmp_path):
    """Runs launchers/setup of a copy of the project, with programs of our own first in PATH."""
    project = tmp_path / "project"
    shutil.copytree(SOURCE / "launchers", project / "launchers", ignore=shutil.ignore_patterns("*.cpp", "*.h"))
    programs = tmp_path / "bin"
    programs.mkdir()

    def fake(name, script):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)

    def run(*words, prefix=(), **variables):
        environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", **variables)
        return subprocess.run([*prefix, str(project / "launchers/setup"), *words], env=environment, capture_output=True, text=True,
                              timeout=300)

    run.fake = fake
    run.project = project
    return run


INSTALLED = "echo install ok installed"


def test_without_root_it_names_the_missing_packages(setup):
    setup.fake("dpkg-query", f'case "$*" in *libhdf5-dev|*ninja-build) exit 1 ;; *) {INSTALLED} ;; esac')
    setup.fake("id", "echo 1000")
    result = setup()
    assert result.returncode == 1
    assert "ninja-build libhdf5-dev" in result.stderr
    assert "sudo apt-get install --no-install-recommends ninja-build libhdf5-dev" in result.stderr


def test_apt_that_fails(setup):
    setup.fake("dpkg-query", "exit 1")
    setup.fake("id", "echo 0")
    setup.fake("apt-get", "echo 'Could not resolve host' >&2; exit 100")
    result = setup()
    assert result.returncode == 1
    assert "Could not resolve host" in result.stderr and "apt-get update failed" in result.stderr


def test_another_distribution(setup, tmp_path):
    # A PATH with the tools that the script uses, and no dpkg-query.
    only = tmp_path / "only"
    only.mkdir()
    for tool in ("bash", "dirname", "id", "awk", "date", "grep", "sh"):
        (only / tool).symlink_to(shutil.which(tool))
    environment = {"PATH": str(only)}
    result = subprocess.run([str(only / "bash"), str(setup.project / "launchers/setup")], env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "no Debian" in result.stderr and "--no-apt" in result.stderr


def test_wheels_that_cannot_be_found(setup, tmp_path):
    empty = tmp_path / "wheels"
    empty.mkdir()
    result = setup("--no-apt", "--wheels", str(empty), PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="")
    assert result.returncode == 1
    assert "torch==2.13.0" in result.stderr and "pip could not install" in result.stderr
    assert "--pip-index" in result.stderr


@pytest.mark.parametrize("words, said", [
    (["--wheels", "/nowhere/at/all"], "/nowhere/at/all"),
    (["--wheels"], "needs a value"),
    (["--whels"], "unknown option --whels"),
])
def test_wrong_options(setup, words, said):
    result = setup(*words)
    assert result.returncode == 1 and said in result.stderr


def test_a_python_that_cannot_make_an_environment(setup):
    result = setup("--no-apt", PYTHON="/bin/false")
    assert result.returncode == 1 and "/bin/false could not make .venv" in result.stderr
