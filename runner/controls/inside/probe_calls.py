"""Calls functions, or runs examples of docstrings, in a fresh interpreter without any test runner; tells one JSON object per line.

A program for the image's own Python (3.8 or newer, standard library only), executed with a copy of the builtins by `python3 -c`,
with the texts of clock.py, showing.py, arguments.py, run_examples.py and printed.py and pieces of one JSON text as arguments. The host never
imports it, and takes what it writes as hostile data, since the called code shares this process. What a call may see is a plain
program: no arguments, no module of a test runner, no variable of ours, a standard output like any.
"""

import sys

sys.path[:] = [entry for entry in sys.path if entry]  # `python -c` puts the current folder first

import fcntl  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import signal  # noqa: E402
import time  # noqa: E402

# called code replaces functions: the report and the time limit keep their own
_write, _getpid, _end, _dumps, _modules = os.write, os.getpid, os._exit, json.dumps, sys.modules
_timer, _signal, _real_time, _seed = signal.setitimer, signal.signal, signal.ITIMER_REAL, random.seed
_monotonic, _used = time.monotonic, time.process_time
_stderr = sys.stderr
OURS = ("SEATRIAL_", "PYTEST_", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE")
MOST_REPEATS, WAITING = 5000, 3
"""How often an item is repeated at most; and how many times as long as its time of the processor that may take on a busy machine."""
AGAIN = 0.5
"""Seconds after which a call that swallowed the alarm hears it again."""


class Alarm(BaseException):
    """A call has used up its time."""


class Report:
    """Whole lines from this process only; an empty line before each ends what others may have begun."""

    def __init__(self, fd):
        self._fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)  # a number that any file may have
        os.close(fd)
        self._owner = _getpid()

    def __call__(self, kind, /, **fields):
        if _getpid() != self._owner:  # a fork of the called code that came back
            _end(0)
        line = b"\n" + _dumps(dict(fields, k=kind)).encode() + b"\n"
        while line:
            line = line[_write(self._fd, line) :]


class Measured:
    """One call or example at a time: with a seed, a time limit, and what it prints caught."""

    def __init__(self, limits, printed):
        self._seconds, self._printed = limits["seconds"], printed
        self.armed = self.rang = False
        self.fresh = True
        """Whether chance begins anew with each call."""

    def ring(self, *_):
        if self.armed:
            self.rang = True
            raise Alarm

    def __call__(self, act, *given):
        """What `act` gives, or that it timed out; and what was printed."""
        self.rang = False
        self._printed.begin()
        try:
            try:
                _signal(signal.SIGALRM, self.ring)
                sys.stderr = _stderr
                if self.fresh:
                    _seed(0)
                self.armed = True
                _timer(_real_time, self._seconds, AGAIN)
                told = act(*given)
            finally:
                self.armed = False
                _timer(_real_time, 0)
        except BaseException:
            told = {"kind": "timed out" if self.rang else "broken"}
        return {"kind": "timed out"} if self.rang else told, self._printed.text()


class Caller:
    """Calls functions and methods by name."""

    def __init__(self, showing, found, arguments):
        self._show, self._found, self._read = showing, found, arguments
        self._item = self._arguments = None

    def __call__(self, item):
        try:
            module = _modules[item["module"]]
            if self._item is not item:
                self._item, self._arguments = item, self._read(item, self._show)
            arguments = self._arguments
            args, kwargs, given = arguments.made()
            target, self_, problem = self._target(module, item["name"].split("."), arguments)
        except Exception as problem:
            return self._failed("not callable", problem)
        if problem is not None:
            return self._failed("not made", problem)
        try:
            result = finished(target(*args, **kwargs))
            told = {"kind": "returned", "type": self._show.type_of(result), "text": self._show(result), "state": self._show.state(result)}
        except Alarm:
            raise
        except BaseException as problem:
            told = self._failed("raised", problem)
        after = arguments.after(args, kwargs)
        held = {"self." + name: text for name, text in self._show.state(self_).items()} if self_ is not None else {}
        return dict(told, after="" if after == given else after, state=dict(told.get("state", {}), **held))

    def _failed(self, kind, problem):
        return {"kind": kind, "type": self._show.type_of(problem), "text": self._show.said(problem)}

    def _target(self, module, names, arguments):
        """What to call, the object it belongs to, and why that could not be made."""
        owner = module
        for name in names[:-1]:
            owner = getattr(owner, name)
        if not isinstance(owner, type):
            return self._checked(getattr(owner, names[-1])), None, None
        raw = self._found(owner, names[-1])
        if raw is None:
            raise AttributeError(names[-1])
        if names[-1] in ("__init__", "__new__"):
            return owner, None, None
        if isinstance(raw, (staticmethod, classmethod)):
            return self._checked(getattr(owner, names[-1])), None, None
        try:
            args, kwargs = arguments.own()
            self_ = owner(*args, **kwargs)
        except Alarm:
            raise
        except BaseException as problem:
            return None, None, problem
        if not callable(raw):  # a property is read, not called
            return lambda: getattr(self_, names[-1]), self_, None
        return getattr(self_, names[-1]), self_, None

    @staticmethod
    def _checked(target):
        if not callable(target):
            raise TypeError("it is no function")
        return target


def finished(result):
    """What a coroutine gives when it runs; anything else as it is."""
    if type(result).__name__ != "coroutine":
        return result
    import asyncio

    return asyncio.run(result)


def part(text, **given):
    """A further text of this program, with the same copy of the builtins."""
    names = dict(given, __name__="part", __builtins__=__builtins__)
    exec(compile(text, "<part>", "exec", dont_inherit=True), names)
    return names


def plain(settings):
    """Make this process look like any program, in a folder that is not the suite's, and let it find what the suite finds."""
    os.chdir(os.environ.get("HOME") or "/")
    for name in [name for name, value in os.environ.items() if name.startswith(OURS) or (name == "PYTHONPATH" and not value)]:
        del os.environ[name]
    first = [os.path.normpath(os.path.join(settings["work"], entry)) for entry in settings["path"].split(os.pathsep)]
    sys.path[:] = first + [entry for entry in sys.path if entry not in first]
    sys.argv[:] = [""]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = sys.orig_argv[:1]


def imported(showing, names):
    """Import the modules; what to tell of all calls to those that fail."""
    failed = {}
    for name in names:
        try:
            __import__(name)
        except BaseException as problem:
            kind = type.__dict__["__qualname__"].__get__(type(problem))
            failed[name] = {"kind": "not imported", "type": kind, "text": showing.said(problem)}
    return failed


def repeated(measured, act, item, seconds):
    """What an item gives, or the first other thing that it gives when it is repeated, by the dice as they then fall; and how often it was."""
    measured.fresh = True
    told = measured(act, item)
    measured.fresh = False
    until, enough = _monotonic() + WAITING * seconds, _used() + seconds
    times = 0
    while times < MOST_REPEATS and _used() < enough and _monotonic() < until:
        again = measured(act, item)
        times += 1
        if again != told:
            return (*again, times)
    return (*told, times)


def main():
    clock, showing, arguments, examples, printing, *pieces = sys.argv[2:]
    settings = json.loads("".join(pieces))
    report = Report(int(os.environ["SEATRIAL_REPORT_FD"]))
    limits, items = settings["limits"], settings["items"]
    plain(settings)
    shifted = part(clock)["shift"](settings["clock"]) if settings["clock"] else True
    names = part(showing)
    show = names["Showing"](limits["items"], limits["longest"], Alarm)
    if settings["examples"]:
        act = part(examples, show=show, Alarm=Alarm)["Examples"]()
    else:
        act = Caller(show, names["found"], part(arguments)["Arguments"])
    measured = Measured(limits, part(printing)["Printed"](limits["longest"]))
    report("start", items=len(items), shifted=shifted)
    failed = imported(show, dict.fromkeys(name for item in items for name in (item["module"], *item.get("beside", ()))))
    for number, item in enumerate(items):
        report("begin", n=number)
        absent = failed.get(item["module"])
        told, printed, times = (absent, "", 0) if absent else repeated(measured, act, item, settings["repeat"])
        report("told", n=number, printed=show.bounded(printed), times=times, **told)
    report("end", items=len(items))
    _end(0)


main()
