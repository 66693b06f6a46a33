"""Commands that no server does say so, where one is named by the environment."""

from collections.abc import Callable
from typing import Any

import pytest

Command = Callable[..., Any]
ABOUT = ["fleet"], ["audit", "list"], ["audit", "verify"], ["audit", "checkpoint"], ["token", "list"]


@pytest.mark.parametrize("argv", [*ABOUT, ["token", "create", "x", "--scope", "read"]], ids=" ".join)
def test_what_is_about_this_machine_says_so_in_one_line(seatrial: Command, monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> None:
    before = seatrial(*argv)
    monkeypatch.setenv("SEATRIAL_SERVER", "http://127.0.0.1:9")
    told = seatrial(*argv)
    said = f"seatrial {' '.join(argv[:2])} is about the database of this machine; SEATRIAL_SERVER is not asked"
    assert (told.code, told.err.splitlines()[0]) == (before.code, said)
    assert len(told.err.splitlines()) == len(before.err.splitlines()) + 1
    assert "SEATRIAL_SERVER" not in seatrial("-q", *argv).err + before.err
