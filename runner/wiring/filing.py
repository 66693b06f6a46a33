"""What a request to submit becomes: a submission on file, its trees where any process finds them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from runner.changes.rebase import rebased
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.model.promotion import Look
from runner.model.run import Command, Gates, Run, run_id
from runner.model.submission import Submission
from runner.pipeline import refuse
from runner.policy.load import Loaded, load_policy
from runner.policy.stored import restored, stored
from runner.ports import Progress, Target
from runner.store.places import Places, claim
from runner.store.promotions import SqlPromotions
from runner.store.submissions import Filed
from runner.targets.spec import Spec, parse
from runner.wiring.begin import Request, base_asked, begin
from runner.wiring.target import target_of
from runner.wiring.trusted import policy_of


@dataclass(frozen=True)
class Wanted(Request):
    """What a person, an agent or a CI job asks: carry this change to that target."""

    target: str = ""
    """As it was typed."""
    agent: str = ""
    ticket: str = ""
    gates: Gates = Gates.ENFORCE


@dataclass(frozen=True)
class Prepared:
    """A submission that is not on file yet, or the run that has made the target what is wanted."""

    submission: Submission | None
    live: str = ""


def prepare(wanted: Wanted, where: Places, progress: Progress) -> Prepared:
    """Read the change and its policy, look at the target, and put the change upon what it holds.

    Raises UsageError, PolicyInvalid, InfrastructureError; a change that cannot be read is a submission that is rejected.
    """
    spec = parse(wanted.target)
    with _promotions(where) as promotions, opened(wanted.repo, spec, claim(where.state)) as objects:
        start = base_asked(wanted, objects)
        policy = (
            load_policy(wanted.policy) if wanted.policy else policy_of(spec, objects, start, promotions, where, by_client=wanted.by_client)
        )
        run = begin(wanted, objects, policy, progress)
        target = target_of(spec, objects, policy.policy.promote, run.id)
        author = run.author.model_copy(update={"agent": wanted.agent, "ticket": wanted.ticket})
        run = run.with_(target=target.key, command=Command.SUBMIT, author=author)
        return _filed(run, target, objects, policy, promotions, progress, str(spec.at(run.id)))


def prepare_again(filed: Filed, where: Places, progress: Progress) -> Prepared:
    """The same change by the same policy to the same target as a run that has ended, as a new run; raises as `prepare` does."""
    earlier, kept = filed.submission.run, filed.submission.policy
    spec = parse(filed.submission.target)
    with _promotions(where) as promotions, opened(Path(earlier.repository), spec, claim(where.state)) as objects:
        policy = restored(kept)
        identity = run_id(earlier.change, earlier.target, policy.digest, f"{time.time_ns()}-{os.getpid()}")
        target = target_of(spec, objects, policy.policy.promote, identity)
        run = earlier.with_(id=identity, started=datetime.now(UTC), notes=(*earlier.notes, f"run {earlier.id} tried the same"))
        return _filed(run, target, objects, policy, promotions, progress, filed.submission.target)


def _filed(
    run: Run, target: Target, objects: PrivateObjects, policy: Loaded, promotions: SqlPromotions, progress: Progress, spec: str
) -> Prepared:
    """The run upon what the target holds, its trees where any process finds them."""
    if not run.results:
        try:
            run, live = _aimed(run, target, objects, policy, promotions, progress)
        except ChangeRefused as refused:
            run, live = refuse(run, refused, policy), ""
        if live:
            return Prepared(None, live)
    if not run.results and (obstacle := target.obstacle(objects, run.change.base_tree, run.change.tree)):
        raise UsageError(obstacle, hint="Nothing was tried: it could not be promoted.")
    objects.sync()
    return Prepared(Submission(run=run, policy=stored(policy), target=spec))


def _aimed(
    run: Run, target: Target, objects: PrivateObjects, policy: Loaded, promotions: SqlPromotions, progress: Progress
) -> tuple[Run, str]:
    """The run upon what the target holds now, or the id of the run that made it what is wanted."""
    change, last = run.change, promotions.last(target.key)
    known = (change.base_tree, change.tree, *((last.after, last.before) if last else ()))
    look = target.look(objects, tuple(dict.fromkeys(known)))
    if look.tree == change.tree:
        if (holder := promotions.holder(target.key, change.tree)) is not None:
            return run, holder.run
        raise ChangeRefused(f"{target.key} holds this change already, and no run of ours brought it there")
    if look.tree and look.tree != change.base_tree and policy.policy.promote.when_base_moved == "retry":
        progress.note(f"{target.key} is not at {change.base_label}: the change is put upon what it holds")
        return run.with_(change=rebased(change, objects, look.tree, look.commit or change.base_commit, label_of(target, look))), ""
    return run, ""


def label_of(target: Target, look: Look) -> str:
    """What a base is called that was found at the target."""
    return f"{target.key.partition('#')[2].removeprefix('refs/heads/') or target.key} ({(look.commit or look.tree)[:7]})"


@contextmanager
def opened(repo: Path, spec: Spec, state: Path) -> Iterator[PrivateObjects]:
    """The object store of a target: all trees that were or are to be promoted there, and what the repositories have."""
    folder = claim(state / "objects") / sha256(bytes(spec.path)).hexdigest()[:24]
    if spec.kind == "git" and not spec.path.is_dir():
        raise UsageError(f"there is no repository '{spec.path}' for the target", hint="Give git:PATH#REF with the path of one.")
    others = (spec.path,) if spec.kind == "git" else ()
    with PrivateObjects(repo, folder, others=others) as objects:
        yield objects


@contextmanager
def _promotions(where: Places) -> Iterator[SqlPromotions]:
    promotions = SqlPromotions(claim(where.state))
    try:
        yield promotions
    finally:
        promotions.close()
