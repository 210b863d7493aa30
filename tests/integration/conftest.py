"""Fixtures: rankflow with a fresh store, and the data that some tests need. A file whose tests were all skipped ends
with exit code 77, which CTest shows as skipped."""
import os
from pathlib import Path

import pytest
from support import SOURCE, Rankflow

ALL_SKIPPED = 77
_outcomes = pytest.StashKey[list]()


@pytest.fixture
def rankflow(tmp_path):
    """Runs rankflow in an empty folder with an empty store."""
    return Rankflow(tmp_path, tmp_path / "store")


@pytest.fixture(scope="session")
def mnist():
    """The folder of the MNIST files, in IDX format."""
    folder = Path(os.environ.get("RANKFLOW_TEST_DATA", SOURCE.parent / "shared/data"))
    if not (folder / "mnist-train-images-idx3-ubyte.gz").is_file():
        pytest.skip(f"no MNIST in {folder}: RANKFLOW_TEST_DATA names a folder with mnist-train-images-idx3-ubyte.gz …")
    return folder


@pytest.fixture(scope="session")
def root():
    """For tests that only root can do: mounting, other users, Slurm."""
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture(scope="module")
def s3():
    """Address of an S3 server on the loopback (moto's), and a client for it."""
    import boto3
    from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    yield address, boto3.client("s3", endpoint_url=address, aws_access_key_id="key", aws_secret_access_key="secret",
                                region_name="us-east-1")
    server.stop()


def pytest_configure(config):
    config.stash[_outcomes] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" or report.outcome != "passed":
        item.config.stash[_outcomes].append(report.outcome)
    return report


def pytest_sessionfinish(session, exitstatus):
    outcomes = session.config.stash[_outcomes]
    if exitstatus == pytest.ExitCode.OK and outcomes and set(outcomes) == {"skipped"}:
        session.exitstatus = ALL_SKIPPED
