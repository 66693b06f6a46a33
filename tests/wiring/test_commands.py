"""The operator's commands: how each can end, what is told of it, and that what it leaves running stays."""

import os
import signal
import time
from pathlib import Path

import pytest

from runner.wiring.commands import run_command


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "run" / "after.log"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("argv", "ok", "words", "said"),
    [
        (["sh", "-c", "echo done; echo fine >&2"], True, "ended well", "done\nfine\n"),
        (["sh", "-c", "echo no; exit 3"], False, "with status 3", "no\n"),
        (["sh", "-c", "kill -9 $$"], False, "by signal 9", ""),
        (["/no/such/program"], False, "cannot be started: No such file", ""),
        (["/"], False, "cannot be started: Permission denied", ""),
    ],
)
def test_each_ending_is_a_sentence_with_what_was_printed(argv: list[str], ok: bool, words: str, said: str, log: Path) -> None:
    ran = run_command(argv, 10, {}, log=log)
    assert (ran.ok, words in ran.reason, ran.said) == (ok, True, said)


def test_one_that_hangs_is_ended_with_all_that_it_started(log: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    ran = run_command(["sh", "-c", f"sleep 600 & echo $! > {pid}; echo waiting; wait"], 0.5, {}, log=log)
    assert (ran.ok, "was ended after" in ran.reason, ran.said) == (False, True, "waiting\n")
    child = int(pid.read_text())
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline, "what it had started goes on"
        time.sleep(0.01)


def test_what_it_leaves_running_when_it_ended_well_is_the_service_and_keeps_its_output(log: Path, tmp_path: Path) -> None:
    go, pid = tmp_path / "go", tmp_path / "pid"
    script = f"(while [ ! -e {go} ]; do sleep 0.05; done; echo still here) & echo $! > {pid}; echo started"
    ran = run_command(["sh", "-c", script], 10, {}, log=log)
    child = int(pid.read_text())
    try:
        assert (ran.ok, ran.said, alive(child)) == (True, "started\n", True)
        go.touch()
        deadline = time.monotonic() + 10
        while "still here" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        if alive(child):
            os.kill(child, signal.SIGKILL)


def test_it_is_told_what_is_live_has_no_input_and_no_folder_that_may_go(log: Path) -> None:
    ran = run_command(["sh", "-c", 'cat; pwd; echo "$SEATRIAL_TREE"'], 10, {"SEATRIAL_TREE": "abc"}, log=log)
    assert ran.said == "/\nabc\n"


def test_no_shell_reads_the_arguments(log: Path) -> None:
    assert run_command(["echo", "$HOME; rm -rf /tmp/x `id`"], 10, {}, log=log).said == "$HOME; rm -rf /tmp/x `id`\n"


def test_only_the_end_of_a_long_output_of_this_time_is_told(log: Path) -> None:
    run_command(["echo", "earlier"], 10, {}, log=log)
    ran = run_command(["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; printf '\\377end'"], 10, {}, log=log)
    assert (len(ran.said), ran.said.endswith("\ufffdend"), "earlier" in ran.said) == (4096, True, False)
    assert log.read_bytes().startswith(b"earlier\n")


def test_a_log_that_cannot_be_written_is_a_command_that_failed(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    ran = run_command(["true"], 10, {}, log=tmp_path / "logs" / "run" / "after.log")
    assert (ran.ok, "cannot be started" in ran.reason) == (False, True)
