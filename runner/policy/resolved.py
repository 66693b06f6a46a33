"""A policy that was read, checked and resolved, and the places its keys came from."""

import hashlib
import json
from dataclasses import dataclass, field

from pydantic import ValidationError

from runner.policy import checks
from runner.policy.faults import faults
from runner.policy.nodes import Map, Path, Places, Problem, Text, places, shown, written
from runner.policy.schema import VERSION, Policy, shipped_schema
from runner.policy.typed import typed


@dataclass(frozen=True)
class Loaded:
    """A policy and where it is from; equal digests mean equal judgement."""

    policy: Policy
    source: str
    """Where it is from, for people: a file name, `.seatrial/policy.yaml of 1a2b3c4`, or `builtin:default`."""
    digest: str
    """sha256 of the canonical JSON of the resolved policy."""
    warnings: tuple[str, ...] = ()
    """What is probably not meant, one line each, as `file:line:column: key: …`."""
    _where: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def places(self) -> dict[str, str]:
        """`file:line` by key path, for every key that the file or the built-in default gives."""
        return self._where

    def where(self, key_path: str) -> str:
        """`file:line` of a key such as `validate.paths.deny`: where the file gives it, else its line of the built-in default.

        For a key that neither has it is the nearest key around it that either has.
        """
        path = key_path
        while path not in self._where and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._where.get(path, self.source)


def canonical(policy: Policy) -> str:
    """The policy's canonical JSON: exact numbers (seconds, bytes), sorted keys; it reads back as the very same policy."""
    return json.dumps(policy.model_dump(by_alias=True), sort_keys=True, separators=(",", ":"))


def digest_of(policy: Policy) -> str:
    """sha256 of the policy's canonical JSON."""
    return hashlib.sha256(canonical(policy).encode()).hexdigest()


def resolve(root: Map, problems: list[Problem], *, source: str, file: str, defaults: Map | None) -> Loaded | None:
    """The resolved policy, or `None` with the reasons added to `problems`; `defaults` are the nodes of the built-in default."""
    if (newer := _newer(root)) is not None:
        problems[:] = [newer]
        return None
    where = dict(places(root))
    schema = shipped_schema()
    misfits: list[Problem] = []
    data = typed(root, schema, schema["$defs"], misfits)
    problems.extend(misfits)
    policy = _validated(data, where, problems, blamed={problem.path for problem in problems})
    if policy is None:
        return None
    for path, what in checks.errors(policy):
        problems.append(Problem(_nearest(path, where).value, path, what))
    lines = {written(path): f"builtin:default:{place.key[0]}" for path, place in places(defaults) if path} if defaults else {}
    lines.update({written(path): f"{file}:{place.key[0]}" for path, place in where.items() if path})
    remarks = tuple(_remark(file, path, what, where) for path, what in checks.warnings(policy))
    return Loaded(policy, source, digest_of(policy), remarks, lines)


def _validated(data: object, where: dict[Path, Places], problems: list[Problem], blamed: set[Path]) -> Policy | None:
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        problems.extend(fault for fault in faults(error, Policy, where) if fault.path not in blamed)
        return None


def _newer(root: Map) -> Problem | None:
    for entry in root.entries:
        if entry.key == "seatrial" and isinstance(entry.value, Text):
            text = entry.value.text
            if text.isascii() and text.isdigit() and len(text) < 10 and int(text) > VERSION:  # noqa: PLR2004  no version is that long
                what = f"found version {shown(text)}, this program reads version {VERSION}; use a newer seatrial"
                return Problem(entry.value.place, ("seatrial",), what)
    return None


def _nearest(path: Path, where: dict[Path, Places]) -> Places:
    while path not in where:
        path = path[:-1]
    return where[path]


def _remark(file: str, path: Path, what: str, where: dict[Path, Places]) -> str:
    line, column = _nearest(path, where).value
    return shown(f"{file}:{line}:{column}: {written(path)}: {what}", 1000)
