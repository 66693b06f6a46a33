"""Log records of a process that serves: one line each, whatever is in them."""

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest

from runner.cli.records import serving
from runner.wiring.voice import Named, regarding

HOSTILE = "\x1b[2J\nlevel=error \u202e ::error:: ##[group]x \udc80"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("runner")
    before, level, hook = list(root.handlers), ours.level, threading.excepthook
    yield
    threading.excepthook = hook
    logging.captureWarnings(capture=False)
    root.handlers[:] = before
    ours.setLevel(level)


def test_where_nobody_reads_along_each_record_is_json() -> None:
    stream = io.StringIO()
    serving(verbose=False, stream=stream).note(HOSTILE)
    [line] = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], set(told)) == ("info", "runner.serving", {"at", "level", "logger", "event"})
    assert line.isascii()
    assert line.isprintable()
    assert "##[" not in line
    assert "\\x1b[2J" in told["event"]


def test_on_a_terminal_each_record_is_a_line_for_people() -> None:
    stream = Terminal()
    serving(verbose=False, stream=stream)
    with regarding("abc"):
        logging.getLogger("runner.api.access").info("request", extra={"seatrial": {"path": HOSTILE, "status": 404}})
    [line] = stream.getvalue().splitlines()
    assert "info: request run=abc path=\\x1b[2J" in line
    assert line.endswith("status=404")
    assert line.isprintable()


def test_a_record_names_the_run_that_it_is_about() -> None:
    stream = io.StringIO()
    voice = Named("abc", serving(verbose=False, stream=stream))
    voice.note("first")
    logging.getLogger("runner.x").warning("second")
    assert [json.loads(line).get("run") for line in stream.getvalue().splitlines()] == ["abc", None]


def test_what_was_raised_is_told_with_its_trace() -> None:
    stream = io.StringIO()
    serving(verbose=False, stream=stream)
    try:
        int(HOSTILE)
    except ValueError:
        logging.getLogger("runner.x").exception("it broke")
    [line] = stream.getvalue().splitlines()
    told = json.loads(line)
    assert told["problem"].startswith("ValueError: invalid literal")
    assert "test_records.py" in told["trace"]
    assert line.isprintable()


@pytest.mark.filterwarnings("default")
def test_a_thread_that_breaks_and_a_warning_are_records_like_any_other(capfd: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    serving(verbose=False, stream=stream)
    thread = threading.Thread(target=lambda: int(HOSTILE))
    thread.start()
    thread.join()
    warnings.warn(HOSTILE, UserWarning, stacklevel=1)
    broke, warned = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (broke["event"], broke["level"]) == ("a thread broke", "error")
    assert warned["logger"] == "py.warnings"
    assert capfd.readouterr().err == ""


def test_what_is_only_for_those_who_ask_is_told_with_v() -> None:
    quiet, loud = io.StringIO(), io.StringIO()
    serving(verbose=False, stream=quiet)
    logging.getLogger("runner.x").debug("detail")
    serving(verbose=True, stream=loud)
    logging.getLogger("runner.x").debug("detail")
    assert (quiet.getvalue(), "detail" in loud.getvalue()) == ("", True)


def test_the_password_of_the_database_is_in_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", "postgresql://u:s3cret@db.example/x")
    stream = io.StringIO()
    serving(verbose=False, stream=stream)
    logging.getLogger("runner.x").warning("cannot reach %s", "postgresql://u:s3cret@db.example/x", extra={"seatrial": {"more": "s3cret"}})
    assert "s3cret" not in stream.getvalue()


def test_a_probe_is_told_when_its_answer_is_another_one() -> None:
    stream = io.StringIO()
    progress = serving(verbose=False, stream=stream)
    for said in ("pass: 1", "pass: 2", "fail: 3", "fail: 4"):
        progress.probe("web", said)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["probe web: pass: 1", "probe web: fail: 3"]
