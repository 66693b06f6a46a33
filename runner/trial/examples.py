"""Tests that lie in source files, above all examples in docstrings: the change's version runs, so an edit of them is looked at."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from runner.model.result import Finding, Outcome, Result
from runner.model.text import printable
from runner.ports import Trees
from runner.trial.shared_modules import importers, searchers, uncollected

CHECK = "examples"
_BLOCK = re.compile(rb"""^[ \t]*>>>[^\n]*(?:\n(?![^\n]*(?:\"{3}|'{3}))[ \t]*[^\s][^\n]*)*""", re.MULTILINE)
"""An example, up to an empty line or the end of its docstring."""


def blocks(content: bytes) -> frozenset[bytes]:
    """Every example with what it is expected to print, each line without its indentation."""
    return frozenset(b"\n".join(line.strip() for line in block.split(b"\n")) for block in _BLOCK.findall(content))


def is_example(test_id: str) -> bool:
    """Whether an id is that of a docstring's examples: pytest names them by the object, as `pkg/m.py::pkg.m.f`."""
    path, _, name = test_id.partition("::")
    stem = path.rpartition("/")[2].removesuffix(".py")
    return "." in name.partition("[")[0] or name == stem


class Sorted(NamedTuple):
    """The changed paths by where they come from in the verdict tree."""

    source: Collection[str]
    """From the change."""
    tests_side: Collection[str] = ()
    """From the base."""
    tried: Collection[str] | None = None
    """Those that the suite with the change's own tests collected from; `None` where there was none."""


def judge(trees: Trees, base_tree: str, tree: str, tests: Collection[tuple[str, str]], paths: Sorted) -> Result:
    """Whether changed files are tests or source and not both; else a person must compare. `tests` are ids of the base with their files."""
    source = paths.source
    collected: dict[str, bool] = {}
    for test, path in tests:
        if path in source and path.endswith(".py"):
            collected[path] = collected.get(path, True) and is_example(test)
    findings = []
    for path, only_examples in collected.items():
        before, after = (trees.read(side, path) or b"" for side in (base_tree, tree))
        if not only_examples:
            findings.append(Finding(path=path, rule="examples.mixed", message="holds tests of the base and source; both are the change's"))
        elif gone := len(blocks(before) - blocks(after)):
            findings.append(
                Finding(path=path, rule="examples.edited", message=f"edits or removes {gone} examples that the base runs as tests")
            )
    findings += [
        Finding(
            path=path, rule="examples.imported", message=f"counts as tests, and {printable(by)} may import it: the base's version was tried"
        )
        for path, by in importers(trees, tree, paths.tests_side)
    ]
    findings += _untried(trees, base_tree, tree, {path for _, path in tests}, paths)
    if findings:
        reason = f"{findings[0].path} {findings[0].message}: a person must compare"
        return Result(check=CHECK, outcome=Outcome.HOLD, reason=reason, measured=len(findings), limit=0, findings=tuple(findings))
    return Result(check=CHECK, outcome=Outcome.PASS, reason="no source file with tests of the base in it edits them")


def _untried(trees: Trees, base_tree: str, tree: str, tests: Collection[str], paths: Sorted) -> Iterator[Finding]:
    """Code that counts as tests, which the base's version stands for, and that the program may come by all the same."""
    if paths.tried is not None:
        for path in uncollected(trees, tree, paths.tests_side, tests, paths.tried):
            yield Finding(
                path=path, rule="examples.uncollected", message="has the name of a test and no test in it: the base's version was tried"
            )
    inner = next((path for path in paths.tests_side if path.endswith(".py")), None)
    for path in searchers(trees, base_tree, tree, paths.source) if inner else ():
        message = f"imports what it finds, which may be {printable(inner or '')}: the base's version was tried"
        yield Finding(path=path, rule="examples.searches", message=message)
