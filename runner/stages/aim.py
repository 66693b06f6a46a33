"""Aim: whether the target is what the change was made for, and whether it may go there at all; nothing is touched."""

from typing import Final

from runner.errors import InfrastructureError, UsageError
from runner.model.promotion import Look
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Command, Run
from runner.policy.load import Loaded
from runner.ports import LandingPorts

CHECK: Final = "target"


def aim(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
    """Add what is to be said of the target; `moved` when it holds another tree that we know."""
    ports.progress.stage("target")
    try:
        look = ports.target.look(ports.trees, candidates(run, ports))
        obstacle = ports.target.obstacle(ports.trees, run.change.base_tree, run.change.tree)
    except (InfrastructureError, UsageError) as problem:
        return _with(run, policy, Outcome.UNKNOWN, f"{problem} ({problem.hint})" if problem.hint else str(problem))
    if look.edited or (not look.tree and not look.absent):
        return _with(run, policy, Outcome.HOLD, edited(look))
    if look.tree != run.change.base_tree and not look.absent:
        return run.with_(moved=f"{run.target} holds tree {look.tree[:12]}, and the change was made for {run.change.base_tree[:12]}")
    if obstacle:
        return _with(run, policy, Outcome.HOLD, obstacle, "promote")
    since = ports.promotions.now() - policy.policy.rollback.quarantine
    if (
        run.command is not Command.RESTORE
        and (bad := ports.promotions.taken_back(run.target, run.change.patch_id, since)) is not None
        and bad.run != run.id
    ):
        reason = f"this patch came to the target before, as run {bad.run}, and was taken back: {bad.note}"
        return _with(run, policy, Outcome.HOLD, reason, "rollback.quarantine")
    fine = f"{run.target} is not there yet, and is made" if look.absent else f"{run.target} holds what the change was made for"
    return _with(run, policy, Outcome.PASS, fine)


def candidates(run: Run, ports: LandingPorts) -> tuple[str, ...]:
    """The trees that the target may be found to hold: what was last promoted there, and the base's; files are compared with the first."""
    last = ports.promotions.last(run.target)
    known = (
        *((last.after,) if last and ports.target.kind == "dir" else ()),
        run.change.base_tree,
        *((last.after, last.before) if last else ()),
    )
    return tuple(dict.fromkeys(tree for tree in known if tree))


def edited(look: Look) -> str:
    """A sentence on a target that holds none of the trees that we know."""
    if not look.edited:
        return look.reason or "the target holds nothing that is known"
    named = f"{', '.join(look.edited[:5])}{', …' if len(look.edited) > 5 else ''}"  # noqa: PLR2004
    return f"somebody else changed the target: {named} there {'is' if len(look.edited) == 1 else 'are'} not as we know them; put that right first"


def _with(run: Run, policy: Loaded, outcome: Outcome, reason: str, key: str = "promote") -> Run:
    cause = Cause.INFRASTRUCTURE if outcome is Outcome.UNKNOWN else None
    answer = Result(check=CHECK, outcome=outcome, cause=cause, reason=reason, policy=policy.where(key))
    return run.with_(results=(*run.results, answer))
