"""The only place that chooses concrete classes: what a request becomes, and what its run is made of."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.git.objects import PrivateObjects
from runner.model.run import Gates, Run
from runner.pipeline import carry, decide, line
from runner.policy.load import Loaded, find_policy
from runner.ports import Ports, Progress
from runner.sandbox import live
from runner.stages.outcome import tell
from runner.store.places import Places, claim, places
from runner.wiring.begin import Request, base_asked, begin
from runner.wiring.heeding import heeding, unless_ended
from runner.wiring.parts import parts, ports_of, settled
from runner.wiring.recorded import recorded

if TYPE_CHECKING:
    from runner.discovery.settled import Settled

__all__ = ["Gates", "Request", "check", "discover"]


class Prepared(NamedTuple):
    """A run before its first stage, and all that its stages need."""

    run: Run
    ports: Ports
    policy: Loaded
    where: Places
    under_way: threading.Event
    """Set once a suite runs, so that there is time for what nothing waits for."""


def check(request: Request, progress: Progress, wish: Callable[[], str] = str) -> Run:
    """Judge a change and record the run; nothing outside the cache and state directories is written.

    `wish` is asked now and then, and says why the run is to end, if it is.

    Raises UsageError, PolicyInvalid, InfrastructureError; a change that cannot be read is a rejected run.
    """
    with (
        prepared(request, progress) as (run, ports, policy, where, under_way),
        recorded(run, where, under_way, lambda done, moment: tell(done, ports.gates, policy, moment)) as record,
        nullcontext(wish) if wish is str else heeding(ports.sandbox, wish) as said,
    ):
        return record(unless_ended(run, lambda: _judged(run, ports, policy, under_way), said))


@contextmanager
def prepared(request: Request, progress: Progress) -> Iterator[Prepared]:
    """Read the change and its policy, and choose what its run is made of; raises as `check` does."""
    where = places()
    claim(where.cache)
    with parts(where, progress, request.gates) as given, _objects(request.repo, where) as objects:
        start = base_asked(request, objects)
        policy = find_policy(request.policy, objects, objects.tree_of(start.commit), start.label)
        policy, run = settled(policy, begin(request, objects, policy, progress), objects, progress, where.cache)
        yield Prepared(run, ports_of(run, policy, objects, given), policy, where, given.sandbox.under_way)


@contextmanager
def _objects(repo: Path, where: Places) -> Iterator[PrivateObjects]:
    """A private object store in a directory that the next start removes should this process die."""
    with live.scratch(where.cache / "live") as folder, PrivateObjects(repo, folder / "objects") as objects:
        yield objects


def discover(repo: Path) -> "Settled":
    """What a check without a policy would decide about the last commit of a repository. Raises UsageError when there is none."""
    from runner.discovery.settle import settle
    from runner.policy.load import builtin

    where = places()
    claim(where.cache)
    default = builtin().policy
    with _objects(repo, where) as objects:
        return settle(default.tests, default.sandbox, objects, objects.tree_of(objects.resolve("HEAD")))


def _judged(run: Run, ports: Ports, policy: Loaded, under_way: threading.Event) -> Run:
    """Carry the run through the stages, unless its change could not even be read."""
    return decide(run, ()) if run.results else carry(run, ports, policy, line(run.gates, under_way))
