"""Turns a request to stop into an exception, so that whatever is open is closed on the way out."""

import signal
from types import FrameType


class Terminated(BaseException):
    """Somebody asked this process to stop with the signal `number`; no `except Exception` may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def install() -> None:
    """From now on SIGTERM, and the loss of the terminal, raise Terminated once; while it is handled they are ignored."""
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored: started by nohup
        signal.signal(signal.SIGHUP, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Terminated(number)
