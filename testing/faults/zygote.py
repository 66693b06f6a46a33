"""A process that has loaded everything and runs no thread: it forks one child per order, and is told to be the parent of what they leave.

It reads orders from its input, one line each, and answers with the id of the process. `end` is answered with how a process ended
once it has, `left` with the processes that children left behind.
"""

import ctypes
import encodings.ascii
import encodings.idna
import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path

import alembic.command
import alembic.config
import dbos._sys_db_sqlite
import docker
import psutil
import sqlalchemy.dialects.sqlite

import runner.engine.executor
import runner.gates.health.machine
import runner.probes.running
import runner.reports.report
import runner.store.chain
import runner.store.engine_database
import runner.store.queries
import runner.store.schema
import runner.targets.folder
import runner.targets.ref
from runner.cli.main import FEWER_COLLECTIONS
from testing.faults import child
from testing.faults.orders import Order

LOADED = (alembic.command, alembic.config, dbos._sys_db_sqlite, docker, encodings, psutil, sqlalchemy.dialects.sqlite, runner)
_SUBREAPER = 36
_PATIENCE = 10.0
_LONGEST = float(os.environ.get("SEATRIAL_FAULT_PATIENCE", "40"))
"""Seconds after which a process hangs."""


def main() -> None:
    """Serve until the input ends."""
    if threading.active_count() != 1:
        raise RuntimeError("a process with threads must not fork")
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    gc.set_threshold(*FEWER_COLLECTIONS)  # as the command has
    gc.collect()
    gc.freeze()  # else each child goes through all of it, and so has a copy of it
    started: list[int] = []
    for number, line in enumerate(iter(sys.stdin.readline, "")):
        asked = json.loads(line)
        if "order" in asked:
            started.append(_fork(Order.heard(asked["order"]), number))
            answer: object = started[-1]
        elif "end" in asked:
            answer = _ended(asked["end"], asked["stopped"])
            if answer != "stopped":
                started.remove(asked["end"])
        else:
            answer = _left(frozenset(started))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _fork(order: Order, number: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.close(0)
        os.open(os.devnull, os.O_RDONLY)
        code = child.live(order, number)
    except BaseException:  # noqa: BLE001 - whatever it was, this is no zygote
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _ended(pid: int, stopped: bool) -> object:
    """How a process ended; one that does not is killed, and `hangs`."""
    until = time.monotonic() + _LONGEST
    while True:
        ended, status = os.waitpid(pid, (os.WUNTRACED if stopped else 0) | os.WNOHANG)
        if ended:
            break
        if time.monotonic() > until:
            os.kill(pid, child.TELL)
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "hangs"
        time.sleep(0.005)
    return "stopped" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def _left(known: frozenset[int]) -> list[str]:
    """What the dead have left running: after a while, which what is about to end may take, it is killed and named."""
    until = time.monotonic() + _PATIENCE
    while True:
        with suppress(ChildProcessError):
            while _reaped(known):
                pass
        alive = [pid for pid in _children() if pid not in known]
        if not alive or time.monotonic() > until:
            break
        time.sleep(0.005)
    named = [_command(pid) for pid in alive]
    for pid in alive:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return named


def _reaped(known: frozenset[int]) -> bool:
    return any(pid not in known and os.waitpid(pid, os.WNOHANG)[0] for pid in _children())


def _children() -> list[int]:
    return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return str(pid)


if __name__ == "__main__":
    main()
