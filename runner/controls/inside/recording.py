"""A pytest plugin that tells which functions and lines of the project each test runs, and with which arguments tests call them.

The last part of the recording, a text for the sandbox's own Python (3.8 or newer, standard library only) and pytest (7 or newer):
the host joins it after `calls.py` and `watching.py`, the pytest session executes all three as one and registers what `plugin`
gives. It records from the start of a test's protocol to its end, fixtures included; what runs while modules are imported for
collection belongs to no test.
"""

import hashlib
import os

_getpid = os.getpid

LONGEST_ID, CHUNK = 2000, 60000
LARGEST = 32 * 2**20
"""Characters of all records together; what comes later is left out."""


class Recording:
    """The pytest plugin."""

    def __init__(self, report, settings):
        self._report, self._owner, self._given = report, _getpid(), settings.get("name")
        self.record, self._names = Record(settings), {}  # noqa: F821  of `watching.py`
        self.watcher, self._chosen = None, False
        self._told = self._size = self._tests = self._partial = 0
        self._left_out = 0

    def pytest_collection_modifyitems(self, items):
        yield
        counts = {}
        for item in items:
            name = name_of_test(item.nodeid)
            counts[name] = counts.get(name, 0) + 1
            self._names[id(item)] = name if counts[name] == 1 else "%s#%d" % (name, counts[name])

    def _name(self, item):
        return self._given(item) if self._given else self._names.get(id(item), name_of_test(item.nodeid))

    def pytest_runtest_protocol(self, item):
        if not self._chosen:
            self.watcher, self._chosen = watcher(self.record), True  # noqa: F821  of `watching.py`
        record = self.record
        seen = record.begin()
        begun = self.watcher is not None and self.watcher.start()
        yield
        whole = begun and self.watcher.stop()
        record.current = None
        if self.watcher is not None and _getpid() == self._owner:
            self._tests += 1
            self._partial += not whole
            self._tell_test(self._name(item), sorted(seen), whole)

    def pytest_sessionfinish(self):
        if self.watcher is not None:
            self.watcher.close()
        if _getpid() == self._owner:
            self._tell_calls(1)
            for path, lines in sorted(self.record.lines.items()):
                self._tell("lines", sorted(lines), lambda _: 8, path=path)
            self._tell_totals()

    # what is told

    def _tell(self, kind, parts, size_of, **fields):
        """One record, or more when it would be too long; none when all records together would be."""
        chunk, size = [], 0
        for part in [*parts, None]:
            if part is not None:
                chunk.append(part)
                size += size_of(part)
            if part is None or size > CHUNK:
                if self._size + size > LARGEST:
                    self._left_out += len(chunk)
                elif chunk or kind == "covers":
                    self._size += size + 200
                    self._report(kind, **dict(fields, **{"functions" if kind == "covers" else kind: chunk}))
                chunk, size = [], 0

    def _tell_test(self, name, seen, whole):
        table, told = self.record.table, self._told
        self._told = len(table)
        self._tell("functions", [[at, *table[at]] for at in range(told, self._told)], lambda row: len(row[1]) + len(row[2]) + 30)
        self._tell("covers", seen, lambda _: 8, id=name, whole=bool(whole))
        self._tell_calls(CHUNK)

    def _tell_calls(self, least):
        calls = self.record.calls
        if calls.size >= least:
            found, calls.found, calls.size = calls.found, [], 0
            self._tell("calls", found, lambda call: sum(len(part) for part in call[1:] if part) + 30)

    def _tell_totals(self):
        record, calls = self.record, self.record.calls
        lost = [[number, *counts] for number, counts in sorted(calls.lost.items())]
        self._tell("lost", lost, lambda _: 30)
        way = self.watcher.way if self.watcher else "none"
        lines = bool(self.watcher and self.watcher.lines)
        problem = "" if self.watcher else "other tools hold every way to watch calls" if self._chosen else "no test ran"
        if self.watcher and record.wants_lines and not lines:
            problem = "another tool holds sys.settrace: lines were not recorded"
        self._report(
            "recorded",
            way=way,
            lines=lines,
            problem=problem,
            tests=self._tests,
            partial=self._partial,
            functions=len(record.table),
            calls=calls.kept,
            left_out=self._left_out,
        )


def name_of_test(nodeid):
    """A test id of bounded length, as the pytest session has it."""
    if len(nodeid) <= LONGEST_ID:
        return nodeid
    digest = hashlib.sha256(nodeid.encode("utf-8", "backslashreplace")).hexdigest()
    return "%s...%s" % (nodeid[: LONGEST_ID - 70], digest)


def plugin(report, settings):
    """The plugin, to be registered with pytest once that was imported."""
    import pytest

    pytest.hookimpl(hookwrapper=True, tryfirst=True)(Recording.pytest_collection_modifyitems)
    pytest.hookimpl(hookwrapper=True, tryfirst=True)(Recording.pytest_runtest_protocol)
    pytest.hookimpl(trylast=True)(Recording.pytest_sessionfinish)
    return Recording(report, settings)
