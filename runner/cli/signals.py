"""Turns a request to stop into an exception, so that whatever is open is closed on the way out."""

import signal
from types import FrameType

from runner.errors import Terminated


def install() -> None:
    """From now on SIGTERM, and the loss of the terminal, raise Terminated once; while it is handled they are ignored."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored: started by nohup
        signal.signal(signal.SIGHUP, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Terminated(number)
