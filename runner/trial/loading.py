"""What the layer `load` runs: the import of all changed modules after the patched suite, and of those that fail again, apart."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from runner.model.change import Change, FileChange, Status
from runner.model.sandbox import Errands
from runner.model.suite import Errand, SuiteRun
from runner.ports import Importer, Trees
from runner.trial.importable import changed_modules, offers
from runner.trial.imports import SILENT, Answer, apart, read_apart, read_together, together
from runner.trial.load import Imports, Options, suspects
from runner.trial.origin import WORK

MOST_AGAIN = 50
"""Modules that are asked again; more that fail are not told apart."""
PATIENCE = 6
"""How many times the policy's time-out all modules that are asked again may take together, on each side."""
NEIGHBOURS = 3
"""How many modules of the base beside a new one are asked when that one fails."""


class Bench(Protocol):
    """What makes sandboxes."""

    def run_errands(self, tree: str, errands: Errands) -> tuple[Errand, ...] | None:
        """Run errands over one tree without any suite."""


@dataclass
class Loading:
    """The imports of one change, planned when a verdict tree is known and carried out with its suite."""

    trees: Trees
    change: Change
    importer: Importer
    options: Options
    _modules: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def errands(self, tree: str, source: Iterable[str]) -> Errands | None:
        """What is to follow the suite over a verdict tree whose source side are the paths `source`."""
        sides = frozenset(source)
        files = [file for file in self.change.files if file.path in sides]
        found = changed_modules(self.trees, tree, files, self.importer.roots)
        self._modules[tree] = {name: path for name, path in found.items() if self.options.wants(name)}
        return together(self.importer, tuple(self._modules[tree]), self.options.timeout)

    def imports(self, bench: Bench, tree: str, patched: SuiteRun) -> Imports:
        """How the imports went in the sandbox of the `patched` suite; what failed there is asked again, alone, on both sides."""
        modules = self._modules[tree]
        told = read_together(patched.errands, tuple(modules))
        in_suite = frozenset(module.file.removeprefix(WORK + "/") for module in patched.modules)
        again = suspects(told)[:MOST_AGAIN]
        if not again:
            return Imports(modules, told, in_suite=in_suite)
        known = [file for file in self.change.files if file.path in {modules[name] for name in again} and file.status is not Status.ADDED]
        old = changed_modules(self.trees, self.change.base_tree, known, self.importer.roots)
        beside = {name: self._neighbours(modules[name]) for name in again if name not in old}
        asked = tuple(dict.fromkeys([*old, *(name for names in beside.values() for name in names)]))
        with ThreadPoolExecutor(2) as pool:
            after = pool.submit(self._apart, bench, tree, again)
            before = pool.submit(self._apart, bench, self.change.base_tree, asked).result() if asked else {}
            now = after.result()
        needed = {answer.needs.partition(".")[0] for answer in now.values()} - {""}
        sides = (tree, self.change.base_tree)
        return Imports(
            modules,
            told,
            patched=now,
            base={name: before.get(name, SILENT) for name in old},
            neighbours={name: tuple(before.get(other, SILENT) for other in names) for name, names in beside.items()},
            at_hand=frozenset(top for top in needed if any(offers(self.trees, side, top, self.importer.roots) for side in sides)),
            in_suite=in_suite,
        )

    def _apart(self, bench: Bench, tree: str, modules: Sequence[str]) -> Mapping[str, Answer]:
        errands = apart(self.importer, modules, self.options.timeout, PATIENCE * self.options.timeout)
        return read_apart(bench.run_errands(tree, errands), modules)

    def _neighbours(self, path: str) -> tuple[str, ...]:
        """The first modules that lie beside a path on the base."""
        folder = PurePosixPath(path).parent
        entries = self.trees.listing(self.change.base_tree, "" if str(folder) == "." else str(folder))
        files = [
            FileChange(
                name=str(folder / name).encode(),
                path=str(folder / name),
                status=Status.MODIFIED,
                old_mode=entry.mode,
                new_mode=entry.mode,
                old_blob=entry.blob,
                new_blob=entry.blob,
            )
            for entry in entries
            if (name := entry.path.decode("utf-8", "replace")).endswith(".py")
        ]
        return tuple(changed_modules(self.trees, self.change.base_tree, files, self.importer.roots))[:NEIGHBOURS]
