"""What all tests share: a home of their own, and the rule that tests with containers are never skipped in silence."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest

from runner.errors import SeatrialError
from runner.sandbox.engine import Engine
from testing.postgres import any_database, postgres, postgres_url, why_none

__all__ = ["any_database", "postgres", "postgres_url"]
sys.dont_write_bytecode = False
"""What pytest makes of the tests is kept, also where nobody writes bytecode: to make it takes ten seconds in each process."""


@pytest.fixture(scope="session", autouse=True)
def own_home() -> Iterator[Path]:
    """State, cache and settings of the tests are nobody else's."""
    home = Path(tempfile.mkdtemp(prefix="seatrial-tests-"))
    names = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("STATE", "CACHE", "CONFIG")}
    before = {name: os.environ.get(name) for name in (*names, "SEATRIAL_DATABASE")}
    os.environ.pop("SEATRIAL_DATABASE", None)
    os.environ.update(names)
    yield home
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    shutil.rmtree(home, ignore_errors=True)


def pytest_configure() -> None:
    """What runs in the background of a script, or by `nohup`, is started deaf to signals, and so would be all that the tests start."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from testing.scheduling import ByServer

    return ByServer(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logs or shows may hold halves of characters, which cannot be passed on to the process that prints it, and would end that."""
    del item, call
    report = yield
    report.sections = [(name, _text(said)) for name, said in report.sections]
    if report.longrepr is not None and (said := str(report.longrepr)) != _text(said):
        report.longrepr = _text(said)
    return report


def _text(said: str) -> str:
    return said.encode("utf-8", "backslashreplace").decode()


@cache
def _why_no_engine() -> str:
    """Why no container engine can be used; empty when one can."""
    try:
        Engine().api.ping()
    except SeatrialError as problem:
        return f"{problem} {problem.hint}"
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, what, why in (("docker", "a container engine", _why_no_engine), ("postgres", "a Postgres server", why_none)):
        if item.get_closest_marker(marker) is None or not (reason := why()):
            continue
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(f"this test needs {what}: {reason}", pytrace=False)
        pytest.skip(f"NOT RUN, it needs {what}: {reason}")
