"""The entry point: runs a command, and turns whatever ends it into one message and the right exit code."""

import sys
from collections.abc import Sequence

from runner.cli import signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is that of DESIGN §9."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        signals.install()
        from runner.cli.group import seatrial

        code = seatrial.main(given, prog_name="seatrial", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (Exception, KeyboardInterrupt, signals.Terminated) as problem:  # noqa: BLE001 - the one place where everything ends
        from runner.cli.failure import explain

        return explain(problem, given)


if __name__ == "__main__":
    sys.exit(main())
