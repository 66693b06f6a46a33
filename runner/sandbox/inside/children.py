"""Children of the launcher: each runs as another user without any capability, and says all it says into a pipe that the launcher reads.

A module of the launcher (Python 3.8 or newer, standard library only); the host never imports it.
"""

import contextlib
import json
import os
import select
import signal
import time

import force

REPORT = 198
CHUNK = 256 * 1024
LONGEST_LINE = 1024 * 1024


def drop(user):
    """Become `user` for good: no group, no capability is left."""
    os.setgroups([])
    os.setresgid(user[1], user[1], user[1])
    os.setresuid(user[0], user[0], user[0])


def borrow(user, task):
    """What `task` gives, done as `user` in a child of its own; what it raises is raised here as an OSError."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reader)
            drop(user)
            told, code = {"gave": task()}, 0
        except BaseException as problem:
            told = {"problem": "%s: %s" % (type(problem).__name__, problem)}
        try:
            with os.fdopen(writer, "w") as file:
                json.dump(told, file)
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as file:
        told = file.read()
    os.waitpid(child, 0)
    told = json.loads(told) if told else {"problem": "it died"}
    if "problem" in told:
        raise OSError(told["problem"])
    return told["gave"]


def start(argv, env, work, user=None, report=None, *, silent=False):
    """A child in a session of its own, as `user` or as the launcher; `report` is its end of a pipe, `silent` leaves it nothing else to write to."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        if report is not None:
            os.dup2(report, REPORT, True)
        if silent:
            silence = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(silence, fd, True)
        for name in ("SIGPIPE", "SIGXFSZ", "SIGINT"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        if user:
            with open("/proc/self/oom_score_adj", "w") as score:
                score.write("1000")  # when memory runs out the suite goes, not the witness
            drop(user)
        os.chdir(work)
        os.execvpe(argv[0], argv, env)
    except OSError as problem:
        os.write(2, ("cannot start %s: %s\n" % (argv[0], problem)).encode("utf-8", "replace"))
        os._exit(126 if isinstance(problem, PermissionError) else 127)
    finally:
        os._exit(126)


class Deaths:
    """Readable when a child has ended."""

    def __init__(self):
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait(self, seconds, *readers):
        """Those of `readers` that have something to say; none when a child has ended, or time is up."""
        ready = select.select([self._reader, *readers], [], [], seconds)[0]
        if self._reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, CHUNK)
        return [reader for reader in ready if reader != self._reader]


def reap(child):
    """Collect the dead; the wait status of `child` when it is among them."""
    found = None
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not process:
            return found
        if process == child:
            found = status


def others(*known):
    """How many processes there are beside this one and those."""
    found = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid(), *known):
            stat = force.text("/proc/%s/stat" % name)
            found += stat is not None and alive(stat.rpartition(")")[2].split())
    return found


def alive(fields):
    """Whether a process lives by its `/proc/PID/stat`: one whose first thread alone has ended is called a zombie, and goes on."""
    return fields[:1] not in (["Z"], ["X"]) or (len(fields) > 17 and int(fields[17]) > 1)


def linger(grace, *known):
    """Wait so many seconds for every other process to end by itself; how many did not."""
    leave_taking = time.monotonic() + grace
    while others(*known) and time.monotonic() < leave_taking:
        reap(0)
        time.sleep(0.01)
    return others(*known)


def end_of(user, *known):
    """Kill everything that runs as `user`, whether or not it can be seen: the kernel does it at once for all of them."""
    reap(0)
    killer = os.fork()
    if not killer:
        try:
            drop(user)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    until_gone(lambda: None, *known)


def end_all():
    """Kill every other process."""

    def kill():
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)

    kill()
    until_gone(kill)


def until_gone(again, *known):
    """Wait until no other process lives, doing `again` meanwhile; raises OSError when one does after ten seconds."""
    deadline = time.monotonic() + 10
    reap(0)
    while others(*known):
        if time.monotonic() > deadline:
            raise OSError("a process cannot be ended")
        again()
        reap(0)
        time.sleep(0.002)
    reap(0)


def code_of(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


class Relay:
    """Carries whole lines from a child's pipe into the report, each marked with the child's number: no child writes there by itself."""

    def __init__(self, number, reader, out):
        self._mark, self._reader, self._out = b"%d " % number, reader, out
        self._line = b""
        self.open = True

    def fileno(self):
        return self._reader

    def take(self):
        """Carry what is there; whether there was anything."""
        if not self.open or not select.select([self._reader], [], [], 0)[0]:
            return False
        chunk = os.read(self._reader, CHUNK)
        if not chunk:
            self.open = False
            os.close(self._reader)
            return False
        *whole, rest = (self._line + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:  # too long to be a record, in whatever pieces
            whole, rest = [*whole, b"?" + rest], b"?"
        self._out(b"".join(self._mark + line + b"\n" for line in whole if line))
        self._line = rest
        return True

    def drain(self):
        """What is left, when nobody is alive who could add to it."""
        while self.take():
            pass
        if self._line:
            self._out(self._mark + self._line + b"\n")
        if self.open:
            os.close(self._reader)
            self.open = False
