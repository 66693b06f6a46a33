"""What every control of one trial is given: the change as modules and functions, the runs so far, and what the base's recording showed."""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import NamedTuple

from runner.controls.changed_lines import changed_lines
from runner.controls.definitions import MODULE, Both, definitions
from runner.controls.options import Controls
from runner.controls.recorded import Recording
from runner.model.change import Change
from runner.model.suite import SuiteRun, TestOutcome, TestRecord
from runner.ports import Keepsakes, Trees
from runner.trial.bench import Bench

Function = tuple[str, str]
"""Path and qualified name."""
_SEED_NAME = "seed"
_CHEAP = 1.0
"""Seconds that a test may take to be among those that are chosen from first."""


class ChangedFile(NamedTuple):
    """A changed Python file of the source side; contents are `None` on a side that lacks it."""

    path: str
    base: bytes | None
    patched: bytes | None
    both: Both

    @property
    def functions(self) -> tuple[str, ...]:
        """The base's functions that were changed or are gone; with changes outside functions only, those that these may alter."""
        changed = (*(name for name in self.both.shared if name in self.both.changed), *self.both.gone)
        return changed if changed or MODULE not in self.both.changed else self.both.meant

    @property
    def loose(self) -> bool:
        """Whether more than functions was changed: what a module or a class does by itself, or newly has, may alter any function."""
        base = self.both.base
        if base is None or self.both.patched is None:
            return True
        return any(not base[name].callable if name in base else name.rpartition(".")[0] in base for name in self.both.changed)

    @property
    def hidden(self) -> bool:
        """Whether the base's definitions can be read and those of the changed file, though it is there, cannot."""
        return self.both.base is not None and self.patched is not None and self.both.patched is None


@dataclass(frozen=True)
class Subject:
    """One change on trial; `bench` runs its suite in one process."""

    bench: Bench
    change: Change
    verdict_tree: str
    options: Controls
    base: tuple[SuiteRun, ...]
    patched: SuiteRun
    files: tuple[ChangedFile, ...]
    recording: Recording
    seed: str
    """Nothing of the change can know it."""
    own: SuiteRun | None = None
    """The suite with the change's own tests, when it brings any."""
    tests_side: tuple[str, ...] = ()
    """The changed paths that were taken from the base in the verdict tree."""

    @property
    def trees(self) -> Trees:
        """Where contents come from."""
        return self.bench.ports.trees

    @cached_property
    def functions(self) -> frozenset[Function]:
        """The base's functions that the change may have altered."""
        return frozenset((file.path, name) for file in self.files for name in file.functions)

    @cached_property
    def changed_lines(self) -> Sequence[Mapping[int, str] | None]:
        """For each of the files, what `changed_lines` says of it."""
        return changed_lines([(file.base, file.patched) for file in self.files])

    @cached_property
    def sound(self) -> Mapping[str, TestRecord]:
        """By id, the tests that passed in every run on the base and on the patched tree."""
        passed = [{record.id for record in run.records if record.outcome is TestOutcome.PASSED} for run in (*self.base, self.patched)]
        known = frozenset.intersection(*map(frozenset, passed))
        return {record.id: record for record in self.base[0].records if record.id in known}

    def chosen(self, most: int, seconds: float, *, fill: bool = False) -> tuple[str, ...]:
        """Sound tests that run changed functions: as many of each function in turn, `most` together, of no more than `seconds` on the base.

        Which of a function's cheap tests are taken is left to the seed. With `fill`, and where more than functions was changed, other
        tests take what room is left: what they run may have been replaced.
        """
        taken: dict[str, None] = {}
        left = seconds
        for test in self._candidates(fill=fill):
            if test not in taken and len(taken) < most and self.sound[test].seconds <= left:
                taken[test] = None
                left -= self.sound[test].seconds
        return tuple(taken)

    def _candidates(self, *, fill: bool) -> Iterator[str]:
        rows = [self._in_turn(function) for function in sorted(self.functions)]
        for turn in zip_longest(*rows):
            yield from (test for test in turn if test is not None)
        if fill and any(file.loose for file in self.files):
            yield from self._drawn(self.sound)

    def _in_turn(self, function: Function) -> Sequence[str]:
        return self._drawn(test for test in self.recording.covering((function,)) if test in self.sound)

    def _drawn(self, tests: Iterable[str]) -> Sequence[str]:
        """Cheap ones first, and else in the order that the seed gives."""
        return sorted(tests, key=lambda test: (self.sound[test].seconds > _CHEAP, self.draw(test)))

    def draw(self, what: str) -> int:
        """A number that depends on the seed and on nothing else."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}\0{what}".encode("utf-8", "backslashreplace")).digest()[:8])


def changed_files(trees: Trees, change: Change, source: Collection[str]) -> tuple[ChangedFile, ...]:
    """The changed Python files among `source`; their contents are hostile and parsed in a child with limits."""
    files = [file for file in change.files if file.path in source and file.path.endswith(".py") and file.utf8]
    blobs = trees.blobs({blob for file in files for blob in file.blobs})
    sides = []
    for file in files:
        old = blobs.get(file.old_blob) if file.old_mode.startswith("100") else None
        new = blobs.get(file.new_blob) if file.new_mode.startswith("100") else None
        sides.append((old, new))
    return tuple(ChangedFile(file.path, *side, both) for file, side, both in zip(files, sides, definitions(sides), strict=True))


def seed_for(keepsakes: Keepsakes, change: Change) -> str:
    """The same for the same change on this machine; made from a secret of its cache, so that no author can know it."""
    secret = keepsakes.load(_SEED_NAME)
    if secret is None:
        secret = secrets.token_bytes(32)
        keepsakes.save(_SEED_NAME, secret)
    return hashlib.sha256(secret + change.id.encode()).hexdigest()
