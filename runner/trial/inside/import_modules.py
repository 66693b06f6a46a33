"""Imports modules one by one and tells, one line each, how that went.

A program for the image's own Python (3.8 or newer): given to `python3 -c` with the working copy, its import path and the names as
arguments. The host never imports it, and takes what it writes as hostile data, since the imported code shares this process.
It imports nothing that a bare interpreter has not imported already, or it would cost more than it tells.
"""

import sys

sys.path[:] = [entry for entry in sys.path if entry]  # `python -c` puts the current folder first

import os  # noqa: E402
import time  # noqa: E402

# imported modules replace functions: the report keeps its own
_write, _clock, _end = os.write, time.monotonic, os._exit
REPORT = int(os.environ.pop("SEATRIAL_REPORT_FD"))
LONGEST, DEEPEST = 400, 10


def say(*fields):
    """One line of fields with tabs between them; an empty line before it ends what others may have begun."""
    line = "\n" + "\t".join(ascii(str(field)[:LONGEST])[1:-1] for field in fields) + "\n"
    line = line.encode("ascii")
    while line:
        line = line[_write(REPORT, line) :]


def needs_of(problem):
    """The module that is missing, or lacks a name, at the bottom of a chain of exceptions."""
    found, seen = "", 0
    while problem is not None and seen < DEEPEST:
        if isinstance(problem, ImportError) and isinstance(problem.name, str):
            found = problem.name
        problem, seen = problem.__cause__ or problem.__context__, seen + 1
    return found


def place_of(problem, work):
    """`path:line` of the innermost frame in the working copy."""
    found, trace = "", problem.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(work + "/"):
            found = "%s:%d" % (file[len(work) + 1 :], trace.tb_lineno)
        trace = trace.tb_next
    return found


def guarded(read, *given):
    """What an object of the imported code says of itself; asking may raise anything."""
    try:
        return str(read(*given))
    except BaseException:
        return ""


def main():
    work, path, names = sys.argv[1], sys.argv[2].split(os.pathsep), sys.argv[3:]
    first = [os.path.normpath(os.path.join(work, entry)) for entry in path]
    sys.path[:] = first + [entry for entry in sys.path if entry not in first]
    sys.argv[:] = [""]
    for number, name in enumerate(names):
        say("begin", number)
        began = _clock()
        try:
            __import__(name)
        except BaseException as problem:
            took = "%.3f" % (_clock() - began)
            said = [guarded(needs_of, problem), guarded(place_of, problem, work), guarded(str, problem)]
            say("raised", number, took, guarded(getattr, type(problem), "__name__"), *said)
        else:
            took = "%.3f" % (_clock() - began)
            say("imported", number, took, guarded(getattr, sys.modules.get(name), "__file__"))
    _end(0)


main()
