"""What a request to submit becomes: a submission on file, its trees where any process finds them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runner.changes.rebase import rebased
from runner.changes.start import start_of
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.model.promotion import Look
from runner.model.run import Command, Gates, Run
from runner.model.submission import Submission
from runner.policy.load import Loaded, find_policy
from runner.policy.stored import stored
from runner.ports import Progress, Target
from runner.store.places import Places, claim
from runner.store.promotions import SqlPromotions
from runner.targets.spec import Spec, parse
from runner.wiring.begin import Request, begin
from runner.wiring.target import target_of


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
    with _promotions(where) as promotions, opened(wanted.repo, spec, claim(where.state)) as (objects, folder):
        start = start_of(wanted.change, objects=objects, base=wanted.base, kind=wanted.forced)
        policy = find_policy(wanted.policy, objects, objects.tree_of(start.commit), start.label)
        run = begin(wanted, objects, policy, progress)
        target = target_of(spec, objects, policy.policy.promote, run.id)
        run = run.with_(target=target.key, command=Command.SUBMIT)
        if not run.results:
            run, live = _aimed(run, target, objects, policy, promotions, progress)
            if live:
                return Prepared(None, live)
            if obstacle := target.obstacle(objects, run.change.base_tree, run.change.tree):
                raise UsageError(obstacle, hint="Nothing was tried: it could not be promoted.")
        objects.sync()
        named = spec.at(run.id)
        return Prepared(Submission(run=run, policy=stored(policy), target=str(named), objects=str(folder)))


def _aimed(run: Run, target: Target, objects: PrivateObjects, policy: Loaded, promotions: SqlPromotions, progress: Progress) -> tuple[Run, str]:
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
def opened(repo: Path, spec: Spec, state: Path) -> Iterator[tuple[PrivateObjects, Path]]:
    """The object store of a target: all trees that were or are to be promoted there, and what the repositories have."""
    folder = claim(state / "objects") / sha256(bytes(spec.path)).hexdigest()[:24]
    others = (spec.path,) if spec.kind == "git" else ()
    with PrivateObjects(repo, folder, others=others) as objects:
        yield objects, folder


@contextmanager
def _promotions(where: Places) -> Iterator[SqlPromotions]:
    promotions = SqlPromotions(claim(where.state))
    try:
        yield promotions
    finally:
        promotions.close()
