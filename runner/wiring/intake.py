"""Reads what a server was asked for: the first leg of such a run, after which it is one like any other."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.errors import SeatrialError, StoreUnavailable, UsageError
from runner.model.configuration import Configuration, Repository
from runner.model.request import Asked
from runner.model.result import Ending
from runner.model.run import Command, Gates, State
from runner.model.text import printable
from runner.ports import Progress
from runner.reports.exits import exit_of_problem
from runner.stages.told import sentence
from runner.store.places import Places, claim
from runner.store.submissions import SqlSubmissions
from runner.targets.spec import parse
from runner.wiring.begin import Request
from runner.wiring.carrying import Stores, stores
from runner.wiring.filing import Wanted, prepare
from runner.wiring.repositories import check_usable, place_of

FILED: Final = "filed"
FETCHED: Final = "fetched"
ENDED: Final = "ended"
"""What became of a request: it is a submission now, it can be checked, or it has ended."""

log = logging.getLogger(__name__)


class Intake:
    """Reads requests by the names of a configuration; `progress` gives where to say what happens to a run.

    `labels`: what this machine has. Repositories and targets that ask for others are not read here.
    """

    def __init__(
        self, configuration: Configuration, where: Places, progress: Callable[[str], Progress], labels: frozenset[str] = frozenset()
    ) -> None:
        self._configuration, self._where, self._progress = configuration, where, progress
        self._fetched: dict[str, Path] = {}
        """Where what is to be checked next was fetched to."""
        self.slots, self.labels = configuration.slots, labels
        self.repos = tuple(name for name, repo in configuration.repos.items() if labels.issuperset(repo.labels))
        self.targets = tuple(name for name, target in configuration.targets.items() if labels.issuperset(target.labels))

    @property
    def queues(self) -> tuple[str, ...]:
        """Where what this machine can read waits: a queue for each repository and each target that it knows."""
        return (*(queue_of(repo=name) for name in self.repos), *(queue_of(target=name) for name in self.targets))

    def read(self, run: str) -> str:
        """Fetch what a request names, and put it on file unless it is only to be checked; what became of it. Nothing of the change runs.

        Raises StoreUnavailable: then nothing has become of it yet.
        """
        return self._done(run, self._read)

    def check(self, run: str) -> str:
        """Judge what was read and is only to be checked; what became of it. Raises as `read` does."""
        fetched = self._fetched.pop(run, None)
        return self._done(run, lambda asked, kept: self._checked(asked, fetched, kept))

    def _done(self, run: str, do: Callable[[Asked, Stores], str]) -> str:
        """What became of a request, unless something has before; whatever goes wrong is an end of it, and said."""
        with stores(self._where) as kept:
            request = kept.requests.load(run)
            if request is None or (over := self._over(request.asked, kept)):
                return over if request else ENDED
            try:
                claim(self._where.cache)
                return do(request.asked, kept)
            except StoreUnavailable:
                raise
            except Exception as problem:
                said = sentence(problem)
                if not isinstance(problem, (SeatrialError, OSError)):
                    log.exception("request %s broke", run)
                    said = f"this is a bug in Seatrial: {type(problem).__name__}: {problem}"
                kept.requests.end(run, Ending.FAILED.value, printable(said), exit_code=int(exit_of_problem(problem)))
                return self._over(request.asked, kept) or _unrecorded(run)

    def _over(self, asked: Asked, kept: Stores) -> str:
        """What became of it before; nothing where it waits, or is a check that died with its process, and is judged again."""
        state = State(kept.runs.show(asked.run).state)
        if state is State.QUEUED or (asked.command is Command.CHECK and state is State.RUNNING):
            return ""
        return FILED if _is_filed(asked.run, kept.submissions) else ENDED

    def _read(self, asked: Asked, kept: Stores) -> str:
        if asked.command is not Command.CHECK:
            return self._filed(asked, kept)
        self._fetched[asked.run] = place_of(asked.repo, self._repo(asked), asked, self._where)
        return FETCHED

    def _repo(self, asked: Asked) -> Repository:
        repo = self._configuration.repos.get(asked.repo)
        if repo is None:
            raise UsageError(f"this worker knows no repository '{asked.repo}'")
        return repo

    def _checked(self, asked: Asked, fetched: Path | None, kept: Stores) -> str:
        from runner.wiring import check

        repo = self._repo(asked)
        place = fetched or place_of(asked.repo, repo, asked, self._where)  # it may have been fetched by another process, elsewhere
        gates = Gates.ENFORCE if asked.enforce else Gates.INFORM
        request = Request(**_given(asked, place, repo.policy), gates=gates)
        check(request, self._progress(asked.run), lambda: kept.requests.wished(asked.run))
        return self._over(asked, kept) or _unrecorded(asked.run)

    def _filed(self, asked: Asked, kept: Stores) -> str:
        target = self._configuration.targets.get(asked.target)
        if target is None:
            raise UsageError(f"this worker knows no target '{asked.target}'")
        spec = parse(target.target)
        if spec.kind == "git":
            check_usable(spec.path, f"the target '{asked.target}'")
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
        "called": asked.name,
        "by_client": True,
    }


def _unrecorded(run: str) -> str:
    """Raises StoreUnavailable: it is done again."""
    raise StoreUnavailable(f"run {run} was judged, and could not be recorded")


def _is_filed(run: str, submissions: SqlSubmissions) -> bool:
    try:
        submissions.load(run)
    except UsageError:
        return False
    return True
