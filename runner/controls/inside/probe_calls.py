"""Calls functions, or runs examples of docstrings, in a fresh interpreter without any test runner; tells one JSON object per line.

A program for the image's own Python (3.8 or newer, standard library only), executed with a copy of the builtins by `python3 -c`,
with the texts of clock.py, showing.py, run_examples.py and printed.py and pieces of one JSON text as arguments. The host never
imports it, and takes what it writes as hostile data, since the called code shares this process. What a call may see is a plain
program: no arguments, no module of a test runner, no variable of ours, a standard output like any.
"""

import sys

sys.path[:] = [entry for entry in sys.path if entry]  # `python -c` puts the current folder first

import ast  # noqa: E402
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
_parse, _literal, _eval, _stderr = ast.parse, ast.literal_eval, eval, sys.stderr
OURS = ("SEATRIAL_", "PYTEST_", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE")
MOST_REPEATS, WAITING = 5000, 3
"""How often an item is repeated at most; and how many times as long as its time of the processor that may take on a busy machine."""
AGAIN = 0.5
"""Seconds after which a call that swallowed the alarm hears it again."""
MAKERS = {"set": set, "frozenset": frozenset, "float": float, "bytearray": bytearray}
MADE, NAMED = "\0made", "\0named"
NUMBERS = {"inf": float("inf"), "nan": float("nan")}


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


def built(node):
    """The value of a literal, of a set's or a float's constructor, or of `inf` and `nan`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS and not node.keywords:
        return MAKERS[node.func.id](*map(built, node.args))
    if isinstance(node, ast.Name) and node.id in NUMBERS:
        return NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, (ast.Name, ast.Call)):
        return -built(node.operand)
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        kind = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
        return kind([built(item) for item in node.elts])
    if isinstance(node, ast.Dict):
        return {built(key): built(value) for key, value in zip(node.keys, node.values)}  # noqa: B905  Python 3.8
    return _literal(node)


def reached(address):
    """What a `module:name` leads to."""
    module, _, names = address.partition(":")
    __import__(module)
    found = _modules[module]
    for name in names.split("."):
        found = getattr(found, name)
    return found


def revived(value):
    """A value with the objects in it that `objects.py` has spelt."""
    kind = type(value)
    if kind is tuple and value[:1] == (MADE,):
        args, kwargs = value[2]
        return reached(value[1])(*revived(args), **revived(kwargs))
    if kind is tuple and value[:1] == (NAMED,):
        return reached(value[1])
    if kind in (tuple, list, set):
        return kind([revived(part) for part in value])
    if kind is dict:
        return {revived(key): revived(part) for key, part in value.items()}
    return value


def is_fixed(node):
    """Whether nothing can alter what an expression gives: constants, and tuples of such."""
    if isinstance(node, ast.UnaryOp):
        return is_fixed(node.operand)
    if isinstance(node, ast.Tuple):
        return all(map(is_fixed, node.elts))
    return isinstance(node, ast.Constant) and node.value not in (MADE, NAMED)


class Expression:
    """A literal: read once, and made anew for each call, which may alter it."""

    def __init__(self, text):
        parsed = _parse(text, mode="eval")
        built(parsed.body)  # raises where it is no literal
        self._code = compile(parsed, "<arguments>", "eval")
        self.body = parsed.body
        self.is_spelt = any(isinstance(node, ast.Constant) and node.value in (MADE, NAMED) for node in ast.walk(parsed))

    def value(self):
        value = _eval(self._code, {"__builtins__": {}, **MAKERS, **NUMBERS})
        return revived(value) if self.is_spelt else value


class Arguments:
    """The arguments of one item."""

    def __init__(self, item, show):
        self._args, self._kwargs = Expression(item["args"]), Expression(item["kwargs"])
        self._own = Expression(item["self"]) if item.get("self") else None
        self._show, self._given = show, None
        self._is_fixed = is_fixed(self._args.body) and all(map(is_fixed, self._kwargs.body.values))  # a call gets a copy of the dictionary
        self._is_spelt = self._args.is_spelt or self._kwargs.is_spelt

    def made(self):
        """Positional and named ones, and a text that tells of them."""
        args, kwargs = self._args.value(), self._kwargs.value()
        if self._is_spelt or self._given is None:
            self._given = self._show((args, kwargs))
        return args, kwargs, self._given

    def after(self, args, kwargs):
        """What tells of them once they were given."""
        return self._given if self._is_fixed else self._show((args, kwargs))

    def own(self):
        """Those that the object is made with whose method is called."""
        return self._own.value() if self._own is not None else ((), {})


class Caller:
    """Calls functions and methods by name."""

    def __init__(self, showing, found):
        self._show, self._found = showing, found
        self._item = self._arguments = None

    def __call__(self, item):
        try:
            module = _modules[item["module"]]
            if self._item is not item:
                self._item, self._arguments = item, Arguments(item, self._show)
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
    clock, showing, examples, printing, *pieces = sys.argv[2:]
    settings = json.loads("".join(pieces))
    report = Report(int(os.environ["SEATRIAL_REPORT_FD"]))
    limits, items = settings["limits"], settings["items"]
    plain(settings)
    shifted = part(clock)["shift"](settings["clock"]) if settings["clock"] else True
    names = part(showing)
    show = names["Showing"](limits["items"], limits["longest"], Alarm)
    act = part(examples, show=show, Alarm=Alarm)["Examples"]() if settings["examples"] else Caller(show, names["found"])
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
