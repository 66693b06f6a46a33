"""Which functions of a Python file a change alters, and which of its functions can be asked about; read without running anything."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from runner.model.value import Value
from runner.parsing import Parse, Source, parse

MODULE = "<module>"
"""Stands for what a module does outside functions and classes."""
_INSIDE = Path(__file__).parent / "inside"


class Parameter(NamedTuple):
    """A parameter that a call must give; `annotation` as it is written, empty where there is none."""

    name: str
    annotation: str
    named: bool
    """Whether it can be given by keyword only."""


class Imported(NamedTuple):
    """A name that a module takes from another: `from ..module import name as here`."""

    level: int
    module: str
    name: str
    here: str

    def places(self, within: str) -> tuple[str, ...]:
        """The modules that may be meant in the module `within`: whether that is a package, its name does not tell."""
        if not self.level:
            return (self.module,)
        parts = within.split(".")
        folders = [parts[: len(parts) - up] for up in (self.level - 1, self.level) if up < len(parts)]
        return tuple(".".join(filter(None, (*folder, self.module))) for folder in folders)


class Definition(Value):
    """A function, a class, or the module itself, by its qualified name."""

    name: str
    kind: str
    """`function`, `method`, `class method`, `property`, `class` or `module`."""
    doc: str
    """The docstring as it stands."""
    parameters: tuple[Parameter, ...]
    """Those that a call must give; a class's are the annotated names of its body."""
    digest: str
    """Of its text without docstrings, comments and layout; a class's without its functions."""
    uses: frozenset[str]
    """Names that occur in it."""
    imports: tuple[Imported, ...] = ()
    """Of a module."""

    @property
    def public(self) -> bool:
        """Whether no part of its name begins with an underscore; `__init__` stands for its class."""
        return all(not part.startswith("_") or part == "__init__" for part in self.name.split("."))

    @property
    def callable(self) -> bool:
        """Whether it can be called, or read as a property is."""
        return self.kind not in ("class", "module")


class Both(NamedTuple):
    """One file on both sides, definitions by qualified name; `None` for a side that is absent or cannot be parsed."""

    base: dict[str, Definition] | None
    patched: dict[str, Definition] | None

    @property
    def shared(self) -> tuple[str, ...]:
        """Functions and methods that both sides have."""
        if self.base is None or self.patched is None:
            return ()
        return tuple(name for name, found in self.base.items() if found.callable and name in self.patched and self.patched[name].callable)

    @property
    def gone(self) -> tuple[str, ...]:
        """Functions and methods that the base defines here and the patched file, or what is left of it, does not: a name may still lead there."""
        if self.base is None:
            return ()
        patched = self.patched or {}
        return tuple(name for name, found in self.base.items() if found.callable and not (name in patched and patched[name].callable))

    @property
    def changed(self) -> tuple[str, ...]:
        """What `changed_functions` gives."""
        if self.base is None or self.patched is None:
            return (MODULE,)
        names = dict.fromkeys((*self.base, *self.patched))
        altered = [name for name in names if _digest(self.base, name) != _digest(self.patched, name)]
        return tuple(altered)

    @property
    def altered_classes(self) -> tuple[str, ...]:
        """Classes of the base whose body differs, or that gain or lose a function: what their objects do may be another thing."""
        if self.base is None or self.patched is None:
            return tuple(name for name, found in (self.base or {}).items() if found.kind == "class")
        moved = {name.rpartition(".")[0] for name in self.changed if not (name in self.base and name in self.patched)}
        altered = moved | {*self.changed}
        return tuple(name for name, found in self.base.items() if found.kind == "class" and name in altered)

    def taken_over(self, name: str) -> bool:
        """Whether the patched file does something with a name that the base only imports: it takes it elsewhere, binds or defines it."""
        if self.base is None or self.patched is None:
            return True
        base, patched = self.base[MODULE], self.patched[MODULE]
        rows = [[each for each in side.imports if each.here == name] for side in (base, patched)]
        return rows[1] not in ([], rows[0]) or name in self.patched or (name in patched.uses and name not in base.uses)

    def users(self, name: str) -> frozenset[str]:
        """Functions of both sides that use a function by name, directly or through others of the file."""
        return self._reaching((name,)) - {name}

    @property
    def meant(self) -> tuple[str, ...]:
        """Functions of both sides whose behaviour the change may alter.

        The changed ones, those of changed classes, those of the file that use one of these by name, directly or not, and with
        `<module>` all public ones.
        """
        changed = self.changed
        if not changed or self.base is None or self.patched is None:
            return ()
        reached = self._reaching(changed)
        return tuple(name for name in self.shared if name in reached or (MODULE in reached and self.base[name].public))

    def _reaching(self, start: Collection[str]) -> frozenset[str]:
        """These, and the functions of both sides that lead to them: what stands in a class, and what uses a name of them."""
        members, users = self._index
        reached, waiting = set(start), list(start)
        while waiting:
            name = waiting.pop()
            words = name.split(".")[-2:] if name.endswith(".__init__") else [name.rpartition(".")[2]]
            for other in (*members.get(name, ()), *(user for word in words for user in users.get(word, ()))):
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        return frozenset(reached)

    @property
    def _index(self) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
        """The functions of both sides by what they stand in, and by the names that they use."""
        members: dict[str, list[str]] = {}
        users: dict[str, list[str]] = {}
        for name in self.shared:
            members.setdefault(name.rpartition(".")[0], []).append(name)
            for used in {word for side in (self.base, self.patched) if side is not None for word in side[name].uses}:
                users.setdefault(used, []).append(name)
        return members, users


def definitions(pairs: Iterable[tuple[bytes | None, bytes | None]]) -> tuple[Both, ...]:
    """Both sides of files, each a pair of base and patched content. Hostile content is parsed in a child with limits."""
    sides = [side for pair in pairs for side in pair]
    answers = iter(parse([Source("definitions:read", side) for side in sides if side is not None], _INSIDE))
    read = [None if side is None else _side(next(answers)) for side in sides]
    return tuple(Both(*pair) for pair in zip(read[::2], read[1::2], strict=True))


def changed_functions(base: bytes | None, patched: bytes | None) -> tuple[str, ...]:
    """Qualified names of functions and methods whose text differs, docstrings, comments and layout aside.

    A class stands for what its body holds beside functions, and `<module>` for the same of the module, or for a side that is
    absent or cannot be parsed: then all its public functions are meant.
    """
    (found,) = definitions([(base, patched)])
    return found.changed


def _side(answer: Parse) -> dict[str, Definition] | None:
    if answer.state != "fine":
        return None
    found = [Definition.model_validate_json(json.dumps(each)) for each in json.loads(answer.data)]
    return {each.name: each for each in found}


def _digest(side: dict[str, Definition], name: str) -> str:
    return side[name].digest if name in side else ""
