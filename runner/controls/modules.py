"""Which modules of the base a change is in, and which others may do otherwise because of it, though it leaves them alone."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.controls.definitions import MODULE, Both, definitions
from runner.controls.subject import ChangedFile, Subject
from runner.model.change import FileChange, Status
from runner.ports import Importer, Trees
from runner.trial.importable import changed_modules

MOST_READ = 400
"""Files that are searched for examples."""
MOST_DOCUMENTED = 12
"""Unchanged modules whose examples are asked."""
LONGEST = 500_000
"""Bytes of a file that is searched."""
_FILE = "100644"


class Documented(NamedTuple):
    """An unchanged file with examples in its docstrings."""

    path: str
    both: Both


class Modules(NamedTuple):
    """Modules that the base offers for import; those that are not changed are what the suite runs, or what has examples."""

    changed: Mapping[str, ChangedFile]
    """By name."""
    others: Mapping[str, str]
    """Names by path."""
    stirred: Mapping[str, str]
    """Those of the others that may do otherwise: all, where a module does other things on import; else those beside changed data."""
    documented: Mapping[str, Documented]
    """By name, those that mention a changed module, or lie beside changed data."""

    @property
    def paths(self) -> Mapping[str, str]:
        """The files of all of them by name."""
        found = {name: path for path, name in self.others.items()} | {name: each.path for name, each in self.documented.items()}
        return found | {name: file.path for name, file in self.changed.items()}


def modules_of(subject: Subject, importer: Importer) -> Modules:
    """The modules of one change; files of the base are hostile, too, and parsed in a child with limits."""
    trees, tree = subject.trees, subject.bench.base_tree
    folders = data_folders(trees, tree, (file.path for file in subject.change.files if file.path not in subject.tests_side))
    changed = _changed(subject, importer)
    named = {file.path for file in subject.change.files}
    run = (function.path for function in subject.recording.functions)
    others = _named(subject, importer, (path for path in dict.fromkeys(run) if path not in named))
    all_of_them = any(MODULE in file.both.changed for file in subject.files)
    stirred = {path: name for path, name in others.items() if all_of_them or _is_beside(path, folders)}
    return Modules(changed, others, stirred, _documented(subject, importer, folders))


def data_folders(trees: Trees, tree: str, paths: Iterable[str]) -> frozenset[str]:
    """The outermost package around each of these files that is no Python source; nothing for files that lie in no package."""
    known: dict[str, bool] = {}

    def is_package(folder: str) -> bool:
        if folder not in known:
            known[folder] = any(entry.path == b"__init__.py" for entry in trees.listing(tree, folder))
        return known[folder]

    around = [reversed([str(each) for each in PurePosixPath(path).parents][:-1]) for path in paths if not path.endswith(".py")]
    found = [next((folder for folder in folders if is_package(folder)), "") for folders in around]
    return frozenset(filter(None, found))


def _is_beside(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _changed(subject: Subject, importer: Importer) -> Mapping[str, ChangedFile]:
    """The changed modules by name; one that is gone may be there by another way."""
    by_path = {file.path: file for file in subject.files if file.base is not None}
    return {name: by_path[path] for path, name in _named(subject, importer, by_path).items()}


def _named(subject: Subject, importer: Importer, paths: Iterable[str]) -> Mapping[str, str]:
    """The names by which the base offers files for import, by path."""
    files = [
        FileChange(name=path.encode(), path=path, status=Status.MODIFIED, old_mode=_FILE, new_mode=_FILE, old_blob="", new_blob="")
        for path in paths
        if path.isprintable()
    ]
    return {path: name for name, path in changed_modules(subject.trees, subject.bench.base_tree, files, importer.roots).items()}


def _documented(subject: Subject, importer: Importer, folders: frozenset[str]) -> Mapping[str, Documented]:
    stems = {_stem(file.path) for file in subject.files}
    named = {file.path for file in subject.change.files}
    entries = {
        entry.path.decode(): entry.blob
        for entry in subject.trees.entries(subject.bench.base_tree)
        if entry.path.endswith(b".py") and entry.mode.startswith("100") and entry.path.isascii()
    }
    names = _named(subject, importer, [path for path in entries if path not in named])
    read = subject.trees.blobs([entries[path] for path in [*names][:MOST_READ]])
    texts = {path: read.get(entries[path], b"") for path in [*names][:MOST_READ]}
    mention = re.compile(rb"\b(?:" + b"|".join(re.escape(stem.encode()) for stem in sorted(stems) or ["\0"]) + rb")\b")
    chosen = [
        path
        for path, text in texts.items()
        if b">>>" in text and len(text) <= LONGEST and (mention.search(text) or _is_beside(path, folders))
    ][:MOST_DOCUMENTED]
    both = definitions([(texts[path], texts[path]) for path in chosen])
    return {names[path]: Documented(path, each) for path, each in zip(chosen, both, strict=True)}


def _stem(path: str) -> str:
    """What other modules call a file by: a package's `__init__` by its folder."""
    plain = PurePosixPath(path)
    return plain.parent.name if plain.stem == "__init__" else plain.stem
