"""Lock files: whether they and their manifests agree, and whether what they pin is what it was."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from runner.parsing import Source, parse
from runner.validators.supply.manifest import at, table

LOCKS_OF = {
    "pyproject.toml": ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"),
    "pipfile": ("Pipfile.lock",),
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"),
    "go.mod": ("go.sum",),
    "cargo.toml": ("Cargo.lock",),
}
"""Lock files that stand beside a manifest, by the manifest's name in small letters."""
NAMES = frozenset(lock.lower() for locks in LOCKS_OF.values() for lock in locks)
MOST_BYTES = 8 * 2**20


class Pins(NamedTuple):
    """What a lock file pins: the digests of each artefact, where they come from, and the packages; `None` for what it does not tell."""

    digests: Mapping[str, str]
    hosts: frozenset[str]
    names: frozenset[str] | None


def is_lock(path: str) -> bool:
    """Whether a path names a lock file."""
    return PurePosixPath(path).name.lower() in NAMES


def pins(path: str, content: bytes) -> Pins | None:
    """What a lock file pins; `None` for one that cannot be read, or is of a kind that is not read here."""
    name = PurePosixPath(path).name.lower()
    if name == "go.sum":
        return _go_sum(content)
    if name not in _READ or len(content) > MOST_BYTES:
        return None
    data = _data(name, content)
    return _READ[name](data) if isinstance(data, dict) else None


def _data(name: str, content: bytes) -> Any:
    if name.endswith((".json", "pipfile.lock")):
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            return None
    (read,) = parse([Source("toml-data", content)])
    return json.loads(read.data) if read.state == "fine" else None


def changed_digests(old: Pins, new: Pins) -> list[str]:
    """Artefacts of the same name and version whose digest is another one, by the same algorithm: what is published does not change."""
    both = old.digests.keys() & new.digests.keys()
    return sorted(name for name in both if old.digests[name] != new.digests[name] and _kind(old.digests[name]) == _kind(new.digests[name]))


def _kind(digest: str) -> str:
    return re.split(r"[:-]", digest)[0]


def _toml(data: Mapping[str, Any]) -> Pins:
    digests, hosts, names = {}, set(), set()
    for package in (*_maps(data.get("package")), *_maps(data.get("packages"))):
        name = str(package.get("name", "")).lower()
        label = f"{name} {package.get('version', '')}"
        names.add(re.sub(r"[-_.]+", "-", name))
        hosts |= {found for key in ("registry", "git", "url") if (found := host(at(package, "source", key)))}
        if isinstance(package.get("source"), str):
            hosts |= {found for found in (host(package["source"]),) if found}
        if isinstance(package.get("checksum"), str):
            digests[label] = f"sha256:{package['checksum']}"
        for file in (*_maps(package.get("files")), *_maps(package.get("wheels")), *_maps([package.get("sdist")])):
            place = str(file.get("file") or file.get("url") or file.get("name") or "")
            hosts |= {found for found in (host(file.get("url")),) if found}
            if place and isinstance(file.get("hash"), str):
                digests[f"{label} {place.rpartition('/')[2]}"] = file["hash"]
    return Pins(digests, frozenset(hosts), frozenset(names))


def _pipfile(data: Mapping[str, Any]) -> Pins:
    hosts = frozenset(found for one in _maps(at(data, "_meta", "sources")) if (found := host(one.get("url"))))
    return Pins({}, hosts, frozenset(name.lower() for key in ("default", "develop") for name in table(data.get(key))))


def _npm(data: Mapping[str, Any]) -> Pins:
    digests, hosts, names = {}, set(), set()
    todo = [*table(data.get("packages")).items(), *table(data.get("dependencies")).items()]
    while todo:
        path, package = todo.pop()
        name = path.rpartition("node_modules/")[2]
        if not name or not isinstance(package, Mapping):
            continue
        names.add(name.lower())
        hosts |= {found for found in (host(package.get("resolved")),) if found}
        if isinstance(package.get("integrity"), str):
            digests[f"{name} {package.get('version', '')}"] = package["integrity"]
        todo += table(package.get("dependencies")).items() if "version" in package and "requires" in package else ()
    return Pins(digests, frozenset(hosts), frozenset(names))


def _go_sum(content: bytes) -> Pins:
    rows = [line.split() for line in content.decode("utf-8", "replace").splitlines()]
    return Pins({f"{row[0]} {row[1]}": row[2] for row in rows if len(row) == 3}, frozenset(), None)  # noqa: PLR2004  module, version, digest


def host(address: Any) -> str:
    """The host of an address, without whoever is named in it; empty when there is none."""
    found = re.match(r"(?:[a-z+]+://)(?:[^/@\s]*@)?([^/:?#\s]+)", address, re.IGNORECASE) if isinstance(address, str) else None
    return found[1].lower()[:100] if found else ""


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else iter(())


_READ: dict[str, Callable[[Mapping[str, Any]], Pins]] = {
    "poetry.lock": _toml,
    "uv.lock": _toml,
    "pdm.lock": _toml,
    "pylock.toml": _toml,
    "cargo.lock": _toml,
    "pipfile.lock": _pipfile,
    "package-lock.json": _npm,
    "npm-shrinkwrap.json": _npm,
}
