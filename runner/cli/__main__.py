"""Lets `python -m runner.cli` be the command `seatrial`."""

import sys

from runner.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
