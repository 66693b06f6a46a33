"""What psutil says of this machine, as plain numbers; the only module that imports it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.gates.health.kernel import Unreadable


@contextmanager
def _reading(proc: Path) -> Iterator[None]:
    """Let psutil use this /proc; whatever goes wrong in it is Unreadable."""
    import psutil

    before, psutil.PROCFS_PATH = psutil.PROCFS_PATH, os.fspath(proc)
    try:
        yield
    except (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeWarning, psutil.Error) as problem:
        raise Unreadable(f"{proc} cannot be understood: {type(problem).__name__}") from problem
    finally:
        psutil.PROCFS_PATH = before


def memory(proc: Path) -> tuple[int, int]:
    """Bytes in total and bytes that can be had without swapping; a nought, psutil's word for "not known", is Unreadable."""
    import psutil

    with _reading(proc):
        found = psutil.virtual_memory()
    if not 0 < found.available <= found.total:
        raise Unreadable(f"{proc}/meminfo does not say how much memory is available")
    return found.total, found.available


def cpu(proc: Path) -> tuple[float, float]:
    """Seconds of CPU since boot: busy, and in all. Two of these make a percentage; `cpu_percent`, whose first word is void, is never asked."""
    import psutil

    with _reading(proc):
        found = psutil.cpu_times()
    # Linux counts the time of guests in that of users as well
    total = sum(found) - getattr(found, "guest", 0.0) - getattr(found, "guest_nice", 0.0)
    idle = found.idle + getattr(found, "iowait", 0.0)
    if not 0 <= idle <= total or total <= 0:
        raise Unreadable(f"{proc}/stat does not say how busy the CPUs were")
    return total - idle, total
