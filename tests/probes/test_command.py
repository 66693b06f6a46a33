"""The probe `command` and what it leaves behind: nothing."""

import os
import signal
import sys
import time
from pathlib import Path
from threading import Event, Timer

import pytest

from runner.probes.probe import GRACE, Context
from runner.probes.running import MOST_OUTPUT, run
from tests.probes.served import a_probe

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
        os._exit(0)
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpgid(0)))
print("forked", flush=True)
time.sleep(60)
"""


def _group_is_gone(group: int) -> bool:
    """Whether nothing of a process group runs; what has ended and was not reaped yet by whoever inherited it does not."""
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        states = [_state(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _group(entry) == group]
        if not set(states) - {"Z", "X", ""}:
            return True
        time.sleep(0.02)
    return False


def _fields(entry: Path) -> list[str]:
    try:
        return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _group(entry: Path) -> int:
    fields = _fields(entry)
    return int(fields[2]) if fields else -1


def _state(entry: Path) -> str:
    fields = _fields(entry)
    return fields[0] if fields else ""


@pytest.mark.parametrize(("script", "outcome"), [("exit 0", "pass"), ("exit 1", "fail"), ("exit 127", "fail"), ("kill -9 $$", "fail")])
def test_only_a_status_of_nothing_passes(script: str, outcome: str) -> None:
    reading = a_probe(command=["sh", "-c", script]).take(Context())
    assert reading.outcome == outcome


def test_a_failure_shows_the_end_of_what_was_said() -> None:
    script = "yes x | head -c 5000000; printf '\\033[2J##[group]gone wrong'; exit 3"
    reading = a_probe(command=["sh", "-c", script], timeout="5s").take(Context())
    assert (reading.outcome, reading.measured) == ("fail", 3)
    assert reading.reason.isprintable()
    assert "gone wrong" in reading.reason
    assert "##[" not in reading.reason


def test_what_cannot_be_run_has_measured_nothing(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for name in (str(plain), str(tmp_path), "/nowhere/at/all"):
        assert a_probe(command=[name]).take(Context()).outcome == "no_data"


def test_a_command_that_ignores_sigterm_and_forks_is_ended_whole(tmp_path: Path) -> None:
    started = time.monotonic()
    reading = a_probe(command=[sys.executable, "-c", STUBBORN, str(tmp_path / "group")], timeout="1s").take(Context())
    assert reading.outcome == "fail"
    assert "still running" in reading.reason
    assert "forked" in reading.reason
    assert time.monotonic() - started < 1 + GRACE + 2
    assert _group_is_gone(int((tmp_path / "group").read_text()))


def test_what_a_command_leaves_in_its_group_is_ended_with_it(tmp_path: Path) -> None:
    started = time.monotonic()
    reading = a_probe(command=["sh", "-c", f"sleep 60 & echo $$ > {tmp_path}/group"], timeout="5s").take(Context())
    assert reading.outcome == "pass"
    assert time.monotonic() - started < 4, "a child that holds the output open is not waited for"
    assert _group_is_gone(int((tmp_path / "group").read_text()))


def test_a_command_that_nobody_wants_any_more_is_ended_at_once() -> None:
    cancelled = Event()
    Timer(0.2, cancelled.set).start()
    started = time.monotonic()
    reading = a_probe(command=["sleep", "60"], timeout="20s").take(Context(cancelled=cancelled))
    assert reading.outcome == "no_data"
    assert time.monotonic() - started < 5


def test_output_is_bounded_and_its_end_is_kept() -> None:
    ended = run(["sh", "-c", "yes | head -c 300000; printf end"], seconds=5)
    assert (ended.status, len(ended.output), ended.output[-3:]) == (0, MOST_OUTPUT, b"end")


def test_endless_output_does_not_hold_it_up() -> None:
    ended = run(["yes"], seconds=0.2)
    assert (ended.status, len(ended.output)) == (None, MOST_OUTPUT)


def test_there_is_no_input_and_the_folder_is_the_root() -> None:
    ended = run(["sh", "-c", 'cat; echo "$HOME"; pwd'], seconds=5)
    assert ended.output.decode() == f"{os.environ.get('HOME', '')}\n/\n"


def test_without_descriptors_of_processes_an_end_is_seen_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", none)
    assert run(["sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"], seconds=5).status == 4


def test_where_the_kernel_forgets_how_children_end_nothing_passes() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert a_probe(command=["true"]).take(Context()).outcome == "no_data"
        assert a_probe(command=["false"]).take(Context()).outcome == "no_data"
    finally:
        signal.signal(signal.SIGCHLD, before)
