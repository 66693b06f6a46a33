"""Reads what a server was asked for: the first leg of such a run, after which it is one like any other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.errors import SeatrialError, StoreUnavailable, UsageError
from runner.model.configuration import Configuration
from runner.model.request import Asked
from runner.model.result import Ending
from runner.model.run import Command, Gates, State
from runner.model.text import printable
from runner.ports import Progress
from runner.stages.told import sentence
from runner.store.places import Places, claim
from runner.store.submissions import SqlSubmissions
from runner.wiring.begin import Request
from runner.wiring.carrying import Stores, stores
from runner.wiring.filing import Wanted, prepare
from runner.wiring.repositories import place_of

FILED: Final = "filed"
ENDED: Final = "ended"
"""What became of a request: it is a submission now, or it has ended."""


class Intake:
    """Reads requests by the names of a configuration; `progress` gives where to say what happens to a run.

    `labels`: what this machine has. Repositories and targets that ask for others are not read here.
    """

    def __init__(
        self, configuration: Configuration, where: Places, progress: Callable[[str], Progress], labels: frozenset[str] = frozenset()
    ) -> None:
        self._configuration, self._where, self._progress = configuration, where, progress
        self.slots, self.labels = configuration.slots, labels
        self.repos = tuple(name for name, repo in configuration.repos.items() if labels.issuperset(repo.labels))
        self.targets = tuple(name for name, target in configuration.targets.items() if labels.issuperset(target.labels))

    @property
    def queues(self) -> tuple[str, ...]:
        """Where what this machine can read waits: a queue for each repository and each target that it knows."""
        return (*(queue_of(repo=name) for name in self.repos), *(queue_of(target=name) for name in self.targets))

    def read(self, run: str) -> str:
        """Read the change of a request and put it on file, or judge it where it is only to be checked; what became of it.

        Raises StoreUnavailable: then nothing has become of it yet.
        """
        with stores(self._where) as kept:
            request = kept.requests.load(run)
            if request is None or (over := self._over(request.asked, kept)):
                return over if request else ENDED
            try:
                claim(self._where.cache)
                if request.asked.command is Command.CHECK:
                    return self._checked(request.asked, kept)
                return self._filed(request.asked, kept)
            except StoreUnavailable:
                raise
            except (SeatrialError, OSError) as problem:
                kept.requests.end(run, Ending.FAILED.value, printable(sentence(problem)))
                return ENDED

    def _over(self, asked: Asked, kept: Stores) -> str:
        """What became of it before; nothing where it waits, or is a check that died with its process, and is judged again."""
        state = State(kept.runs.show(asked.run).state)
        if state is State.QUEUED or (asked.command is Command.CHECK and state is State.RUNNING):
            return ""
        return FILED if _is_filed(asked.run, kept.submissions) else ENDED

    def _checked(self, asked: Asked, kept: Stores) -> str:
        from runner.wiring import check

        repo = self._configuration.repos.get(asked.repo)
        if repo is None:
            raise UsageError(f"this worker knows no repository '{asked.repo}'")
        gates = Gates.ENFORCE if asked.enforce else Gates.INFORM
        check(Request(**_given(asked, place_of(asked.repo, repo, asked, self._where), repo.policy), gates=gates), self._progress(asked.run))
        if State(kept.runs.show(asked.run).state) in (State.QUEUED, State.RUNNING):
            raise StoreUnavailable(f"run {asked.run} was judged, and could not be recorded")
        return ENDED

    def _filed(self, asked: Asked, kept: Stores) -> str:
        target = self._configuration.targets.get(asked.target)
        if target is None:
            raise UsageError(f"this worker knows no target '{asked.target}'")
        given = _given(asked, place_of(target.repo, self._configuration.repos[target.repo], asked, self._where), target.policy)
        wanted = Wanted(**given, target=target.target, agent=asked.agent, ticket=asked.ticket)
        prepared = prepare(wanted, self._where, self._progress(asked.run))
        holder = prepared.live if prepared.submission is None else kept.submissions.file(prepared.submission)
        if holder == asked.run:
            return FILED
        kept.requests.join(asked.run, holder)
        return ENDED


def queue_of(*, repo: str = "", target: str = "") -> str:
    """Where a request waits for somebody who knows its target or, for a check, its repository."""
    return f"target-{target}" if target else f"repo-{repo}"


def _given(asked: Asked, repo: Path, policy: str) -> dict[str, Any]:
    """What a person would have typed."""
    return {
        "repo": repo,
        "change": asked.revision or "-",
        "stdin": None if asked.revision else asked.change,
        "base": asked.base or None,
        "policy": Path(policy) if policy else None,
        "kind": asked.kind or None,
        "author": asked.author,
        "run": asked.run,
    }


def _is_filed(run: str, submissions: SqlSubmissions) -> bool:
    try:
        submissions.load(run)
    except UsageError:
        return False
    return True
