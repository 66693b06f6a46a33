"""What a token that is bound to targets may see and do: with those, with their repositories, and nothing that concerns others."""

from runner.api.access import allowed, among
from runner.api.problems import Problem
from runner.store.reach import Reach
from runner.store.tokens import Token
from runner.wiring import naming
from runner.wiring.naming import names_of_target
from runner.wiring.serving import Service


def reach_of(token: Token, service: Service) -> Reach | None:
    """The runs that a token may see; `None`: all."""
    return naming.reach_of(token.targets, service.configuration) if token.targets else None


def sees(token: Token, key: str, service: Service) -> bool:
    """Whether what the record calls so is a target that a token may see."""
    return not token.targets or bool(set(token.targets) & set(names_of_target(key, service.configuration)))


def repos_of(token: Token, service: Service) -> frozenset[str]:
    """The names of the repositories that a token may see."""
    known = service.configuration
    return frozenset({known.targets[name].repo for name in token.targets if name in known.targets} if token.targets else known.repos)


def targets_of(token: Token, service: Service) -> frozenset[str]:
    """The names of the targets that a token may see."""
    return frozenset(name for name in service.configuration.targets if not token.targets or name in token.targets)


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
    if not sees(token, key, service):
        allowed(token, "")


def bound_of(token: Token, backup: str, service: Service) -> None:
    """Raises Problem where a backup is of none of the token's targets."""
    if not any(sees(token, one.target, service) for one in service.kept.backups.all()[0] if one.id == backup):
        bound_at(token, "", service)


def bound_in(token: Token, repo: str, service: Service) -> None:
    """Raises Problem where none of the token's targets is of that repository."""
    if token.targets and repo not in repos_of(token, service):
        raise Problem(
            403, "repo-not-allowed", "this token is bound to targets of other repositories", hint=among(repo, repos_of(token, service))
        )


def own(token: Token, run: str, service: Service) -> bool:
    """Whether a server was asked for a run by that token, or by one of the same name."""
    request = service.kept.requests.load(run)
    return request is not None and (token.id == request.token or token.name == request.asked.author)


def may_cancel(token: Token, run: str, service: Service) -> bool:
    """Whether a token may cancel a run: its own as who submits, those of others as who operates."""
    return "operate" in token.scopes or ("submit" in token.scopes and own(token, run, service))


def unbound(token: Token) -> None:
    """Raises Problem where a token is bound to targets: what is asked concerns all of them."""
    if token.targets:
        raise Problem(403, "target-not-allowed", "this concerns every target, and the token is bound to some", targets=list(token.targets))
