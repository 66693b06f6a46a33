"""Log records of the package while a command works."""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.cli.logs import Told, install

Command = Callable[..., Any]
HOSTILE = "\x1b[2J\n\u202e"
_BODY = """
import logging
from conftest import a_run
try:
    raise ValueError("\\x1b[31m first\\nsecond \\udc80")
except ValueError:
    logging.getLogger("runner.stages.validate").exception("layer %s broke", "x\\ny")
logging.getLogger("elsewhere").warning("wrong %d", "number")
return a_run("held")
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = before


def test_without_v_no_record_reaches_the_terminal(process: Command) -> None:
    check = process(_BODY, ["check", "x.diff"])
    out, err = check.communicate(timeout=20)
    assert (check.returncode, err, out[:4]) == (3, b"", b"HELD")


def test_with_v_each_record_is_one_printable_line(process: Command) -> None:
    check = process(_BODY, ["check", "x.diff", "-v"])
    _, err = check.communicate(timeout=20)
    (line,) = err.decode("ascii").splitlines()
    assert line.startswith("error: layer x\\ny broke (ValueError at ")
    assert line.endswith(": \\x1b[31m first\\nsecond \\udc80)")


def test_installed_twice_a_record_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    install(verbose=True)
    install(verbose=True)
    logging.getLogger("x").warning("said %s", HOSTILE)
    assert capsys.readouterr().err == "warning: said \\x1b[2J\\n\\u202e\n"
    assert [type(handler) for handler in logging.getLogger().handlers].count(Told) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["run", "list", "--help"], ["--version"]])
def test_a_help_text_does_not_pay_for_logging(arguments: list[str]) -> None:
    code = f"import sys\nfrom runner.cli.main import main\nmain({arguments!r})\nsys.exit('logging' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, check=False).returncode == 0
