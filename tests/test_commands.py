"""A command line that is forked from a process that has loaded everything is as one that is started anew."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testing.commands import Command, run

WAYS = pytest.mark.parametrize("cold", [False, True], ids=["forked", "anew"])
STAYS = "import pathlib, time\npathlib.Path('here').touch()\ntime.sleep(60)"


def told(argv: tuple[str, ...], **given: Any) -> tuple[int, str, str]:
    done = run(argv, text=True, **given)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("argv", "stdin"),
    [
        (("--version",), None),
        (("check", "--nonsense"), None),
        (("check", "no-such.diff", "--format", "json"), None),
        (("policy", "check", "-"), "seatrial: 1\nnonsense: 3\n"),
        (("run", "list"), None),
    ],
)
def test_it_says_and_ends_as_one_that_is_started_anew(argv: tuple[str, ...], stdin: str | None, tmp_path: Path) -> None:
    given = {"stdin": stdin, "cwd": tmp_path, "env": {**os.environ, "XDG_STATE_HOME": str(tmp_path)}}
    assert told(argv, **given) == told(argv, cold=True, **given)


@WAYS
def test_it_is_a_child_that_can_be_signalled_and_waited_for(cold: bool, tmp_path: Path) -> None:
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 1)):
        here = tmp_path / "here"
        with Command((), before=STAYS, cold=cold, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
            while not here.exists():
                assert process.poll() is None
            assert f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{process.pid}/status").read_text()
            here.unlink()
            process.send_signal(number)
            assert process.wait(10) in (code, -number)


@WAYS
def test_it_holds_its_own_files_and_environment_and_nothing_else(cold: bool, tmp_path: Path) -> None:
    looks = "import os\nprint(sorted(os.listdir('/proc/self/fd')), os.getcwd(), os.environb.get(b'ODD'), os.getpgrp())\nos._exit(7)"
    with (tmp_path / "open").open("w"):
        code, out, _ = told((), before=looks, cold=cold, cwd=tmp_path, env={**os.environ, "ODD": "\udcff"})
    assert (code, out) == (7, f"['0', '1', '2', '3'] {tmp_path} b'\\xff' {os.getpgrp()}\n")


def test_what_it_leaves_behind_is_not_taken_in(tmp_path: Path) -> None:
    leaves = "import os\nif os.fork() == 0:\n    os.read(0, 1)\n    print(os.getppid(), flush=True)\nos._exit(0)"
    with Command((), before=leaves, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, text=True) as process:
        while process.poll() is None:
            pass
        out, _ = process.communicate("x")
    assert int(out) != os.getpid()
