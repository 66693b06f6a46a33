"""Which changed files are modules that can be imported by name, and by which; scripts, data and tests are not."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from runner.model.change import FileChange, Status
from runner.model.names_of_tests import TEST_FOLDERS, is_test_module
from runner.ports import Trees
from runner.trial.roots import NOT_IMPORTED, NOT_PACKAGES

_FOLDER = "040000"
_NEVER = frozenset({*NOT_IMPORTED, "__main__"})


def changed_modules(trees: Trees, tree: str, files: Iterable[FileChange], roots: Sequence[str]) -> Mapping[str, str]:
    """Paths by module name, shortest names first, of those of `files` that `tree` offers for import.

    `roots` are folders on the import path beside the root of the tree. A file must lie in one of them or in a package below; a row
    of packages from the tree's root must have no gap, and modules in the root itself count only when the project keeps its code
    there: what lies there otherwise is a script.
    """
    folders = _Folders(trees, tree)
    named = sorted({root for root in roots if root not in ("", ".")}, key=len, reverse=True)
    scattered = bool(named) or folders.has_packages()
    found = {}
    for file in files:
        if _is_python(file):
            name = _name(PurePosixPath(file.path), named, folders, scattered=scattered)
            if name:
                found[name] = file.path
    return dict(sorted(found.items(), key=lambda pair: (pair[0].count("."), pair[0])))


def offers(trees: Trees, tree: str, name: str, roots: Sequence[str]) -> bool:
    """Whether a tree holds a module or a folder of this top-level name at one of its import roots."""
    wanted = {name.encode("utf-8", "surrogateescape"), f"{name}.py".encode("utf-8", "surrogateescape")}
    return any(entry.path in wanted for root in ("", *roots) for entry in trees.listing(tree, root))


def _is_python(file: FileChange) -> bool:
    return file.status is not Status.DELETED and file.new_mode.startswith("100") and file.path.endswith(".py") and file.utf8


def _name(path: PurePosixPath, roots: Sequence[str], folders: "_Folders", *, scattered: bool) -> str:
    if path.stem in _NEVER or is_test_module(path.name) or any(part.lower() in TEST_FOLDERS for part in path.parts[:-1]):
        return ""
    root = next((root for root in roots if path.is_relative_to(root)), "")
    inner = path.relative_to(root) if root else path
    packages = inner.parts[:-1]
    if not packages and not root and scattered:
        return ""
    tail = () if path.stem == "__init__" else (path.stem,)
    names = (*packages, *tail)
    if not names or not all(part.isidentifier() for part in names):
        return ""
    rows = [folders.is_package("/".join((*filter(None, (root,)), *packages[: depth + 1]))) for depth in range(len(packages))]
    whole = all(rows) and packages[:1] not in [(name,) for name in NOT_PACKAGES]
    # below a declared root the outer folders may be a namespace: not packages, and then packages down to the file
    namespace = bool(root) and rows[-1:] in ([], [True]) and rows == sorted(rows)
    return ".".join(names) if (whole or namespace) else ""


class _Folders:
    """What the folders of a tree are."""

    def __init__(self, trees: Trees, tree: str) -> None:
        self._trees, self._tree = trees, tree
        self._known: dict[str, bool] = {}

    def is_package(self, folder: str) -> bool:
        """Whether a folder has an `__init__.py`."""
        if folder not in self._known:
            self._known[folder] = any(entry.path == b"__init__.py" for entry in self._trees.listing(self._tree, folder))
        return self._known[folder]

    def has_packages(self) -> bool:
        """Whether the root of the tree holds a package."""
        names = [entry.path.decode("utf-8", "replace") for entry in self._trees.listing(self._tree) if entry.mode == _FOLDER]
        return any(self.is_package(name) for name in names if name not in NOT_PACKAGES)
