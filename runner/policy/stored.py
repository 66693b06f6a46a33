"""A resolved policy beside the run that it judges: whoever carries the run on judges by the very same."""

import json

from runner.errors import PolicyInvalid
from runner.model.submission import StoredPolicy
from runner.policy.resolved import Loaded, canonical, digest_of
from runner.policy.schema import Policy


def stored(loaded: Loaded) -> StoredPolicy:
    """The policy as it is kept; what it leaves open stays open."""
    return StoredPolicy(values=json.loads(canonical(loaded.policy)), source=loaded.source, digest=loaded.digest, where=dict(loaded.places))


def restored(kept: StoredPolicy) -> Loaded:
    """The same policy again. Raises PolicyInvalid when this version reads another one in it."""
    try:
        policy = Policy.model_validate(kept.values)
    except ValueError as problem:
        raise PolicyInvalid((f"{kept.source}: the policy of this run cannot be read by this version: {problem}",)) from problem
    if digest_of(policy) != kept.digest:
        raise PolicyInvalid((f"{kept.source}: this version reads another policy in what was kept of this run's",))
    return Loaded(policy, kept.source, kept.digest, (), kept.where)
