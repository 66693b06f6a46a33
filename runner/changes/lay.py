"""Lays files over a base tree by name, exactly or not at all."""

from collections.abc import Collection, Mapping

from runner.changes.sides import Base
from runner.errors import ChangeRefused
from runner.git.objects import PrivateObjects
from runner.git.trees import DIRECTORY, Entry
from runner.model.change import DEEPEST
from runner.model.text import printable, shown

_LONGEST = 4000


def fault_of(name: bytes) -> str:
    """Why a name cannot be that of a file in a tree; empty when it can. What else is wrong with it is for the intake to say."""
    components = name.split(b"/")
    if name.startswith(b"/"):
        return "is absolute; names start at the top of the repository"
    if b"\0" in name or not all(components):
        return "is no name of a file"
    if b".." in components or b"." in components:
        return "has '.' or '..' in it; names start at the top of the repository"
    if any(component.lower() == b".git" for component in components):
        return "is inside a .git directory"
    if len(components) > DEEPEST or len(name) > _LONGEST:
        return "is too deep or too long"
    return ""


def lay(objects: PrivateObjects, base: Base, deleted: Collection[bytes], written: Mapping[bytes, Entry]) -> str:
    """The id of the base's tree without `deleted` and with `written`; raises ChangeRefused when a file and a directory meet."""
    tree = objects.rewrite(objects.tree_of(base.commit), dict.fromkeys(deleted))
    for name in written:
        above = next((top for top in _above(name) if top in written), None)
        if above is not None:
            raise ChangeRefused(f"'{said(above)}' would be both a file and the directory of '{said(name)}'")
        there = objects.find(tree, name)
        if there is not None and there.mode == DIRECTORY:
            raise ChangeRefused(f"'{said(name)}' would be a file and is a directory in {base.label}", hint="Delete what is in it, too.")
        if there is None and not objects.free(tree, name):
            raise ChangeRefused(
                f"'{said(name)}' cannot be added: what leads to it is a file, a link or a submodule in {base.label}",
                hint="Delete that, too.",
            )
    return objects.rewrite(tree, dict(written))


def said(name: bytes) -> str:
    """A name for a message."""
    text = printable(shown(name))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_SHOWN = 200


def _above(name: bytes) -> list[bytes]:
    parts = name.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]
