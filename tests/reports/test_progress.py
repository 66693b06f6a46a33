"""What is seen while a run goes on."""

import os
import pty
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from runner.reports.progress import Plain, Silent, shown

HOSTILE = "\x1b[2J\u202e[red]x"


class _Gone(StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_there_is_one_line_per_stage_with_the_time() -> None:
    stream, times = StringIO(), iter([0.0, 1.5, 12.25])
    plain = Plain(stream, clock=lambda: next(times))
    plain.stage("validate")
    plain.note(HOSTILE)
    assert stream.getvalue().splitlines() == ["[   1.50s] validate", "[  12.25s] note: \\x1b[2J\\u202e[red]x"]


def test_test_counters_are_told_only_when_asked_and_not_all_the_time() -> None:
    quiet, chatty = StringIO(), StringIO()
    for stream, verbose in ((quiet, False), (chatty, True)):
        plain = Plain(stream, verbose=verbose, clock=lambda: 0.0)
        for done in range(101):
            plain.tests("base", done, 100)
    assert quiet.getvalue() == ""
    assert chatty.getvalue().splitlines() == ["[   0.00s] base: 0 of 100 tests", "[   0.00s] base: 100 of 100 tests"]


def test_a_reader_that_went_away_does_not_stop_a_run() -> None:
    Plain(_Gone()).stage("validate")


def test_the_right_kind_is_chosen() -> None:
    with shown(StringIO(), quiet=True) as silent, shown(StringIO()) as plain:
        assert isinstance(silent, Silent)
        assert isinstance(plain, Plain)


_LIVE = """
import sys
from runner.reports.progress import Live, shown
with shown(sys.stderr) as live:
    assert isinstance(live, Live)
    live.stage("trial")
    live.note("{hostile}")
    for done in range(3):
        live.tests("base", done, 3)
        live.tests("patched {hostile}", done, None)
    live.stage("decide")
print("report")
"""


def test_on_a_terminal_it_is_live_and_hostile_names_stay_text() -> None:
    ours, theirs = pty.openpty()
    code = _LIVE.replace("{hostile}", "\\x1b[2J\\u202e[red]x")
    env = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": ""}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], env=env)
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 65536):
            seen += piece
    except OSError:
        pass
    assert process.communicate(timeout=20)[0] == b"report\n"
    assert process.returncode == 0
    text = seen.decode()
    assert "decide" in text
    assert "[red]x" in text
    assert "\x1b[2J\\u" not in text
    assert "\\x1b[2J\\u202e[red]x" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_knows_few_letters_gets_escapes(encoding: str) -> None:
    import io

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Plain(stream).stage("日本")
    assert b"\\u65e5\\u672c" in raw.getvalue()
