"""What was asked, whole: enough for any process to carry the run on."""

from hashlib import sha256
from typing import Any

from runner.model.run import Run
from runner.model.value import Value


class StoredPolicy(Value):
    """A resolved policy as it is kept beside a run."""

    values: dict[str, Any]
    """The resolved values, as a policy file spells them."""
    source: str
    digest: str
    where: dict[str, str] = {}
    """The places of the keys, by key path."""


class Submission(Value):
    """One change on its way to one target under one policy."""

    run: Run
    """Before its first stage."""
    policy: StoredPolicy
    target: str
    """The target as `runner.targets.spec` reads it, with an absolute path."""

    @property
    def key(self) -> str:
        """What makes two submissions the same: change, target and policy."""
        change = self.run.change
        return sha256(f"{change.patch_id}\0{change.tree}\0{self.run.target}\0{self.policy.digest}".encode()).hexdigest()


class Answer(Value):
    """What a person decided about a held run, bound to what was seen; `at` in seconds since 1970."""

    run: str
    answer: str
    """`approve` or `deny`."""
    who: str
    reason: str
    patch_id: str
    policy_digest: str
    checks: tuple[str, ...]
    """What was seen of each check that held the run, as `runner.model.result.sight` says it."""
    at: float = 0.0
