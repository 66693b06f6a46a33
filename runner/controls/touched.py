"""Which tests of the base a change touches, what it made of each, and how the base's version and the change's came out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from runner.controls.definitions import Both
from runner.controls.ids import function_of
from runner.controls.subject import changed_files
from runner.model.change import Change, Status
from runner.model.lines import within
from runner.model.names_of_tests import is_configuration
from runner.model.suite import Made, SuiteRun, TestOutcome, TestRecord, Touched
from runner.ports import Trees
from runner.trial import sides
from runner.trial.compare import by_id

MOST = 200
"""Tests that are told."""
_MOST_FILES = 200
"""Files that are read; of the tests of others no more is known than that their file was edited."""


def touched(
    trees: Trees, change: Change, split: sides.Sides, base_run: SuiteRun, patched_run: SuiteRun, own_run: SuiteRun | None
) -> tuple[Touched, ...]:
    """The tests of the base that the change touches, at most `MOST`, those that a person should see first in front.

    `patched_run` is the suite over the verdict tree, `own_run` that over the whole patched tree. A test whose file is as it was
    counts only where its outcomes differ: one conftest may be near every test. Test files are hostile, and parsed in a child
    with limits.
    """
    if not split.tests:
        return ()
    base, patched, own = by_id(base_run), by_id(patched_run), by_id(own_run) if own_run else {}
    files = _files(trees, change, split, [*base.values(), *own.values()], frozenset(map(_path, base.values())))
    homes = _homes(files)
    found = []
    for test, record in base.items():
        path = _path(record)
        made, version = _made(record, files, homes)
        row = Touched(
            id=test,
            path=path,
            made=made or Made.HELPERS_EDITED,
            base=record.outcome,
            patched=_outcome(patched.get(test)),
            own=_outcome(own.get(version)),
        )
        if made or (path not in files and row.differs and _near(path, split)):
            found.append(row)
    return tuple(sorted(found, key=lambda row: row.rank)[:MOST])


@dataclass(frozen=True)
class _File:
    """A changed file of tests; `tests` are the qualified names of what either side runs of it."""

    status: Status
    both: Both
    tests: frozenset[str]

    def made(self, name: str) -> Made | None:
        """What the change made of a test; `None` where it left alone all of the file that is not another test."""
        base, patched = self.both
        if self.status is Status.DELETED:
            return Made.REMOVED
        if base is None or patched is None:
            return Made.FILE_EDITED
        mine = [name] if name in base else self._named.get(_last(name), [])  # inherited: it stands in another class
        if mine and all(each not in patched for each in mine):
            return Made.REMOVED
        if not self.changed.isdisjoint(mine):
            return Made.EDITED
        return Made.FILE_EDITED if self._beside or not self.changed.isdisjoint(_outer(name)) else None

    @cached_property
    def changed(self) -> frozenset[str]:
        """Qualified names of what differs in the file."""
        return frozenset(self.both.changed)

    @cached_property
    def _beside(self) -> frozenset[str]:
        """What was changed that is neither a test nor a class of tests."""
        return self.changed - self.tests - {outer for test in self.tests for outer in _outer(test)}

    @cached_property
    def _named(self) -> Mapping[str, list[str]]:
        """The base's definitions by the last part of their names."""
        found: dict[str, list[str]] = {}
        for name in self.both.base or ():
            found.setdefault(_last(name), []).append(name)
        return found


def _files(
    trees: Trees, change: Change, split: sides.Sides, records: Iterable[TestRecord], collected: frozenset[str]
) -> Mapping[str, _File]:
    """The changed files on the tests' side, by path; those that the base collected are read first, others as a home of moved tests."""
    changed = {file.path: file for file in change.files if file.path in split.tests}
    small = sorted(within(changed.values())[0], key=lambda file: (not file.path.endswith(".py"), file.path not in collected))
    both = {file.path: file.both for file in changed_files(trees, change, frozenset(file.path for file in small[:_MOST_FILES]))}
    tests: dict[str, set[str]] = {}
    for record in records:
        if _path(record) in both:
            tests.setdefault(_path(record), set()).add(_name(record.id))
    return {path: _File(file.status, both.get(path, Both(None, None)), frozenset(tests.get(path, ()))) for path, file in changed.items()}


Homes = Mapping[tuple[str, str], str]
"""By name and digest of a definition that only the change has in that file: its path."""


def _homes(files: Mapping[str, _File]) -> Homes:
    return {
        (name, found.digest): path
        for path, file in files.items()
        for name, found in (file.both.patched or {}).items()
        if file.status is Status.ADDED or name in file.changed
    }


def _made(record: TestRecord, files: Mapping[str, _File], homes: Homes) -> tuple[Made | None, str]:
    """What the change made of a test, and the id of its own version."""
    file, name = files.get(_path(record)), _name(record.id)
    made = file.made(name) if file else None
    if file and made is Made.REMOVED and (found := (file.both.base or {}).get(name)) and (home := homes.get((name, found.digest))):
        return Made.MOVED, f"{home}::{record.id.partition('::')[2]}"
    return made, record.id


def _near(path: str, split: sides.Sides) -> bool:
    """Whether a changed helper or datum, or a conftest or settings file of its folder or of one around it, is near a test file."""
    around = {str(parent) for parent in PurePosixPath(path).parents}
    settings = any(is_configuration(each) and str(PurePosixPath(each).parent) in around for each in split.tests)
    return settings or sides.touched(path, split, ())


def _path(record: TestRecord) -> str:
    return record.path or record.id.partition("::")[0]


def _name(test: str) -> str:
    """The qualified name of a test's function."""
    return function_of(test).replace("::", ".")


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _outer(name: str) -> frozenset[str]:
    """The classes that a test stands in."""
    parts = name.split(".")
    return frozenset(".".join(parts[:depth]) for depth in range(1, len(parts)))


def _outcome(record: TestRecord | None) -> TestOutcome | None:
    return record.outcome if record else None
