"""Whose policy a question goes by that is about no change."""

from runner.api.access import allowed
from runner.api.binding import bound_in
from runner.api.problems import Problem
from runner.api.queued import known_here
from runner.policy.load import Loaded, builtin
from runner.store.tokens import Token
from runner.wiring.served_policies import served_policy
from runner.wiring.serving import Service


def policy_for(token: Token, repo: str, target: str, service: Service) -> Loaded:
    """That of a repository or of a target of the server, else the built-in default. Raises Problem for both, for unknown names, and for what a token is not bound to."""
    if repo and target:
        raise Problem(422, "invalid-request", "name a repository or a target, not both")
    if target:
        allowed(token, target)
    elif repo:
        bound_in(token, repo, service)
    known_here(target, repo, token, service)
    if not repo and not target:
        return builtin()
    return served_policy("target" if target else "repo", target or repo, service.configuration)
