"""The target `dir`: a live folder that gets a new tree in one step while a service works in it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from runner.crashpoints import crashpoint
from runner.errors import InfrastructureError, TargetMoved, UsageError
from runner.model.globs import Glob
from runner.model.promotion import Look, Promotion, Standing
from runner.model.promotion import Place as Stand
from runner.model.text import printable, shown
from runner.ports import Item, Trees
from runner.targets.folder import exchange, journal, symlink
from runner.targets.folder import items as listing
from runner.targets.folder.failures import at_work
from runner.targets.folder.foreign import Unlinkable
from runner.targets.folder.managed import Found, Known, Managed, Sides, differing, id_length, listed, managed, named_again, read
from runner.targets.folder.obstacles import Question, obstacle
from runner.targets.folder.place import EXCHANGE, JOURNAL, SYMLINK, Place
from runner.targets.folder.removal import erase
from runner.targets.folder.task import Method, Task

GRACE: Final = 2.0
"""Seconds that a folder which has left is kept for those who still read in it."""
_METHODS: Final[dict[str, ModuleType]] = {EXCHANGE: exchange, SYMLINK: symlink, JOURNAL: journal}
_MOST_EDITED: Final = 20
_MOST_TREES: Final = 4


class FolderTarget:
    """A live folder. `keep` are the paths that belong to the service although the tree has them.

    What is in none of the two trees is the service's: it is never compared, restored or removed, and follows every step.
    """

    kind = "dir"

    def __init__(self, path: Path, keep: tuple[Glob, ...] = (), *, grace: float = GRACE) -> None:
        self._place = Place(path)
        self._keep = keep
        self._grace = grace
        self._trees: dict[str, Managed] = {}
        self._known: Known = {}
        self._found: dict[str, dict[bytes, Found]] = {}
        self.key = f"dir:{self._place.said}"

    def look(self, trees: Trees, candidates: Sequence[str]) -> Look:
        """Which of these trees the managed files are; see `Target.look`."""
        with at_work(self._cannot("be read")):
            top = self._place.folder()
            sides = [self._managed(trees, tree) for tree in candidates]
            paths = dict.fromkeys(path for side in sides for path in side.files)
            found = read(top, paths, id_length(candidates[0]))
        for side in sides:
            if not any(differing(found, side, paths)):
                return Look(tree=side.tree)
        edited = list(differing(found, sides[0], paths))
        reason = f"{listed(edited)} in '{self._place.said}' is not as in any of the trees asked about."
        return Look(edited=tuple(printable(shown(path)) for path in edited[:_MOST_EDITED]), reason=reason)

    def obstacle(self, trees: Trees, before: str, after: str) -> str:
        """Why it cannot take that step; see `Target.obstacle`."""
        with at_work(self._cannot("be read")):
            live = self._place.folder()
            method, why = self._place.method()
            sides = self._sides(trees, before, after)
            return obstacle(Question(self._place, live, method, why, sides, self._keep, trees))

    def items(self, trees: Trees, tree: str) -> Iterator[Item]:
        """What is kept of it in the vault; see `Target.items`."""
        with at_work(self._cannot("be read")):
            yield from listing.items(self._place.folder(), self._managed(trees, tree))

    def prepare(self, promotion: Promotion, trees: Trees) -> Promotion:
        """Lay the new content beside the live one. Raises TargetMoved when it is not `before`, UsageError for trees that it cannot hold."""
        with at_work(self._cannot("be prepared")):
            live = self._place.folder()
            task = self._task(promotion, trees)
            for side in task.there:
                if side.gitlinks or side.unsafe:
                    raise UsageError(f"{listed((*side.gitlinks, *side.unsafe))} cannot be put into a live folder.")
            task.found.update(self._read(task, live))
            self._must_hold(task, task.before)
            self._claim(task)
            self._clear(task)
            method, details = self._prepared(task)
            named_again(task.found, self._known, live.stat().st_dev)
        self._found[promotion.run] = task.found
        return promotion.model_copy(update={"method": method, "details": details})

    def swap(self, promotion: Promotion, trees: Trees) -> None:
        """The step; see `Target.swap`. Does nothing when it is made already."""
        with at_work(self._cannot("be replaced")):
            task = self._task(promotion, trees)
            method = self._method(task)
            if method.stands(task) is Stand.NEW:
                method.resume(task, Stand.NEW)
                return
            found = self._found.pop(promotion.run, {})
            task.found.update(found or self._read(task, self._place.folder()))
            self._must_hold(task, task.before)
            method.swap(task)

    def recover(self, promotion: Promotion, trees: Trees) -> Standing:
        """Take over; see `Target.recover`."""
        with at_work(self._cannot("be recovered")):
            task = self._task(promotion, trees)
            self._claim(task)
            crashpoint("folder.recover.renamed")
            return self._standing(task, finish=True)

    def take_back(self, promotion: Promotion, trees: Trees) -> Standing:
        """Make it old again; see `Target.take_back`."""
        with at_work(self._cannot("be taken back")):
            task = self._task(promotion, trees)
            self._claim(task)
            standing = self._standing(task, finish=self._stands(task) is not Stand.NEW)
            if standing.place is not Stand.NEW:
                return standing
            try:
                self._method(task).take_back(task)
            except TargetMoved as problem:
                return self._other(task, str(problem))
            return self._standing(task, finish=False)

    def verify(self, promotion: Promotion, trees: Trees, tree: str) -> str:
        """Re-read every managed file; see `Target.verify`."""
        with at_work(self._cannot("be read")):
            task = self._task(promotion, trees)
            found = read(self._place.folder(), task.there.paths, id_length(tree))
            edited = list(differing(found, self._managed(trees, tree), task.there.paths))
        return f"{listed(edited)} in '{self._place.said}' is not as in tree {tree[:12]}." if edited else ""

    def tidy(self, promotion: Promotion, trees: Trees) -> None:
        """Remove what lies beside; see `Target.tidy`."""
        with at_work(self._cannot("be tidied")):
            task = self._task(promotion, trees)
            self._claim(task)
            (self._method(task).tidy if task.promotion.method else self._clear)(task)
            self._sweep(task)

    def _prepared(self, task: Task) -> tuple[str, dict[str, object]]:
        """The best way that is possible here, and its details; nothing is left of one that was not."""
        method = self._place.method()[0]
        if method == EXCHANGE and not self._place.can_exchange(exchange.names(task).at(task.promotion.fence)):
            method = JOURNAL
        try:
            return method, cast("Method", _METHODS[method]).prepare(task)
        except Unlinkable:
            self._clear(task)
            return JOURNAL, journal.prepare(task)
        except BaseException:
            with suppress(Exception):
                self._clear(task)
            raise

    def _clear(self, task: Task) -> None:
        """Remove what this run has laid before and never used."""
        for method in (symlink if self._place.is_link else exchange, journal):
            with suppress(FileNotFoundError, NotADirectoryError):
                method.clear(task)

    def _sweep(self, task: Task) -> None:
        """Remove what earlier runs have discarded and could not remove."""
        for method in cast("tuple[Method, ...]", (symlink if self._place.is_link else exchange, journal)):
            with suppress(OSError):  # it was said when it was left, and is no fault of this run; the next one tries again
                for one in method.leftovers(task):
                    with suppress(OSError):
                        erase(one)

    def _claim(self, task: Task) -> None:
        for method in (exchange, journal):  # the names beside a link are those beside a folder
            with suppress(FileNotFoundError, NotADirectoryError):
                method.claim(task)

    def _stands(self, task: Task) -> Stand | None:
        return self._method(task).stands(task) if task.promotion.method else None

    def _standing(self, task: Task, *, finish: bool) -> Standing:
        """Old or new by what its method knows, and by content; `finish`: after finishing what somebody has begun."""
        stands = self._stands(task)
        if finish and task.promotion.method:
            try:
                stands = self._method(task).resume(task, stands)
            except TargetMoved as problem:
                return self._other(task, str(problem))
        try:
            top = self._place.folder()
        except UsageError as problem:
            return self._other(task, str(problem))
        task.found.clear()
        task.found.update(self._read(task, top))
        for place, side in ((Stand.OLD, task.before), (Stand.NEW, task.after)):
            if stands in (place, None) and not any(differing(task.found, side, task.there.paths)):
                if place is Stand.NEW and not task.promotion.method:
                    return self._other(task, "It has the new content already, though nothing was promoted.")
                return Standing(place=place, tree=side.tree)
        expected = task.before if stands is Stand.OLD else task.after
        edited = list(differing(task.found, expected, task.there.paths))
        return self._other(task, f"{listed(edited)} was changed by somebody else.")

    def _other(self, task: Task, reason: str) -> Standing:
        """Nothing is touched any more: where both copies are."""
        where = f"The live folder is '{self._place.said}'"
        if task.promotion.method:
            copy = self._method(task).old_copy(task)
            if os.path.lexists(copy):
                where += f", the other copy is in '{printable(shown(bytes(copy)))}'"
        return Standing(place=Stand.OTHER, reason=f"{reason} {where}.")

    def _must_hold(self, task: Task, side: Managed) -> None:
        edited = list(differing(task.found, side, task.there.paths))
        if edited:
            raise TargetMoved(f"{listed(edited)} in '{self._place.said}' is not what the change was tried upon.")

    def _task(self, promotion: Promotion, trees: Trees) -> Task:
        before, after = self._sides(trees, promotion.before, promotion.after)
        return Task(self._place, promotion, trees, before, after, {}, self._known, self._grace)

    def _sides(self, trees: Trees, before: str, after: str) -> Sides:
        return Sides(self._managed(trees, before), self._managed(trees, after))

    def _managed(self, trees: Trees, tree: str) -> Managed:
        if tree not in self._trees:
            while len(self._trees) >= _MOST_TREES:
                del self._trees[next(iter(self._trees))]
            self._trees[tree] = managed(trees, tree, self._keep)
        return self._trees[tree]

    def _read(self, task: Task, top: Path) -> dict[bytes, Found]:
        return read(top, task.there.paths, id_length(task.before.tree), self._known)

    def _method(self, task: Task) -> Method:
        try:
            return cast("Method", _METHODS[task.promotion.method])
        except KeyError as problem:
            raise InfrastructureError(f"Nothing was prepared for '{self._place.said}'.") from problem

    def _cannot(self, what: str) -> str:
        return f"The live folder '{self._place.said}' cannot {what}"
