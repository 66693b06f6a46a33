"""Which target of the record a server means by a name, by which names it serves one, and all that belongs to some of them."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from runner.errors import UsageError
from runner.model.configuration import Configuration
from runner.model.text import shown
from runner.store.reach import Reach
from runner.targets.spec import Spec, parse
from runner.wiring.repositories import clone_of

_OWN: Final = "refs/heads/seatrial/"
"""Where the branches lie that runs make of their own, to a target without a ref."""


def key_of_target(name: str, configuration: Configuration) -> str:
    """What the record calls the target that a server serves by that name. Raises UsageError where there is none, or it has no ref."""
    target = configuration.targets.get(name)
    if target is None:
        raise UsageError(f"there is no target '{name}'", hint=f"There are: {', '.join(sorted(configuration.targets)) or 'none'}.")
    spec = _whole(parse(target.target))
    if spec.kind == "git" and not spec.ref:
        raise UsageError(f"the target '{name}' is another branch for each run", hint="Nothing is counted by it.")
    return str(spec)


def names_of_target(key: str, configuration: Configuration) -> tuple[str, ...]:
    """The names by which a server serves what the record calls so; none for what it does not serve."""
    try:
        asked = _whole(parse(key))
    except UsageError:  # what checks are counted by, for one
        return ()
    return tuple(sorted(name for name, target in configuration.targets.items() if _same(_whole(parse(target.target)), asked)))


def reach_of(targets: Collection[str], configuration: Configuration) -> Reach:
    """What somebody reaches who is bound to the targets of those names."""
    known = [configuration.targets[name] for name in targets if name in configuration.targets]
    specs = [spec for one in known for spec in _spelled(parse(one.target))]
    repos = sorted({one.repo for one in known})
    paths = [Path(path) for name in repos if (path := configuration.repos[name].path)]
    return Reach(
        targets=tuple(sorted(targets)),
        repos=tuple(repos),
        keys=tuple(str(spec) for spec in specs if spec.kind == "dir" or spec.ref),
        branches=tuple(f"{spec}#{_OWN}" for spec in specs if spec.kind == "git" and not spec.ref),
        folders=tuple(dict.fromkeys(shown(bytes(one)) for path in paths for one in (path, path.resolve()))),
        clones=tuple(f"/{clone_of(name, configuration.repos[name])}" for name in repos if configuration.repos[name].url),
    )


def _spelled(spec: Spec) -> Iterator[Spec]:
    """A target as the record may have it: a repository with a work tree by either of its folders."""
    yield (whole := _whole(spec))
    if spec.kind == "git":
        yield whole._replace(path=whole.path / ".git")


def _same(served: Spec, asked: Spec) -> bool:
    if served.kind == "git" and not served.ref:
        return (asked.kind, asked.path) == ("git", served.path) and asked.ref.startswith(_OWN)
    return served == asked


def _whole(spec: Spec) -> Spec:
    """A repository is called by the folder of its work tree, where it has one."""
    return spec._replace(path=spec.path.parent) if spec.kind == "git" and spec.path.name == ".git" else spec
