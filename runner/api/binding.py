"""What a token that is bound to targets may do: with those, with their repositories, and nothing that concerns others."""

from runner.api.access import allowed
from runner.api.problems import Problem
from runner.store.tokens import Token
from runner.wiring.naming import names_of_target
from runner.wiring.serving import Service


def bound_about(token: Token, run: str, service: Service) -> None:
    """Raises Problem where a run is of other targets, or a check of a repository that none of the token's targets is of."""
    request = service.kept.requests.load(run)
    if request is None:
        bound_at(token, service.kept.runs.show(run).target, service)
    elif request.asked.target:
        allowed(token, request.asked.target)
    else:
        bound_in(token, request.asked.repo, service)


def bound_at(token: Token, key: str, service: Service) -> None:
    """Raises Problem where what the record calls so is none of the token's targets."""
    if token.targets and not set(token.targets) & set(names_of_target(key, service.configuration)):
        allowed(token, "")


def bound_in(token: Token, repo: str, service: Service) -> None:
    """Raises Problem where none of the token's targets is of that repository."""
    targets = service.configuration.targets
    if token.targets and repo not in {targets[name].repo for name in token.targets if name in targets}:
        raise Problem(403, "repo-not-allowed", "this token is bound to targets of other repositories")


def unbound(token: Token) -> None:
    """Raises Problem where a token is bound to targets: what is asked concerns all of them."""
    if token.targets:
        raise Problem(403, "target-not-allowed", "this concerns every target, and the token is bound to some", targets=list(token.targets))
