"""Whose policy counts for a target where the operator names none: that of what the target is found to hold, and of nothing that a change can choose."""

from collections.abc import Iterator
from typing import Final

from runner.changes.sides import Base, base_of
from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.policy.load import Loaded, find_policy
from runner.policy.stored import restored
from runner.store.places import Places
from runner.store.promotions import SqlPromotions
from runner.store.submissions import SqlSubmissions
from runner.targets.options import Promote
from runner.targets.spec import Spec
from runner.wiring.target import target_of

_HINT: Final = (
    "Name the policy: --policy FILE. It may name commands for this machine, so it is taken from nothing that a change could have brought."
)


def policy_of(
    spec: Spec, objects: PrivateObjects, start: Base, promotions: SqlPromotions, where: Places, *, by_client: bool = False
) -> Loaded:
    """The policy of what the target holds. Raises UsageError where that cannot be told, PolicyInvalid where it cannot be used.

    The base of a change is no measure here: whoever made the change may have made the commit before it, too. Where the target holds
    nothing that could say more, the base that a person here named does count. That of a client (`by_client`) never does, but the usual
    branch of the repository.
    """
    if spec.kind == "git":
        return _of_ref(spec, objects, start, by_client=by_client)
    start = base_of(objects, None) if by_client else start
    for tree, label, keep in _candidates(spec, objects, start, promotions, where):
        if target_of(spec, objects, keep, "").look(objects, (tree,)).tree == tree:
            return find_policy(None, objects, tree, label)
    raise UsageError(f"{spec} holds neither {start.label} nor what was last promoted there, so its policy is not known", hint=_HINT)


def _of_ref(spec: Spec, objects: PrivateObjects, start: Base, *, by_client: bool) -> Loaded:
    """What a ref holds now decides about what comes to it; where there is none yet, the policy may name no commands."""
    look = target_of(spec, objects, Promote(), "").look(objects, ()) if spec.ref else None
    if look is not None and look.commit:
        return find_policy(None, objects, look.tree, f"{spec.ref.removeprefix('refs/heads/')} ({look.commit[:7]})")
    start = _usual(spec, objects, start) if by_client else start
    policy = find_policy(None, objects, objects.tree_of(start.commit), start.label)
    if named := ", ".join(_commands(policy)):
        raise UsageError(f"{spec} is a new branch, and the policy of {start.label} names commands for this machine ({named})", hint=_HINT)
    return policy


def _usual(spec: Spec, objects: PrivateObjects, start: Base) -> Base:
    """The usual branch of the repository. Raises UsageError for a base that is no part of it: the image is made from the base."""
    usual = base_of(objects, None)
    if not objects.repository.is_behind(start.commit, usual.commit):
        hint = "Leave the base out, or let the configuration name a policy for the target."
        raise UsageError(f"{spec} is a new branch, and the base {start.label} is not in the history of {usual.label}", hint=hint)
    return usual


def _candidates(
    spec: Spec, objects: PrivateObjects, start: Base, promotions: SqlPromotions, where: Places
) -> Iterator[tuple[str, str, Promote]]:
    """Trees that a folder may be found to hold, and how to compare it: what was last promoted, by the policy that did, and the base as it is."""
    last = promotions.standing(target_of(spec, objects, Promote(), "").key)
    if last is not None:
        submissions = SqlSubmissions(where.state)
        try:
            by = restored(submissions.load(last.run).submission.policy).policy.promote
        finally:
            submissions.close()
        yield last.after, f"what run {last.run} promoted", by
    yield objects.tree_of(start.commit), start.label, Promote()


def _commands(policy: Loaded) -> Iterator[str]:
    """The keys of a policy that make this machine do something."""
    promote, monitor, rollback = policy.policy.promote, policy.policy.monitor, policy.policy.rollback
    yield from (
        key
        for key, given in (("promote.after", promote.after), ("promote.push", promote.push), ("rollback.after", rollback.after))
        if given
    )
    yield from (f"monitor.probes[{index}]" for index, probe in enumerate(monitor.probes) if probe.command is not None)
