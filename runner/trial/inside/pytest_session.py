"""Runs pytest inside the sandbox and tells, one JSON object per line, what it collects, starts and finishes.

A program for the image's own Python (3.8 or newer, standard library only) and pytest (7 or newer). The host never imports
it: its source is data, given to `python3 -c`, with pieces of one JSON text as arguments. Everything it writes is hostile
data to the host, since the code under test shares this process.
"""

import sys

sys.path[:] = [entry for entry in sys.path if entry]  # `python -c` puts the current folder first

import fcntl  # noqa: E402
import hashlib  # noqa: E402
import importlib  # noqa: E402
import importlib.metadata  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402
import sysconfig  # noqa: E402
import threading  # noqa: E402
import traceback  # noqa: E402

# tests replace functions of `os` and `json`: the report keeps its own
_write, _getpid, _fstat, _dumps, _select = os.write, os.getpid, os.fstat, json.dumps, select.select

LONGEST_ID, LONGEST_TEXT, MOST_MODULES, CHUNK = 2000, 8192, 20000, 60000
RANK = ("passed", "xpassed", "xfailed", "skipped", "error", "failed")
LEFT_OUT = ("randomly",)
"""Plugins that change the order or the data of the tests without being asked."""
INERT = ("rerunfailures", "flaky", "pytest-retry")
"""Plugins whose markers and options must exist and that must not repeat tests on their own."""
STANDARD_FINDERS = ("_frozen_importlib", "_frozen_importlib_external", "_distutils_hack")


class Report:
    """The report stream: whole lines, from this process only, even when a test closes or reuses file descriptors."""

    def __init__(self, fd):
        self._owner = _getpid()
        self._lock = threading.RLock()
        self._torn = False
        status = _fstat(fd)
        self._pipe = (status.st_dev, status.st_ino)
        high, low = os.urandom(2)  # no number that code could know
        self._copies = [self._copy(fd, lowest) for lowest in (600 + high, 60 + low, 3)]
        os.close(fd)

    @staticmethod
    def _copy(fd, lowest):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:  # above the limit of open files
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)

    def _live(self):
        for fd in self._copies:
            try:
                status = _fstat(fd)
            except OSError:
                continue
            if (status.st_dev, status.st_ino) == self._pipe:
                return fd
        return None

    def __call__(self, kind, **fields):
        if _getpid() != self._owner:
            return
        line = _dumps(dict(fields, k=kind)).encode() + b"\n"
        with self._lock:
            fd = self._live()
            if fd is None:
                return
            if self._torn:  # a signal handler raised in the middle of a line
                line = b"\n" + line
            self._torn = True
            while line:
                try:
                    line = line[_write(fd, line) :]
                except BlockingIOError:
                    _select([], [fd], [], 1.0)
                except OSError:
                    return
            self._torn = False


def name_of(nodeid):
    """A test id of bounded length."""
    if len(nodeid) <= LONGEST_ID:
        return nodeid
    digest = hashlib.sha256(nodeid.encode("utf-8", "backslashreplace")).hexdigest()
    return "%s...%s" % (nodeid[: LONGEST_ID - 70], digest)


def tail(text):
    """The end of a text, at most LONGEST_TEXT bytes."""
    return str(text).encode("utf-8", "backslashreplace")[-LONGEST_TEXT:].decode("utf-8", "ignore")


def within(path, folder):
    path = os.path.realpath(path)
    return path == folder or path.startswith(folder + os.sep)


class Paths:
    """Where modules come from: first the image alone, then the working copy as `python -m pytest` would have it."""

    def __init__(self, work, pythonpath, roots):
        self._work = os.path.realpath(work)
        self._all, self._finders = list(sys.path), list(sys.meta_path)
        listed = [os.path.join(work, entry) for entry in pythonpath.split(os.pathsep) if entry]
        wanted = [work, *(os.path.normpath(entry) for entry in listed), *(os.path.join(work, root) for root in roots)]
        self._first = list(dict.fromkeys(wanted))

    def image_only(self):
        """Leave out what points into the working copy: entries of `.pth` files, and finders of editable installs."""
        listed = [entry for entry in self._first if entry not in self._all]
        sys.path[:] = [entry for entry in listed + self._all if not within(entry, self._work)]
        sys.meta_path[:] = [finder for finder in sys.meta_path if self._standard(finder)]

    @staticmethod
    def _standard(finder):
        owner = finder if isinstance(finder, type) else type(finder)
        return owner.__module__ in STANDARD_FINDERS

    def whole(self):
        """Put the working copy first, for this process and for every Python that the tests start."""
        rest = self._all + [entry for entry in sys.path if entry not in self._all]
        sys.path[:] = self._first + [entry for entry in rest if entry not in self._first]
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in self._finders] + self._finders
        importlib.invalidate_caches()
        os.environ["PYTHONPATH"] = os.pathsep.join(self._first)


class Modules:
    """Which modules were imported, and from which files."""

    def __init__(self, work):
        self._work = work
        self._seen = {}
        folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
        self._standard = tuple({form(folder) + os.sep for folder in folders for form in (os.path.normpath, os.path.realpath)})

    def _is_standard(self, path):
        return path.startswith(self._standard) and "site-packages" not in path and "dist-packages" not in path

    def look(self):
        for name, module in list(sys.modules.items()):
            try:
                held = object.__getattribute__(module, "__dict__")  # lazy modules import when asked nicely
                file = held.get("__file__")
            except Exception:
                continue
            if type(name) is str and type(file) is str and (name, file) not in self._seen:
                path = os.path.normpath(os.path.join(self._work, file))
                self._seen[name, file] = None if name == "__main__" or self._is_standard(path) else path

    def tell(self, report):
        found = [[name[:500], path[:4000]] for (name, _), path in self._seen.items() if path]
        chunk, size = [], 0
        for pair in found[:MOST_MODULES]:
            chunk.append(pair)
            size += len(pair[0]) + len(pair[1])
            if size > CHUNK:
                report("modules", modules=chunk)
                chunk, size = [], 0
        report("modules", modules=chunk, total=len(found), complete=len(found) <= MOST_MODULES)


class Recorder:
    """The pytest plugin. Sessions that tests start inside this one have their own plugins and never reach it."""

    def __init__(self, report, paths, modules, settings, notes):
        self.report, self.paths, self.modules, self.settings, self.notes = report, paths, modules, settings, notes
        self.work = settings["work"]
        self.collected = self.deselected = self.ran = 0
        self.stopped = ""
        self._names, self._parts = {}, None

    def name(self, item):
        """The id of a test as the report has it."""
        return self._names.get(id(item)) or name_of(item.nodeid)

    # plugins

    def pytest_cmdline_parse(self, pluginmanager, args):
        late = [found for found in self._entry_points(pluginmanager) if not self._load(pluginmanager, *found, early=True)]
        self.paths.whole()
        for dist, point in late:
            self.notes.append("plugin %s was loaded once the working copy could be imported" % point.name)
            self._load(pluginmanager, dist, point, early=False)
        # `-p NAME` would otherwise look for entry points in the working copy, too
        pluginmanager.load_setuptools_entrypoints = lambda *_, **__: 0
        if pluginmanager.hasplugin("hypothesispytest") and not any("--hypothesis-seed" in arg for arg in args):
            args.append("--hypothesis-seed=0")

    def _entry_points(self, pluginmanager):
        found = {}
        for dist in importlib.metadata.distributions(path=list(sys.path)):
            for point in dist.entry_points:
                known = point.name in found or point.name in LEFT_OUT or pluginmanager.is_blocked(point.name)
                if point.group == "pytest11" and not known and pluginmanager.get_plugin(point.name) is None:
                    found[point.name] = (dist, point)
        return list(found.values())

    def _load(self, pluginmanager, dist, point, early):
        module = point.value.partition(":")[0].strip()
        if early and module.partition(".")[0] in self.settings["own"]:
            return False
        try:
            plugin = point.load()
        except ImportError:
            if early:  # the plugin, or what it needs, lives in the working copy
                return False
            raise
        pluginmanager.register(plugin, name=point.name)
        try:
            from pluggy._manager import DistFacade

            pluginmanager._plugin_distinfo.append((plugin, DistFacade(dist)))  # for `required_plugins` and the header
        except (ImportError, AttributeError):
            pass
        return True

    def pytest_load_initial_conftests(self):
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)  # sessions inside tests find their plugins as usual

    def pytest_configure(self, config):
        self.rootdir = str(config.rootpath)
        self._select_files(config)
        manager = config.pluginmanager
        plugins = ["%s-%s" % (dist.project_name, dist.version) for _, dist in manager.list_plugin_distinfo()]
        for name in INERT:
            if manager.hasplugin(name):
                manager.unregister(name=name)
        self.report(
            "session",
            pytest=importlib.import_module("pytest").__version__,
            python=".".join(map(str, sys.version_info[:3])),
            rootdir=self._relative(self.rootdir),
            ini=self._relative(str(config.inipath)) if config.inipath else "",
            plugins=sorted(set(plugins))[:200],
            notes=self.notes[:50],
        )

    # collection

    def _relative(self, path):
        return os.path.relpath(os.path.join(self.rootdir, path), self.work)

    def _file_of(self, item):
        path = getattr(item, "path", None) or getattr(item, "fspath", None) or item.nodeid.partition("::")[0]
        return self._relative(str(path))

    def _select_files(self, config):
        wanted = self.settings["only"] or self.settings["only_files"]
        files = [os.path.join(self.rootdir, name.partition("::")[0]) for name in wanted]
        if files and all(os.path.isfile(file) for file in files):
            config.args = list(dict.fromkeys(files))

    def _name(self, items):
        counts = {}
        for item in items:
            name = name_of(item.nodeid)
            counts[name] = counts.get(name, 0) + 1
            self._names[id(item)] = name if counts[name] == 1 else "%s#%d" % (name, counts[name])

    def pytest_collection_modifyitems(self, items):
        yield
        self._name(items)
        if self.settings["only"]:
            wanted = set(self.settings["only"])
            items[:] = [item for item in items if self._names[id(item)] in wanted]

    def pytest_deselected(self, items):
        self.deselected += len(items)

    def pytest_collectreport(self, report):
        if report.failed:
            file = report.nodeid.partition("::")[0]
            text = tail(getattr(report, "longreprtext", "") or report.longrepr)
            self.report("collect_error", id=name_of(report.nodeid), path=self._relative(file) if file else "", text=text)

    def pytest_collection_finish(self, session):
        if not self._names:
            self._name(session.items)
        group, ids, size = None, [], 0
        for item in session.items:
            file = self._file_of(item)
            if ids and (file != group or size > CHUNK):
                self.report("collected", path=group, ids=ids)
                ids, size = [], 0
            group = file
            ids.append(self.name(item))
            size += len(ids[-1])
        if ids:
            self.report("collected", path=group, ids=ids)
        self.collected = len(session.items)
        self.report("collection", collected=self.collected, deselected=self.deselected)
        self.modules.look()

    # tests

    def pytest_runtest_protocol(self, item):
        name = self.name(item)
        self._parts = []
        self.report("start", id=name)
        ended = yield
        parts, self._parts = self._parts, None
        if ended.excinfo is not None or not parts:
            return
        worst = max((part[0] for part in parts), key=RANK.index)
        text = "\n".join(part[1] for part in parts if part[0] == worst and part[1])
        self.ran += 1
        self.report("test", id=name, outcome=worst, seconds=sum(part[2] for part in parts), text=tail(text))

    def pytest_runtest_logreport(self, report):
        if self._parts is None or report.outcome not in ("passed", "failed", "skipped"):
            return
        expected = getattr(report, "wasxfail", None)
        if report.outcome == "failed":
            outcome = "failed" if report.when == "call" else "error"
            where = "" if report.when == "call" else "in %s:\n" % report.when
            text = where + tail(getattr(report, "longreprtext", "") or report.longrepr)
        elif expected is not None:
            outcome, text = ("xfailed" if report.outcome == "skipped" else "xpassed"), tail(expected)
        elif report.outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            outcome, text = "skipped", tail(reason)
        else:
            outcome, text = "passed", ""
        self._parts.append((outcome, text, float(getattr(report, "duration", 0.0))))

    # the end

    def pytest_internalerror(self, excrepr):
        self.report("internal_error", text=tail(excrepr))

    def pytest_sessionfinish(self, session):
        self.stopped = str(getattr(session, "shouldfail", "") or getattr(session, "shouldstop", "") or "")[:500]


HOOKS = {
    "pytest_cmdline_parse": {"tryfirst": True},
    "pytest_load_initial_conftests": {"tryfirst": True},
    "pytest_configure": {"trylast": True},
    "pytest_collection_modifyitems": {"hookwrapper": True, "tryfirst": True},
    "pytest_collectreport": {"tryfirst": True},
    "pytest_runtest_protocol": {"hookwrapper": True, "tryfirst": True},
    "pytest_runtest_logreport": {"tryfirst": True},
    "pytest_sessionfinish": {"trylast": True},
}


def import_pytest(paths, notes):
    """The image's pytest; that of the working copy only when the project is something that pytest itself needs."""
    try:
        import pytest
    except ImportError:
        paths.whole()
        import pytest

        notes.append("pytest itself needs a module of the working copy")
    if int(pytest.__version__.split(".")[0]) < 7:
        raise ImportError("pytest %s is too old: 7.0 or newer is needed" % pytest.__version__)
    keep_trees()  # noqa: F821  of `source_trees.py`
    return pytest


def guests(settings, report, recorder):
    """The plugin that the host gives as text, if it does."""
    given = settings.get("plugin")
    if not given:
        return []
    names = {"__name__": "seatrial_plugin"}
    exec(compile(given["source"], "seatrial_plugin.py", "exec", dont_inherit=True), names)
    return [names["plugin"](report, dict(given["settings"], work=settings["work"], name=recorder.name))]


def look_like_python_m_pytest(args):
    """What tests may ask of the main program is what `python -m pytest` answers."""
    main = sys.modules["__main__"]
    main.__spec__ = importlib.util.find_spec("pytest.__main__")
    main.__file__, main.__package__ = main.__spec__.origin, "pytest"
    sys.argv[:] = [main.__file__, *args]


def run(settings, report):
    """Run the session and give its exit status."""
    work, notes = settings["work"], []
    os.chdir(work)
    paths = Paths(work, os.environ.pop("SEATRIAL_PYTHONPATH", ""), settings["roots"])
    modules = Modules(work)
    paths.image_only()
    pytest = import_pytest(paths, notes)
    for name, options in HOOKS.items():
        pytest.hookimpl(**options)(getattr(Recorder, name))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    recorder = Recorder(report, paths, modules, settings, notes)
    look_like_python_m_pytest(settings["args"])
    status = int(pytest.main(list(settings["args"]), plugins=[recorder, *guests(settings, report, recorder)]))
    modules.look()
    modules.tell(report)
    report("end", status=status, collected=recorder.collected, ran=recorder.ran, deselected=recorder.deselected, stopped=recorder.stopped)
    return status


def go(settings, report_fd):
    """Run the session to its end, and end with its exit status."""
    report = Report(report_fd)
    try:
        status = run(settings, report)
    except BaseException:
        report("broken", text=tail(traceback.format_exc()))
        raise
    sys.exit(status)


if __name__ == "__main__":
    go(json.loads("".join(sys.argv[1:])), int(os.environ.pop("SEATRIAL_REPORT_FD")))
