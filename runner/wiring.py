"""The only place that chooses concrete classes: what a request becomes, and what its run is made of."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from runner.changes.caps import Caps
from runner.changes.kinds import Kind
from runner.changes.read import kind_given, read_change
from runner.changes.sides import spelled
from runner.changes.start import start_of
from runner.errors import ChangeRefused, SeatrialError, StoreUnavailable, UsageError
from runner.gates import gates
from runner.git.objects import PrivateObjects
from runner.model.change import Change
from runner.model.result import Decision, Ending
from runner.model.run import PolicyFacts, Run, run_id
from runner.model.text import printable
from runner.pipeline import carry, decide, refuse
from runner.policy.load import Loaded, find_policy
from runner.ports import Ports, Progress
from runner.reports.exits import exit_of_problem, was_stopped
from runner.sandbox import live
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine
from runner.sandbox.image.ensure import DockerImages
from runner.store.baselines import FileBaselines
from runner.store.ledger import SqlLedger
from runner.store.places import Places, claim, places
from runner.store.runs import SqlRuns
from runner.trial.suites import suite_for
from runner.validators import layers

if TYPE_CHECKING:
    from runner.discovery.settled import Settled

_ANYWHERE = Path("/")
"""Where a stored report will be read: its next command must be right in any directory."""


@dataclass(frozen=True)
class Request:
    """What a person or a CI job asks: may this change go in?"""

    repo: Path
    change: str | None
    """As it was typed; `None` for the work tree."""
    base: str | None = None
    policy: Path | None = None
    stdin: bytes | None = None
    kind: str | None = None
    """What `change` is, where that was said."""

    @property
    def forced(self) -> Kind | None:
        """The same, as the change sources know it."""
        return Kind(self.kind) if self.kind else None


def check(request: Request, progress: Progress) -> Run:
    """Judge a change and record the run; nothing outside the cache and state directories is written.

    Raises UsageError, PolicyInvalid, InfrastructureError; a change that cannot be read is a rejected run.
    """
    where = places()
    claim(where.cache)
    with ExitStack() as stack:
        engine = Engine()
        sandbox = stack.enter_context(DockerSandbox(engine, where.cache, note=progress.note))
        threading.Thread(target=_warm, args=(sandbox,), daemon=True).start()
        objects = stack.enter_context(_objects(request.repo, where))
        start = start_of(request.change, objects=objects, base=request.base, kind=request.forced)
        policy = find_policy(request.policy, objects, objects.tree_of(start.commit), start.label)
        policy, run = _settled(policy, _begin(request, objects, policy, progress), objects, progress, where.cache)
        ports = _ports(engine, sandbox, objects, policy, run, progress, where)
        with _recorded(run, where, sandbox.under_way) as record:
            return record(_judged(run, ports, policy))


def _warm(sandbox: DockerSandbox) -> None:
    """Import and connect while git works; whoever needs the engine meets its error again and reports it."""
    with suppress(Exception):
        sandbox.start()


@contextmanager
def _objects(repo: Path, where: Places) -> Iterator[PrivateObjects]:
    """A private object store in a directory that the next start removes should this process die."""
    with live.scratch(where.cache / "live") as folder, PrivateObjects(repo, folder / "objects") as objects:
        yield objects


def _begin(request: Request, objects: PrivateObjects, policy: Loaded, progress: Progress) -> Run:
    """The run before its first stage; a change that cannot be read is rejected by the intake, whose answer this is."""
    intake = policy.policy.validation.intake
    caps = Caps(max_patch=intake.max_patch, max_files=intake.max_files)
    unreadable: ChangeRefused | None = None
    notes: list[str] = []
    try:
        change = read_change(
            request.change,
            objects=objects,
            base=request.base,
            stdin=request.stdin,
            limits=caps,
            note=notes.append,
            kind=request.forced,
        )
    except ChangeRefused as refused:
        change, unreadable = _unreadable(request, objects), refused
    except UsageError:
        for text in notes:  # they may be the reason
            progress.note(text)
        raise
    progress.note(f"{change.head_label} onto {change.base_label}")  # the first line that anybody sees
    for text in (*notes, *policy.warnings):
        progress.note(text)
    attempt = f"{time.time_ns()}-{os.getpid()}"
    run = Run(
        id=run_id(change, "", policy.digest, attempt),
        started=datetime.now(UTC),
        repository=str(request.repo.resolve()),
        policy=PolicyFacts(source=policy.source, digest=policy.digest),
        change=change,
    )
    return refuse(run, unreadable, policy) if unreadable else run


def _settled(policy: Loaded, run: Run, objects: PrivateObjects, progress: Progress, cache: Path) -> tuple[Loaded, Run]:
    """The policy with what it leaves open worked out from the base tree, and the run with a note on each choice."""
    asked = policy.policy
    if run.results or (asked.tests.runner != "auto" and (asked.sandbox.build is None or asked.sandbox.build.recipe != "auto")):
        return policy, run
    from runner.discovery.kept import settle_once

    settled = settle_once(cache / "settled", asked.tests, asked.sandbox, objects, run.change.base_tree)
    told = tuple(str(decision) for decision in settled.decisions)
    for sentence in told:
        progress.note(sentence)
    filled = asked.model_copy(update={"tests": settled.tests, "sandbox": settled.sandbox})
    return replace(policy, policy=filled), run.with_(notes=(*run.notes, *told))


def discover(repo: Path) -> "Settled":
    """What a check without a policy would decide about the last commit of a repository. Raises UsageError when there is none."""
    from runner.discovery.settle import settle
    from runner.policy.load import builtin

    where = places()
    claim(where.cache)
    default = builtin().policy
    with _objects(repo, where) as objects:
        return settle(default.tests, default.sandbox, objects, objects.tree_of(objects.resolve("HEAD")))


def _unreadable(request: Request, objects: PrivateObjects) -> Change:
    """Stands for a change that has no patched tree: it is named by what was given."""
    start = start_of(request.change, objects=objects, base=request.base, kind=request.forced)
    source = "work tree" if request.change is None else spelled(request.change)
    given = request.stdin if request.stdin is not None else source.encode()
    return Change(
        base_commit=start.commit,
        base_tree=objects.tree_of(start.commit),
        tree="",
        patch_id=sha256(given).hexdigest(),
        source=source,
        kind=str(kind_given(request.change, stdin=request.stdin, kind=request.forced)),
        base_label=start.label,
        head_label="standard input" if source == "-" else "the work tree" if request.change is None else source,
    )


def _ports(
    engine: Engine, sandbox: DockerSandbox, objects: PrivateObjects, policy: Loaded, run: Run, progress: Progress, where: Places
) -> Ports:
    options = policy.policy
    return Ports(
        trees=objects,
        gates=gates(),
        ledger=SqlLedger(where.state),
        validators=layers(),
        images=DockerImages(engine, where.cache, progress.note),
        sandbox=sandbox,
        suite=suite_for(options.tests, objects, run.change.base_tree, options.sandbox.env),
        baselines=FileBaselines(where.cache / "baselines"),
        progress=progress,
        monotonic=time.monotonic,
        cores=len(os.sched_getaffinity(0)),
        version=lambda: objects.describe(run.change.base_commit),
    )


def _judged(run: Run, ports: Ports, policy: Loaded) -> Run:
    """Carry the run through the stages, unless its change could not even be read."""
    return decide(run, ()) if run.results else carry(run, ports, policy)


@contextmanager
def _recorded(run: Run, where: Places, under_way: threading.Event) -> Iterator[Callable[[Run], Run]]:
    """Keep the record of a run in the background; a record that cannot be written is said, and changes no verdict.

    The first entry waits until a suite is under way: the libraries behind the record take longer to load than git takes to
    apply a change, and a check touches nothing that a record would have to come before.
    """
    runs = SqlRuns(where.state)
    writer = ThreadPoolExecutor(1, thread_name_prefix="record")
    begun = writer.submit(_begun, runs, run, under_way)

    def record(done: Run) -> Run:
        under_way.set()
        problem = _problem(begun) or _problem(writer.submit(_finish, runs, done))
        return done.with_(notes=(*done.notes, f"the run could not be recorded: {problem}")) if problem else done

    try:
        yield record
    except BaseException as problem:
        under_way.set()
        _problem(writer.submit(_finish, runs, run.with_(decision=_cut_short(problem)), exit_of_problem(problem)))
        raise
    finally:
        writer.shutdown(wait=True)
        runs.close()


def _begun(runs: SqlRuns, run: Run, under_way: threading.Event) -> None:
    under_way.wait()
    import runner.reports.report  # noqa: F401  needed at the end, loaded while there is time

    runs.begin(run)


def _finish(runs: SqlRuns, run: Run, exit_code: int | None = None) -> None:
    from runner.reports.report import build, to_json

    runs.finish(run, to_json(build(run, exit_code=exit_code, here=_ANYWHERE)), run.logs)


def _cut_short(problem: BaseException) -> Decision:
    """How a run ended that something else than its stages ended: by request, or by a fault of the machine or of ours."""
    if was_stopped(problem):
        return Decision(verdict=None, ending=Ending.CANCELLED, reason="the run was stopped before it ended")
    said = str(problem) if isinstance(problem, SeatrialError) else f"{type(problem).__name__}: {problem}"
    return Decision(verdict=None, ending=Ending.FAILED, reason=printable(said))


def _problem(done: Future[None]) -> str:
    try:
        done.result()
    except StoreUnavailable as problem:
        return str(problem)
    return ""


def demo(progress: Progress) -> tuple[tuple[str, Run], ...]:
    """Judge the example changes of the distribution against the example project; the runs by name."""
    import shutil

    from runner.git.examples import commit_all
    from runner.shipped import shipped

    with live.scratch(claim(places().cache) / "live") as folder:
        repo = folder / "berth"
        shutil.copytree(shipped("examples/berth"), repo, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        commit_all(repo, folder / "home")
        names = ("good", "broken", "cheating")
        runs = []
        for name in names:
            progress.note(f"examples/changes/{name}.diff")
            runs.append((name, check(Request(repo=repo, change=str(shipped(f"examples/changes/{name}.diff"))), progress)))
        return tuple(runs)
