"""Lets `python -m runner.cli` be the command `seatrial`."""

from runner.cli.main import entry

if __name__ == "__main__":
    entry()
