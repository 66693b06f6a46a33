"""The entry point: runs a command, and turns whatever ends it into one message and the right exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from runner.cli import signals
from runner.errors import Terminated

FEWER_COLLECTIONS = (100_000, 50, 50)
"""Thresholds of the garbage collector: loading libraries makes many objects and no garbage worth looking for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is that of DESIGN §9."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        signals.install()
        from runner.cli.group import seatrial

        code = seatrial.main(given, prog_name="seatrial", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (Exception, KeyboardInterrupt, Terminated) as problem:  # noqa: BLE001 - the one place where everything ends
        from runner.cli.failure import explain

        return explain(problem, given)


def entry() -> NoReturn:
    """What the command `seatrial` calls: the exit code, without the tenth of a second that taking the interpreter down costs."""
    gc.set_threshold(*FEWER_COLLECTIONS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else every installed distribution is searched for plugins
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)  # every pool, process and file of ours is closed: `check` does that with `with`


if __name__ == "__main__":
    entry()
