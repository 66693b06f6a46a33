"""The same pair of trees by every kind of change gives the same patched tree, whatever lies between them."""

import base64
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.changes.read import read_change
from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]
Tree = dict[bytes, tuple[str, bytes]]
"""Files by name: mode and content."""

F, X, L = "100644", "100755", "120000"
TEXT = b"".join(b"line %d\n" % number for number in range(40))
BASE: Tree = {b"keep.txt": (F, TEXT), b"dir/a.txt": (F, TEXT + b"a\n"), b"run.sh": (X, b"#!/bin/sh\n"), b"link": (L, b"dir")}
CASES: dict[str, tuple[Tree, Tree]] = {
    "rename": ({b"old.txt": (F, TEXT)}, {b"new/name.txt": (F, TEXT)}),
    "rename with an edit and a mode": ({b"old.txt": (F, TEXT)}, {b"new.txt": (X, TEXT + b"more\n")}),
    "copy": ({b"old.txt": (F, TEXT)}, {b"old.txt": (F, TEXT), b"copy.txt": (F, TEXT)}),
    "swap": ({b"x": (F, TEXT), b"y": (F, b"y\n" * 30)}, {b"y": (F, TEXT), b"x": (F, b"y\n" * 30)}),
    "mode alone": ({b"tool": (F, b"x\n")}, {b"tool": (X, b"x\n")}),
    "binary": ({b"b": (F, bytes(range(256)) * 9)}, {b"b": (F, bytes(range(256)) * 9 + b"\0x"), b"c": (F, b"\0\1\2")}),
    "windows lines": ({b"w": (F, b"a\r\nb\r\nc\r\n")}, {b"w": (F, b"a\r\nB\r\nc\r\n")}),
    "to windows lines": ({b"w": (F, b"a\nb\n")}, {b"w": (F, b"a\r\nb\r\n")}),
    "from windows lines": ({b"w": (F, b"a\r\nb\r\n")}, {b"w": (F, b"a\nb\n")}),
    "mixed lines": ({b"w": (F, b"a\r\nb\nc\r")}, {b"w": (F, b"a\nb\r\nc\r\r")}),
    "newline at the end goes": ({b"n": (F, b"a\nb\n")}, {b"n": (F, b"a\nb")}),
    "newline at the end comes": ({b"n": (F, b"a\nb")}, {b"n": (F, b"a\nb\n")}),
    "no newline on either side": ({b"n": (F, b"a\nb")}, {b"n": (F, b"a\nc")}),
    "empty files": ({b"e": (F, b""), b"gone": (F, b"")}, {b"e": (F, b"x"), b"new": (F, b"")}),
    "emptied": ({b"e": (F, TEXT)}, {b"e": (F, b"")}),
    "latin-1 names": ({b"caf\xe9": (F, b"x\n")}, {b"caf\xe9": (F, b"y\n"), b"na\xefve/\xff": (F, b"z\n")}),
    "odd names": ({b"a b": (F, b"x\n")}, {b"a b": (F, b"y\n"), b'q"uo\\te': (F, b"1\n"), b"tab\there": (F, b"2\n"), b"-dash": (F, b"3\n")}),
    "newline in a name": ({}, {b"a\nb": (F, b"x\n")}),
    "unicode names": ({"ünï/日本".encode(): (F, b"x\n")}, {"ünï/日本".encode(): (F, b"y\n")}),
    "file to link": ({b"t": (F, b"keep.txt")}, {b"t": (L, b"keep.txt")}),
    "link to file": ({b"t": (L, b"keep.txt")}, {b"t": (F, b"keep.txt")}),
    "link elsewhere": ({b"t": (L, b"keep.txt")}, {b"t": (L, b"/etc/passwd")}),
    "file to directory": ({b"t": (F, TEXT)}, {b"t/inside": (F, TEXT)}),
    "directory to file": ({b"t/inside": (F, TEXT), b"t/deep/er": (F, b"")}, {b"t": (F, TEXT)}),
    "directory to link": ({b"t/inside": (F, TEXT)}, {b"t": (L, b"dir")}),
    "link to directory": ({b"t": (L, b"dir")}, {b"t/a.txt": (F, b"mine\n")}),
    "attributes": ({b"w.txt": (F, b"a\r\nb\n")}, {b"w.txt": (F, b"a\nb\r\n"), b".gitattributes": (F, b"* text eol=crlf\n")}),
    "ignored by its own rules": ({}, {b".gitignore": (F, b"*.log\n"), b"x.txt": (F, b"x\n")}),
}


def write(folder: Path, tree: Tree) -> None:
    """Make the work tree this, and nothing else."""
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, (mode, content) in tree.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode == L:
            path.symlink_to(os.fsdecode(content))
        else:
            path.write_bytes(content)
            path.chmod(0o755 if mode == X else 0o644)


def diff_of(folder: Path, git_in: GitIn, *options: str) -> bytes:
    """Byte for byte, by way of a file."""
    out = folder / ".git" / "out.diff"
    git_in(folder, "-c", "core.autocrlf=false", "diff", *options, f"--output={out}", "base", "head")
    return out.read_bytes()


def by_every_kind(folder: Path, private: Path, git_in: GitIn, before: Tree, after: Tree) -> dict[str, str]:
    """The patched tree by each kind; the repository has `base` and `head` committed, and the work tree is `after`, uncommitted."""
    exact = ("-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null")
    git_in(folder, "init", "-q")
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "attributes").write_text("* -text -eol -ident -filter -diff\n* !diff\n")
    for name, tree in (("base", before), ("head", after)):
        write(folder, tree)
        git_in(folder, *exact, "add", "-A", "-f")
        git_in(folder, "commit", "-q", "--allow-empty", "-m", name)
        git_in(folder, "tag", name)
    (folder / ".git" / "info" / "attributes").unlink()
    changed = {name: entry for name, entry in after.items() if before.get(name) != entry}
    over = private / "over"
    over.mkdir(parents=True)
    gone = [name for name in before if name not in after]
    write(over, {} if gone else changed)
    edits = [{"path": name.decode(), "delete": True} for name in gone if _utf8(name)]
    for name, (mode, content) in changed.items():
        if _utf8(name):
            edits.append({"path": name.decode(), "content_base64": base64.b64encode(content).decode(), "mode": mode})
    with PrivateObjects(folder, private / "objects") as objects:
        truth = objects.tree_of(objects.resolve("head"))
        trees = {"truth": truth}
        for kind, options in (
            ("diff", ("--binary", "--full-index")),
            ("diff with renames and copies", ("--binary", "--full-index", "-M", "-C", "-C")),
            ("diff without context", ("--binary", "--full-index", "--no-renames", "--patience")),
        ):
            trees[kind] = read_change("-", objects=objects, base="base", stdin=diff_of(folder, git_in, *options)).tree
        for spec in ("base..head", "base...head"):
            trees[spec] = read_change(spec, objects=objects).tree
        trees["revision"] = read_change("head", objects=objects, base="base").tree
        if all(map(_utf8, (*gone, *changed))):
            trees["edits"] = read_change("-", objects=objects, base="base", stdin=json.dumps(edits).encode()).tree
        if not gone:
            trees["overlay"] = read_change(str(over), objects=objects, base="base").tree
    for state in ("committed", "staged", "unstaged"):
        git_in(folder, *exact, "reset", "-q", {"committed": "--soft", "staged": "--soft", "unstaged": "--mixed"}[state], _TO[state])
        with PrivateObjects(folder, private / state) as objects:
            trees[state] = read_change(None, objects=objects, base="base").tree
    return trees


_TO = {"committed": "head", "staged": "base", "unstaged": "base"}


def _utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_every_kind_gives_the_same_tree(tmp_path: Path, git_in: GitIn, case: str) -> None:
    before, after = ({**BASE, **side} for side in CASES[case])
    (tmp_path / "r").mkdir()
    trees = by_every_kind(tmp_path / "r", tmp_path / "p", git_in, before, after)
    assert set(trees.values()) == {trees["truth"]}, trees


NAMES = [
    b"a", b"b", b"c/d", b"c/e", b"c/f/g", b"c", b"a/h", b"b.txt", b"\xe9", b"x y", "ü".encode(), b"c/\xff/q", b"-", b".gitattributes"
]  # fmt: skip
PIECES = [b"", b"\n", b"one\n", b"two\r\n", b"\0\1", b"no end", b"$Id$\n", b"\r", TEXT, b"* text=auto eol=crlf\n", b"\xff\xfe"]


def a_tree(chance: random.Random) -> Tree:
    """Random files, no name below another."""
    tree: Tree = {}
    for name in chance.sample(NAMES, chance.randint(1, 9)):
        if not any(name.startswith(other + b"/") or other.startswith(name + b"/") for other in tree):
            mode = chance.choice((F, F, F, X, L)) if name != b".gitattributes" else F
            content = b"".join(chance.choices(PIECES, k=chance.randint(0, 4)))
            tree[name] = (mode, chance.choice((b"a", b"c/d", b"/nowhere"))) if mode == L else (mode, content)
    return tree


@pytest.mark.parametrize("seed", range(int(os.environ.get("SEATRIAL_PAIRS", "24"))))
def test_every_kind_gives_the_same_tree_for_random_pairs(tmp_path: Path, git_in: GitIn, seed: int) -> None:
    chance = random.Random(seed)
    before, after = a_tree(chance), a_tree(chance)
    if chance.random() < 0.5:
        after = {**before, **{name: entry for name, entry in after.items() if _fits(name, before)}}
    if before == after:
        after = {**after, b"zz": (F, b"")}
    (tmp_path / "r").mkdir()
    trees = by_every_kind(tmp_path / "r", tmp_path / "p", git_in, before, after)
    assert set(trees.values()) == {trees["truth"]}, (trees, before, after)


def _fits(name: bytes, tree: Tree) -> bool:
    return not any(name.startswith(other + b"/") or other.startswith(name + b"/") for other in tree)
