"""Which files of the base tree decide what an installed project looks like, so that only they make a new image."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from runner.ports import TreeEntry, Trees

BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in")
_LOCKS = ("poetry.lock", "pdm.lock", "uv.lock", "pylock.toml", "Pipfile", "Pipfile.lock", "environment.yml", "hatch.toml", "pdm.toml")
_VERSION_FILES = frozenset({b"__about__.py", b"_version.py", b"version.py", b"__version__.py", b"VERSION", b"version.txt"})
_REQUIREMENTS = re.compile(rb"requirements.*\.(?:txt|in)|constraints.*\.txt")
_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)
_LOCAL = re.compile(r"^\s*(?:-e|--editable|\.)", re.MULTILINE)
_EXTENSIONS = re.compile(
    r"ext_modules|ext-modules|Extension\(|cythonize|mypycify|cffi_modules|mesonpy|meson-python|scikit.build|maturin|setuptools.rust"
)
_NATIVE = (
    b".c",
    b".h",
    b".cc",
    b".cpp",
    b".cxx",
    b".hpp",
    b".pyx",
    b".pxd",
    b".pxi",
    b".rs",
    b".f",
    b".f90",
    b".build",
    b"CMakeLists.txt",
    b"Cargo.toml",
    b"Cargo.lock",
)
_TREE = "040000"


@dataclass(frozen=True)
class BuildInputs:
    """The build files' texts, for reading, and the digest over everything that the build depends on."""

    texts: tuple[str, ...]
    digest: str


def build_inputs(trees: Trees, tree: str, requirements: Iterable[str], *, project: bool) -> BuildInputs:
    """The inputs that building from `tree` has: requirement files with what they include and, for a project, its build files.

    A requirement file that names the tree itself (`-e .`) makes it a project, too. Sources are no inputs: an editable install
    looks them up when the tests run.
    """
    reachable = reachable_requirements(trees, tree, requirements)
    lines = [f"{path}\0{_blob_digest(trees, tree, path)}" for path in reachable]
    project = project or any(_LOCAL.search(_text(trees.read(tree, path))) for path in reachable)
    texts = tuple(_text(trees.read(tree, name)) for name in BUILD_FILES) if project else ()
    if project:
        lines += [f"{name}\0{sha256(text.encode()).hexdigest()}" for name, text in zip(BUILD_FILES, texts, strict=True)]
        lines += [f"{path}\0{blob}" for path, blob in _project_entries(trees, tree, texts)]
    return BuildInputs(texts, sha256("\n".join(lines).encode()).hexdigest())


def normal_name(name: str) -> str:
    """A name of a package, an extra or a group in the one spelling that all its spellings mean (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def has_project(trees: Trees, tree: str) -> bool:
    """Whether the root of the tree is something that pip can install."""
    return any(trees.read(tree, name) is not None for name in ("pyproject.toml", "setup.py"))


def reachable_requirements(trees: Trees, tree: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The requirement files of the tree and all that they include by `-r` and `-c`, sorted."""
    seen: set[str] = set()
    waiting = [_normal(path) for path in paths]
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith("../"):
            continue
        seen.add(path)
        text = _text(trees.read(tree, path))
        waiting += [_normal(str(PurePosixPath(path).parent / name)) for name in _INCLUDE.findall(text) if "://" not in name]
    return tuple(sorted(seen))


def _project_entries(trees: Trees, tree: str, texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names and blob ids, beside the build files themselves, that the install depends on."""
    dynamic = _version_is_dynamic(texts)
    compiled = bool(_EXTENSIONS.search("\n".join(texts)))
    for folder in ("", "src"):
        for entry in trees.listing(tree, folder):
            yield from _root_entry(trees, tree, folder, entry, dynamic=dynamic, texts=texts)
    if compiled:
        yield from ((_show(entry.path), entry.blob) for entry in trees.entries(tree) if entry.path.endswith(_NATIVE))


def _root_entry(
    trees: Trees, tree: str, folder: str, entry: TreeEntry, *, dynamic: bool, texts: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    name = _show(entry.path)
    path = f"{folder}/{name}" if folder else name
    if entry.mode == _TREE:
        yield from _folder(trees, tree, path, dynamic=dynamic)
        return
    is_input = entry.path in _VERSION_FILES or _REQUIREMENTS.fullmatch(entry.path) or name in _LOCKS
    if is_input or (dynamic and name.endswith(".py") and _named(PurePosixPath(name).stem, texts)):
        yield path, entry.blob
    elif name.endswith(".py"):
        yield path, "module"


def _folder(trees: Trees, tree: str, path: str, *, dynamic: bool) -> Iterator[tuple[str, str]]:
    """A top-level folder: a package counts by name and version files, `requirements/` by its files, other folders not at all."""
    if path == "src":
        return
    entries = trees.listing(tree, path)
    if path == "requirements":
        yield from ((f"{path}/{_show(entry.path)}", entry.blob) for entry in entries if entry.path.endswith((b".txt", b".in")))
        return
    if any(entry.path.endswith(b".py") for entry in entries):
        yield path, "package"
    for entry in entries:
        if entry.path in _VERSION_FILES or (dynamic and entry.path == b"__init__.py"):
            yield f"{path}/{_show(entry.path)}", entry.blob


def _version_is_dynamic(texts: tuple[str, ...]) -> bool:
    """Whether the project's version is read from a source file, as far as its build files tell; a broken file counts as yes."""
    pyproject, setup_py, setup_cfg, _ = texts
    if setup_py or "attr:" in setup_cfg:
        return True
    try:
        project: Any = tomllib.loads(pyproject).get("project", {})
    except tomllib.TOMLDecodeError:
        return True
    return not isinstance(project, dict) or "version" not in project


def _named(stem: str, texts: tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(stem)}(?!\w)", text) for text in texts)


def _blob_digest(trees: Trees, tree: str, path: str) -> str:
    content = trees.read(tree, path)
    return "absent" if content is None else sha256(content).hexdigest()


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in (".", "/"):
            parts.append(part)
    return "/".join(parts)


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")


def _show(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
