"""How a pytest suite is started inside the sandbox."""

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from runner.model.names_of_tests import TEST_FILES
from runner.model.suite import SuiteRun
from runner.ports import Importer, Plan, Plugin, Reader, Trees
from runner.trial.options import Tests
from runner.trial.parts_reader import PartsReader, file_of
from runner.trial.pytest_options import PytestConfig, kept, read_configuration
from runner.trial.pytest_reader import PytestReader
from runner.trial.roots import import_roots, own_modules

LONGEST_ARGUMENT = 100_000
"""Characters; the kernel allows 128 KiB for one argument."""
LONGEST_SETTINGS = 1_000_000
"""Characters of all settings; the kernel allows 2 MiB for arguments and environment together."""
_FORCED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
_EXAMPLES = "HYPOTHESIS_STORAGE_DIRECTORY"
"""Where hypothesis keeps examples that failed: a change could bring a `.hypothesis` of its own, and with it the examples that are tried."""
_DEFAULTS = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

_AT_START = re.compile(
    r"PATH$|LD_|G(?:LIBC|CONV)_|LOCPATH$|OPENSSL_|PYTHON(?!PATH$|HASHSEED$|DONTWRITEBYTECODE$|UTF8$|WARNINGS$|UNBUFFERED$)"
)
"""Variables that decide which code a process starts with."""

# `-I` keeps the working copy out of this first interpreter; it would also make it deaf to PYTHONHASHSEED and its like, so a
# second one takes over, started in `/` because `python -c` looks for modules in its current folder
_BOOT = """\
import os, sys
env = dict(os.environ)
env["SEATRIAL_PYTHONPATH"] = env.pop("PYTHONPATH", "")
os.chdir("/")
os.execve(sys.executable, [sys.executable, %s, "--check-hash-based-pycs", "always", "-c", *sys.argv[1:]], env)
"""


@dataclass(frozen=True)
class Project:
    """What the trusted tree says about its tests and its code."""

    config: PytestConfig = field(default_factory=PytestConfig)
    roots: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


@dataclass
class PytestSuite:
    """pytest of the image, with the plugins of the image, over the working copy."""

    options: Tests
    project: Project = field(default_factory=Project)
    env: Mapping[str, str] = field(default_factory=dict)
    work: str = "/work"
    scratch: str = "/tmp"  # noqa: S108  a path inside the sandbox
    python: str = "python3"
    monotonic: Callable[[], float] = time.monotonic
    kind: str = "pytest"
    tells_modules: bool = True

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names of test modules, as the project's `python_files` has them."""
        return self.project.config.python_files or TEST_FILES

    @cached_property
    def _kept(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        addopts, args = kept(self.project.config.addopts), kept(self.options.args)
        return (*addopts[0], *args[0]), (*addopts[1], *args[1])

    @property
    def dropped(self) -> tuple[str, ...]:
        """Options of the project or the policy that do not apply in a trial, for people."""
        return self._kept[1]

    def plan(self, *, only: Sequence[str] = (), files: Sequence[str] = (), plugin: Plugin | None = None) -> Plan:
        """The command for the whole suite, or for the test ids `only`; with `files`, in a child of its own for each of these."""
        env = {**_DEFAULTS, _EXAMPLES: f"{self.scratch}/hypothesis", **self.env, **_FORCED}
        session = _program("source_trees") + _program("pytest_session")
        if not files:
            return Plan((self.python, "-I", "-c", _BOOT % '"-s"', session, *_pieces(self._settings(tuple(only), plugin))), env, None)
        parts = {file: [name for name in only if file_of(name) == file] for file in files}
        asked = {file: {"only_files": [file], "only": ids} for file, ids in parts.items() if ids or not only}
        given = {"session": session, "settings": self._settings((), plugin), "parts": list(asked.values())}
        boot = (self.python, "-I", "-S", "-c", _BOOT % '"-s", "-S"', _program("pytest_nursery"))
        return Plan((*boot, *_pieces(given)), env, None, tuple(asked))

    def reader(self, children: Sequence[str] = ()) -> Reader:
        """A fresh reader for one run; `children`: of which files there is a child each."""
        config = self.project.config
        ini = config.file if config.addopts else None
        if not children:
            return PytestReader(self.monotonic, expected_ini=ini)
        return PartsReader({file: PytestReader(self.monotonic, expected_ini=ini) for file in children})

    def divided(self, run: SuiteRun) -> tuple[str, ...]:
        """The files that hold the tests of a run, in the order in which they ran.

        None where a variable of the environment may bring the repository into the nursery, which must know nothing of it.
        """
        if any(_AT_START.match(name) for name in self.env):
            return ()
        return tuple(dict.fromkeys(map(file_of, run.collected)))

    def importer(self) -> Importer:
        """The suite's interpreter, with the import path that its tests have."""
        env = {**_DEFAULTS, **self.env}
        listed = [entry for entry in env.pop("PYTHONPATH", "").split(os.pathsep) if entry]
        own = [str(PurePosixPath(self.project.config.rootdir, entry)) for entry in self.project.config.pythonpath]
        inside = [os.path.relpath(PurePosixPath(self.work, entry), self.work) for entry in (*listed, *own)]
        roots = tuple(dict.fromkeys(root for root in (*self.project.roots, *inside) if not root.startswith("..")))
        path = os.pathsep.join([*own, ".", *listed, *self.project.roots])
        return Importer((self.python, "-s", "-c"), {**env, "PYTHONPATH": ""}, self.work, roots, path)

    def _settings(self, only: tuple[str, ...], plugin: Plugin | None) -> dict[str, object]:
        ids, files = only, tuple(dict.fromkeys(map(file_of, only)))
        if sum(map(len, ids)) > LONGEST_SETTINGS // 6:  # JSON may need six characters for one
            ids = ()
        if sum(map(len, files)) > LONGEST_SETTINGS // 6:
            files = ()
        return {
            "work": self.work,
            "roots": self.project.roots,
            "own": self.project.own,
            "args": self._arguments(),
            "only": ids,
            "only_files": files,
            "plugin": plugin and {"source": plugin.source, "settings": dict(plugin.settings)},
        }

    def _arguments(self) -> list[str]:
        args = list(self._kept[0])
        ours = ["-o", "addopts=", f"--basetemp={self.scratch}/pytest", "--color=no"]
        if not _without_cache(args):
            ours += ["-o", f"cache_dir={self.scratch}/pytest-cache"]
        return [*ours, *args]


def _without_cache(args: Sequence[str]) -> bool:
    return any(token.replace(" ", "").endswith("no:cacheprovider") for token in args)


def _pieces(given: Mapping[str, object]) -> tuple[str, ...]:
    text = json.dumps(given, separators=(",", ":"))
    return tuple(text[at : at + LONGEST_ARGUMENT] for at in range(0, len(text), LONGEST_ARGUMENT))


def _program(name: str) -> str:
    return (Path(__file__).parent / "inside" / f"{name}.py").read_text(encoding="utf-8")


def build(options: Tests, trees: Trees, base_tree: str, env: Mapping[str, str]) -> PytestSuite:
    """The suite for the pytest configuration of the base tree. Raises UsageError when that cannot be read."""
    roots = import_roots(trees, base_tree)
    project = Project(config=read_configuration(trees, base_tree, options.args), roots=roots, own=own_modules(trees, base_tree, roots))
    return PytestSuite(options=options, project=project, env=dict(env))
