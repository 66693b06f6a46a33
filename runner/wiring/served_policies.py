"""Which policies a server judges by."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from runner.changes.kinds import Kind
from runner.changes.start import start_of
from runner.errors import InfrastructureError, PolicyInvalid, UsageError
from runner.git.objects import PrivateObjects
from runner.model.configuration import Configuration, Repository
from runner.model.text import printable
from runner.policy.load import Loaded, load_policy, load_text
from runner.policy.text import sources, values
from runner.sandbox import live
from runner.store.places import claim, places
from runner.store.promotions import SqlPromotions
from runner.targets.spec import parse
from runner.wiring.policies import policy_here
from runner.wiring.trusted import policy_of


class Served(NamedTuple):
    """The policy of a repository (for checks) or of a target (for submits), or why there is none that can be used."""

    kind: str
    """`repo` or `target`."""
    name: str
    loaded: Loaded | None
    problems: tuple[str, ...] = ()


def served_policies(configuration: Configuration, repos: Iterable[str], targets: Iterable[str]) -> Iterator[Served]:
    """The policy of each of these repositories and targets that a server serves."""
    yield from (_served("repo", name, configuration) for name in sorted(repos))
    yield from (_served("target", name, configuration) for name in sorted(targets))


def served_policy(kind: str, name: str, configuration: Configuration) -> Loaded:
    """The policy that a check of a repository, or a submit to a target, would be judged by at this moment.

    Raises UsageError where there is none of that name or its policy is not known, PolicyInvalid where it cannot be used.
    """
    if name not in (configuration.repos if kind == "repo" else configuration.targets):
        raise UsageError(f"there is no {kind} '{name}'")
    if kind == "repo":
        repo = configuration.repos[name]
        return load_policy(Path(repo.policy)) if repo.policy else policy_here(None, _here(name, repo))
    target = configuration.targets[name]
    if target.policy:
        return load_policy(Path(target.policy))
    return _of_target(target.target, _here(target.repo, configuration.repos[target.repo]))


def shown_policy(loaded: Loaded) -> dict[str, Any]:
    """A policy resolved, with the place of every key, as JSON data."""
    return {
        "source": loaded.source,
        "digest": loaded.digest,
        "policy": values(loaded),
        "where": sources(loaded),
        "warnings": list(loaded.warnings),
    }


def linted(text: bytes, name: str) -> tuple[Loaded | None, tuple[str, ...]]:
    """The policy in a text, or what is wrong in it, each as `name:line:column: …`."""
    try:
        return load_text(text, name), ()
    except PolicyInvalid as invalid:
        return None, invalid.problems


def _served(kind: str, name: str, configuration: Configuration) -> Served:
    try:
        return Served(kind, name, served_policy(kind, name, configuration))
    except PolicyInvalid as invalid:
        return Served(kind, name, None, invalid.problems)
    except (UsageError, InfrastructureError) as problem:
        return Served(kind, name, None, (printable(str(problem)),))


def _here(name: str, repo: Repository) -> Path:
    """Raises UsageError for a repository that is elsewhere: to answer a question, nothing is fetched."""
    if repo.url:
        hint = "Name a policy in the configuration to have it shown."
        raise UsageError(f"the repository '{name}' is elsewhere, and its policy is read when a run fetches it", hint=hint)
    return Path(repo.path)


def _of_target(target: str, repo: Path) -> Loaded:
    """That of what the target holds, as a submit of a diff finds it; nothing is written but to a scratch folder."""
    where = places()
    spec = parse(target)
    others = (spec.path,) if spec.kind == "git" else ()
    promotions = SqlPromotions(where.state)
    try:
        with (
            live.scratch(claim(where.cache) / "live") as folder,
            PrivateObjects(repo, folder / "objects", others=others) as objects,
        ):
            return policy_of(spec, objects, start_of("-", objects=objects, base=None, kind=Kind.DIFF), promotions, where)
    finally:
        promotions.close()
