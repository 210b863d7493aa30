"""How a job of several ranks ends, and that the programs of tests/mpi fail where they should."""
import os
import subprocess
import time

import pytest
from support import BIN, IO


def job(test, ranks=2, expected=2):
    environment = dict(os.environ, RANKFLOW_EXPECTED_RANKS=str(expected), OMPI_MCA_mpi_yield_when_idle="1")
    if os.geteuid() == 0:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", str(BIN.parent / "tests/mpi/mpi_job"),
               "--gtest_also_run_disabled_tests", f"--gtest_filter={test}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_good_job_ends_well():
    result = job("Job.HasTheRanksOfTheWorld")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_abort_ends_all_ranks_with_its_status(ranks):
    begin = time.monotonic()
    result = job("Job.DISABLED_LastRankAbortsWhileTheOthersWait", ranks, ranks)
    assert result.returncode == IO, result.stderr
    assert time.monotonic() - begin < 10, "the others wait in a barrier, for ever if nobody ends them"


def test_a_failure_on_one_rank_fails_the_job_and_is_shown():
    result = job("Job.DISABLED_LastRankFails")
    assert result.returncode == 1
    assert "rank 1: Job.DISABLED_LastRankFails" in result.stderr


def test_a_skipped_test_is_a_failure():
    result = job("Job.DISABLED_Skips")
    assert result.returncode == 1
    assert "1 tests skipped of 1" in result.stderr


def test_no_test_is_a_failure():
    assert job("Job.NoSuchTest").returncode == 1


def test_another_number_of_ranks_is_a_failure():
    result = job("Job.HasTheRanksOfTheWorld", ranks=2, expected=4)
    assert result.returncode == 1
    assert "this runs on 2 ranks, RANKFLOW_EXPECTED_RANKS says 4" in result.stderr


def test_a_rank_that_leaves_without_finalize_ends_the_job():
    assert job("Job.DISABLED_LeavesWithoutFinalize").returncode != 0
