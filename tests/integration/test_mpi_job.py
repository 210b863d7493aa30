"""How a job of several ranks ends, and that the programs of tests/mpi fail where they should."""
import os
import subprocess
import time

import pytest
from support import BIN, IO, STEP_FAILED, STOPPED


def job(test, ranks=2, expected=2, program="mpi_job", folder=None):
    environment = dict(os.environ, RANKFLOW_EXPECTED_RANKS=str(expected), OMPI_MCA_mpi_yield_when_idle="1")
    if folder:
        environment["TEST_TMPDIR"] = f"{folder}/"
    if os.geteuid() == 0:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", str(BIN.parent / "tests/mpi" / program),
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


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_rank_that_never_enters_a_collective_is_named(tmp_path, ranks):
    begin = time.monotonic()
    result = job("ExecutionTest.DISABLED_ARankThatNeverComes", ranks, ranks, "mpi_execution", tmp_path)
    assert result.returncode == STOPPED, result.stderr
    assert time.monotonic() - begin < 20, "the limit is 3 s"
    waiting = ", ".join(map(str, range(ranks - 1)))
    expected = (f'step "stuck" hangs: rank {ranks - 1} has not entered call 2, barrier(), in which '
                f'rank{"s" if ranks > 2 else ""} {waiting} ha{"ve" if ranks > 2 else "s"} waited for')
    assert expected in result.stderr, result.stderr
    assert f"rank {ranks - 1} came back from call 1, all_reduce(sum of 1 f32)" in result.stderr


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_failure_beside_a_communication_thread_is_told(tmp_path, ranks):
    begin = time.monotonic()
    result = job("ExecutionTest.DISABLED_AFailureInBackward", ranks, ranks, "mpi_execution", tmp_path)
    assert result.returncode == STEP_FAILED, result.stderr
    assert time.monotonic() - begin < 20, "a failed step's other ranks get 1.5 s to leave"
    assert "out of memory in layer 1" in result.stderr
    assert "wait in a collective of step bad that cannot complete" in result.stderr
