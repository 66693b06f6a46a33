"""Watches which functions and lines of the project run, at the least cost that the interpreter allows.

The third part of the recording, a text for the sandbox's own Python (3.8 or newer, standard library only): the host joins it
between `calls.py` and `recording.py`. A function's first line is that of its first decorator. A test that sets a trace or
profile function of its own takes the place of this one until it puts it back.
"""

import dis
import os
import sys
import threading
import types

_realpath, _join, _relpath, _separator = os.path.realpath, os.path.join, os.path.relpath, os.sep
_getframe, _getprofile, _setprofile, _gettrace, _settrace = sys._getframe, sys.getprofile, sys.setprofile, sys.gettrace, sys.settrace
_monitoring = getattr(sys, "monitoring", None)

MOST_CALLS, MOST_FUNCTIONS, MOST_FILES = 8, 50000, 50000
TRIES = 20
"""How many times `most_calls` the arguments of one function are looked at."""
LOOKS = 200
"""How many calls of one function in one test are asked where they come from; the rest is left alone."""
TEST, MISSING = object(), object()
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
TOOLS = (4, 3)
"""The numbers of sys.monitoring that are nobody's by convention."""


class Files:
    """What the file of a code object is: a path below the working copy for source, TEST for a test file, `None` for others."""

    def __init__(self, settings):
        self._work, self._top = settings["work"], _realpath(settings["work"])
        self._tests = self._paths(settings.get("tests") or ())
        self._sources = None if settings.get("sources") is None else self._paths(settings["sources"])
        self.known = {}
        self._names = {}

    def _paths(self, listed):
        return {_relpath(_realpath(_join(self._work, path)), self._top) for path in listed}

    def look(self, filename):
        kind = None
        if filename.endswith(".py"):
            path = _realpath(_join(self._work, filename))
            if path.startswith(self._top + _separator):
                path = path[len(self._top) + 1 :]
                kind = TEST if path in self._tests else path if self._sources is None or path in self._sources else None
        if len(self.known) < MOST_FILES:
            self.known[filename] = kind
        return kind

    def qualified(self, code, path):
        """A function's qualified name; before Python 3.11 code objects do not have it."""
        if hasattr(code, "co_qualname"):
            return code.co_qualname
        if path not in self._names:
            self._names[path] = names = {}
            try:
                with open(_join(self._top, path), "rb") as file:
                    qualify(compile(file.read(), path, "exec", dont_inherit=True), "", names)
            except Exception:  # generated, or gone
                names.clear()
        return self._names[path].get((code.co_name, code.co_firstlineno), code.co_name)


def qualify(code, prefix, names):
    """Fill `names` with the qualified names of all code objects inside one."""
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names[inner.co_name, inner.co_firstlineno] = name = prefix + inner.co_name
            is_function = inner.co_flags & 2  # CO_NEWLOCALS
            qualify(inner, name + (".<locals>." if is_function else "."), names)


class Function:
    """What is known of one code object of the project."""

    __slots__ = ("code", "done", "left", "local", "looks", "name", "number", "path", "seen", "shape", "test", "tries", "whole")

    def __init__(self, code, path, name, number, most_calls):
        self.code, self.path, self.name, self.number = code, path, name, number
        self.left, self.tries, self.looks, self.test = most_calls, most_calls * TRIES, LOOKS, 0
        self.shape = self.local = None
        self.done = False

    def asks(self, test):
        """Whether one more call in a test is to be asked where it comes from."""
        if self.test != test:
            self.test, self.looks = test, LOOKS
        self.looks -= 1
        return self.number is not None and self.left > 0 and self.tries > 0 and self.looks >= 0

    def follow(self, seen):
        """Note lines of this function in `seen`, until each was seen."""
        self.seen, self.whole = seen, {line for _, line in dis.findlinestarts(self.code) if line}
        seen.add(self.code.co_firstlineno)
        add = seen.add

        def local(frame, *_):
            add(frame.f_lineno)
            return local

        self.local = local

    def tracer(self):
        """The function to trace a frame with, or `None` when there is nothing left to learn."""
        if not self.done:
            self.done = self.whole <= self.seen
        return None if self.done else self.local


class Record:
    """What has been seen; `current` holds the numbers of the functions of the test that runs, `None` between tests."""

    def __init__(self, settings):
        self.files, self.lines = Files(settings), {}
        self.most_calls = settings.get("most_calls") or MOST_CALLS
        self.calls = Calls(lambda file: self.files.look(file) is TEST)  # noqa: F821  of `calls.py`
        self.wants_lines = bool(settings.get("lines"))
        self.current, self.test = None, 0
        self.table, self._numbers, self.functions = [], {}, {}
        self.settled = set()
        """Of the test that runs, the ids of code objects of which nothing more is to be learnt."""

    def see(self, code, frame):
        """Note that a function runs; `None` when it is none of the project's."""
        path = self.files.known.get(code.co_filename, MISSING)
        if path is MISSING:
            path = self.files.look(code.co_filename)
        if path is None or path is TEST or self.current is None:
            return None
        function = self.functions.get(id(code)) or self._enter(code, path)
        if function is None:
            return None
        if function.number is not None:
            self.current.add(function.number)
        if not function.asks(self.test):
            self.settled.add(id(code))
        else:
            self._ask(function, frame)
        return function

    def begin(self):
        """A test begins; gives the set that its functions will be in."""
        self.settled.clear()
        self.test += 1
        self.current = found = set()
        return found

    def _enter(self, code, path):
        if len(self.functions) >= MOST_FUNCTIONS:
            return None
        name = self.files.qualified(code, path)
        number = None
        if code.co_name not in COMPREHENSIONS:
            key = (path, name, code.co_firstlineno)
            number = self._numbers.setdefault(key, len(self.table))
            if number == len(self.table):
                self.table.append(key)
        function = self.functions[id(code)] = Function(code, path, name, number, self.most_calls)
        if self.wants_lines:
            function.follow(self.lines.setdefault(path, set()))
        return function

    def _ask(self, function, frame):
        """Take the arguments of a call that comes from a test file."""
        starts = frame is None  # as sys.monitoring knows by itself
        frame = frame or _getframe(3)  # above this one, `see` and the handler
        caller = frame.f_back and frame.f_back.f_code.co_filename
        if caller and self.files.known.get(caller, caller) is caller:
            self.files.look(caller)
        if caller and self.files.known.get(caller) is TEST and (starts or begins(frame)):
            self.calls.take(function, frame)


def begins(frame):
    """Whether a frame is at its start: generators and coroutines are entered again and again."""
    code = frame.f_code
    if not code.co_flags & 0x2A0:  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
        return True
    return frame.f_lasti < 0 or (sys.version_info >= (3, 11) and not code.co_code[frame.f_lasti + 1] & 3)


class Monitoring:
    """Watching with sys.monitoring of Python 3.12: every function once a test, then no more cost."""

    way = "monitoring"

    def __init__(self, record):
        self.record = record
        self.tool = next((tool for tool in TOOLS if _monitoring and _monitoring.get_tool(tool) is None), None)
        self.possible = self.tool is not None
        if self.possible:
            events = _monitoring.events
            _monitoring.use_tool_id(self.tool, "recording")
            self.handlers = {events.PY_START: self.started, events.PY_RESUME: self.resumed, events.LINE: self.line}
            for event, handler in self.handlers.items():
                _monitoring.register_callback(self.tool, event, handler)
            self.events = events.PY_START | events.PY_RESUME
            _monitoring.set_events(self.tool, self.events)
        self.lines = record.wants_lines

    def started(self, code, _):
        function = self.record.see(code, None)
        if function is None:
            return _monitoring.DISABLE
        if function.local and not _monitoring.get_local_events(self.tool, code):
            _monitoring.set_local_events(self.tool, code, _monitoring.events.LINE)
        return _monitoring.DISABLE if id(code) in self.record.settled else None

    def resumed(self, code, _):
        record, path = self.record, self.record.files.known.get(code.co_filename)
        if record.current is not None and type(path) is str:
            function = record.functions.get(id(code)) or record._enter(code, path)
            if function is not None and function.number is not None:
                record.current.add(function.number)
        return _monitoring.DISABLE

    def line(self, code, line):
        path = self.record.files.known.get(code.co_filename)
        if self.record.current is not None and type(path) is str:
            self.record.lines[path].add(line)
        return _monitoring.DISABLE

    def start(self):
        _monitoring.restart_events()
        return self.stop()

    def stop(self):
        return _monitoring.get_tool(self.tool) == "recording" and _monitoring.get_events(self.tool) == self.events

    def close(self):
        if self.stop():
            _monitoring.set_events(self.tool, 0)
            _monitoring.free_tool_id(self.tool)


class Hooked:
    """Watching with the one profile or trace function that older Pythons have, while a test runs."""

    def __init__(self, record, way):
        self.record, self.way, self.lines = record, way, way == "trace" and record.wants_lines
        traces = way == "trace"
        self._get, self._set = (_gettrace, _settrace) if traces else (_getprofile, _setprofile)
        self._set_new, self._held = (threading.settrace, "_trace_hook") if traces else (threading.setprofile, "_profile_hook")
        self._call = self._tracer() if traces else self._profiler()
        self.possible = self._get() is None

    def _profiler(self):
        see, settled, known = self.record.see, self.record.settled, self.record.files.known.get

        def profile(frame, event, _):
            if event == "call":
                code = frame.f_code
                if id(code) not in settled and known(code.co_filename, MISSING) is not None:
                    see(code, frame)

        return profile

    def _tracer(self):
        see, settled, known = self.record.see, self.record.settled, self.record.files.known.get
        functions = self.record.functions

        def trace(frame, *_):
            code = frame.f_code
            if known(code.co_filename, MISSING) is None:
                return None
            function = functions[id(code)] if id(code) in settled else see(code, frame)
            return function.tracer() if function is not None and function.local else None

        return trace

    def start(self):
        if self._get() is not None:
            return False
        self._before = getattr(threading, self._held, None)
        self._set_new(self._call)
        self._set(self._call)
        return True

    def stop(self):
        whole = self._get() is self._call
        if whole:
            self._set(None)
        if getattr(threading, self._held, None) is self._call:
            self._set_new(self._before)
        return whole

    def close(self):
        pass


def watcher(record):
    """The least costly way to watch that is free, `None` when other tools hold them all."""
    found = Monitoring(record)
    for way in ("trace", "profile") if record.wants_lines else ("profile", "trace"):
        found = found if found.possible else Hooked(record, way)
    return found if found.possible else None
