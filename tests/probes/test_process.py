"""The probe `process` over real processes, and over what systemd would say."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.probes import procfs
from runner.probes.probe import GRACE, Context
from tests.probes.served import a_probe

Starting = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Starting]:
    """Starts programs that are gone after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*argv: str) -> "subprocess.Popen[bytes]":
        running.append(subprocess.Popen(argv or ("sleep", "60")))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "app.pid"


def test_a_process_lives_until_it_does_not(start: Starting, file: Path) -> None:
    process = start()
    file.write_text(f"{process.pid}\n")
    probe = a_probe(process=str(file))
    assert probe.take(Context()).outcome == "pass"
    process.kill()
    process.wait()
    assert probe.take(Context()).outcome == "fail"


def test_a_zombie_does_not_live(start: Starting, file: Path) -> None:
    process = start("true")
    file.write_text(str(process.pid))
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    reading = a_probe(process=str(file)).take(Context())
    assert (reading.outcome, "nobody has asked how" in reading.reason) == ("fail", True)


def test_without_a_pid_file_nothing_lives(file: Path) -> None:
    assert a_probe(process=str(file)).take(Context()).outcome == "fail"


def test_a_new_process_is_a_restart_and_stays_one(start: Starting, file: Path) -> None:
    probe, patient = a_probe(process=str(file)), a_probe(process=str(file), restarts=1)
    outcomes = []
    for _ in range(3):
        file.write_text(str(start().pid))
        outcomes.append((probe.take(Context()).outcome, patient.take(Context()).outcome))
    assert outcomes == [("pass", "pass"), ("fail", "pass"), ("fail", "fail")]
    assert probe.take(Context()).outcome == "fail"


def test_a_number_that_was_given_to_another_process_is_told_by_when_that_was_started(
    start: Starting, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(str(start().pid))
    probe, real = a_probe(process=str(file)), procfs.look
    assert probe.take(Context()).outcome == "pass"
    monkeypatch.setattr("runner.probes.process.look", lambda pid: real(pid)._replace(started=real(pid).started + 1))
    assert probe.take(Context()).outcome == "fail"


@pytest.mark.parametrize("content", [b"", b"\n", b"app", b"-5", b"0", b"1" * 100, b"\xff"])
def test_a_file_without_a_number_says_nothing(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert a_probe(process=str(file)).take(Context()).outcome == "no_data"


def test_a_pid_file_that_is_none_is_neither_waited_for_nor_followed(start: Starting, tmp_path: Path, file: Path) -> None:
    real = tmp_path / "real"
    real.write_text(str(start().pid))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(real)
    started = time.monotonic()
    for name in (str(tmp_path / "fifo"), str(tmp_path), "/dev/zero"):
        reading = a_probe(process=name).take(Context())
        assert (reading.outcome, reading.reason) == ("no_data", f"{name} is no regular file")
    assert a_probe(process=str(tmp_path / "link")).take(Context()).outcome == "no_data"
    assert time.monotonic() - started < GRACE + 1


def test_memory_beyond_the_limit_fails(start: Starting, file: Path) -> None:
    process = start(sys.executable, "-c", "x = bytearray(64 * 2**20)\nprint(flush=True)\nimport time\ntime.sleep(60)")
    file.write_text(str(process.pid))
    modest = a_probe(process=str(file), memory="32MiB")
    ends = time.monotonic() + 20
    while (reading := modest.take(Context())).outcome != "fail" and time.monotonic() < ends:
        time.sleep(0.05)
    assert (reading.outcome, reading.limit) == ("fail", 32 * 2**20)
    assert a_probe(process=str(file), memory="1GiB").take(Context()).outcome == "pass"


def test_use_of_the_cpu_is_measured_between_two_readings(start: Starting, file: Path) -> None:
    for argv, outcome in ((("sh", "-c", "while :; do :; done"), "fail"), (("sleep", "60"), "pass")):
        file.write_text(str(start(*argv).pid))
        probe = a_probe(process=str(file), cpu="10%")
        assert probe.take(Context()).outcome == "no_data", "one reading is no share"
        time.sleep(0.6)
        assert probe.take(Context()).outcome == outcome


def test_a_name_of_a_process_cannot_pass_for_its_figures(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    fields = ["S", *["1"] * 10, "200", "100", *["0"] * 5, "1", "4711", "0", "3", *["0"] * 20]
    (folder / "stat").write_text(f"7 (a) R 1 (b\n) {' '.join(fields)}")
    seen = procfs.look(7, tmp_path)
    assert seen is not None
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    assert (seen.started, seen.dead, seen.used, seen.resident) == (4711, False, 300 / tick, 3 * page)
    (folder / "stat").write_text("7 (a) R")
    with pytest.raises(procfs.Unreadable):
        procfs.look(7, tmp_path)


SYSTEMCTL = """#!/bin/sh
[ "$1" = show ] && [ "$3" = -- ] && [ "$4" = app.service ] || exit 9
cat "{file}"
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A systemctl that shows what a test says."""
    program, said = tmp_path / "systemctl", tmp_path / "said"
    program.write_text(SYSTEMCTL.format(file=said))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def say(**properties: object) -> None:
        said.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))

    return say


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ({"LoadState": "loaded", "ActiveState": "active", "MainPID": os.getpid(), "NRestarts": 0}, "pass"),
        ({"LoadState": "loaded", "ActiveState": "active", "MainPID": 0}, "no_data"),
        ({"LoadState": "loaded", "ActiveState": "activating"}, "no_data"),
        ({"LoadState": "loaded", "ActiveState": "failed", "SubState": "failed"}, "fail"),
        ({"LoadState": "loaded", "ActiveState": "inactive"}, "fail"),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, "no_data"),
        ({}, "no_data"),
    ],
)
def test_a_unit_is_asked_of_systemd(systemd: Callable[..., None], state: dict[str, object], outcome: str) -> None:
    systemd(**state)
    assert a_probe(process="app.service", timeout="5s").take(Context()).outcome == outcome


def test_restarts_that_systemd_counted_between_two_readings_count(systemd: Callable[..., None]) -> None:
    probe = a_probe(process="app.service", timeout="5s", restarts=2)
    outcomes = []
    for restarts in (5, 7, 8):
        systemd(LoadState="loaded", ActiveState="active", MainPID=os.getpid(), NRestarts=restarts)
        outcomes.append(probe.take(Context()).outcome)
    assert outcomes == ["pass", "pass", "fail"]


def test_a_systemctl_that_fails_or_is_not_there_says_nothing(
    tmp_path: Path, systemd: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = a_probe(process="app.service", timeout="5s")
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    reading = probe.take(Context())
    assert (reading.outcome, "no bus" in reading.reason) == ("no_data", True)
    monkeypatch.setenv("PATH", "/nowhere")
    assert probe.take(Context()).outcome == "no_data"
