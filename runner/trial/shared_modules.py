"""Modules in folders of tests that the program itself imports: the verdict tree has the base's, so nobody tried the change's."""

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from runner.model.names_of_tests import TEST_FOLDERS, is_configuration, is_test_module
from runner.ports import Trees

MOST_FILES = 5000
"""Source files that are read."""
_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t][^\n#]*|import_module\([^)\n]*|__import__\([^)\n]*", re.MULTILINE)
_SEARCH = re.compile(rb"\b(?:iter_modules|walk_packages|spec_from_file_location|import_module|__import__)\b(?!\s*\(\s*[\"'])")
"""What imports by a name that is made from data."""
_WORD = re.compile(rb"\w+")


def importers(trees: Trees, tree: str, tests_side: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each changed Python file of the tests' side, and a source file of `tree` that may import it.

    An import counts by the words in it: one of the folder of tests, which is in the path, or of a test module's own name. At most
    `MOST_FILES` are read; where there are more, the rest counts as importing.
    """
    inner = {path: words for path in tests_side if path.endswith(".py") and (words := _words(path))}
    if not inner:
        return
    names = [entry for entry in trees.entries(tree) if entry.path.endswith(b".py") and entry.mode.startswith("100")]
    sources = {name: entry.blob for entry in names if _is_source(name := entry.path.decode("utf-8", "backslashreplace"))}
    read = trees.blobs(list(sources.values())[:MOST_FILES])
    said = {
        name: frozenset(_WORD.findall(b" ".join(_IMPORT.findall(read[blob])))) if blob in read else None for name, blob in sources.items()
    }
    for path, words in inner.items():
        found = next((name for name, imported in said.items() if imported is None or imported & words), None)
        if found is not None:
            yield path, found


def uncollected(
    trees: Trees, tree: str, tests_side: Collection[str], tests: Collection[str], collected: Collection[str]
) -> tuple[str, ...]:
    """Changed Python files of the tests' side, outside the folders that tests of the base lie in, that the change's own suite collected nothing from.

    `tests` are the files of the base's tests, `collected` those that the change's own suite tried: a name alone makes no test.
    """
    homes = {str(PurePosixPath(path).parent) for path in tests}
    return tuple(
        path
        for path in tests_side
        if path.endswith(".py")
        and path not in collected
        and not is_configuration(path)
        and not any(str(parent) in homes for parent in PurePosixPath(path).parents)
        and trees.read(tree, path) is not None
    )


def searchers(trees: Trees, base_tree: str, tree: str, source: Collection[str]) -> tuple[str, ...]:
    """Changed source files that newly import what they find, by no name that stands there: it may be anything."""
    return tuple(
        path
        for path in source
        if path.endswith(".py")
        and len(_SEARCH.findall(trees.read(tree, path) or b"")) > len(_SEARCH.findall(trees.read(base_tree, path) or b""))
    )


def _words(path: str) -> frozenset[bytes]:
    """What an import of this file must name: a folder of tests that it lies in, or its own name."""
    place = PurePosixPath(path)
    folders = [part for part in place.parts[:-1] if part.lower() in TEST_FOLDERS]
    return frozenset(word.encode() for word in (*folders, *([place.stem] if is_test_module(place.name) else [])))


def _is_source(path: str) -> bool:
    place = PurePosixPath(path)
    return (
        not is_test_module(place.name)
        and place.name != "conftest.py"
        and not any(part.lower() in TEST_FOLDERS for part in place.parts[:-1])
    )
