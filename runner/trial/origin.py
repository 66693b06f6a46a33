"""The origin control: every changed module that a suite imported came from the working copy (promise 9)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePosixPath

from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import Module, SuiteRun

WORK = "/work"
CHECK = "origin"
COMPILED = frozenset({".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".pyx", ".pxd", ".pxi", ".rs", ".f", ".f90"})
"""Sources that a build turns into modules; images are built from the base."""
ROOTS = frozenset({".", "src", "lib"})
"""Folders whose modules are imported by their bare names."""


def module_names(path: str, is_package: Callable[[str], bool]) -> frozenset[str]:
    """The dotted names under which a source file may be imported.

    The shortest starts at the topmost folder in an unbroken row of packages; longer ones cover namespace packages.
    `is_package` tells of a folder whether it has an `__init__.py`.
    """
    file = PurePosixPath(path)
    if file.suffix != ".py" or not file.stem.isidentifier():
        return frozenset()
    parts = tuple(file.parts[:-1])
    while not all(part.isidentifier() for part in parts):
        parts = parts[1:]
    folders = list(file.parts[:-1])
    top = len(folders)
    while top > 0 and is_package("/".join(folders[:top])):
        top -= 1
    tail = () if file.stem == "__init__" else (file.stem,)
    first = len(folders) - len(parts)
    names = {".".join((*folders[start:], *tail)) for start in range(first, top + 1)}
    return frozenset(name for name in names if name)


Runs = Sequence[tuple[str, SuiteRun]]
Sources = Mapping[str, frozenset[str]]


def judge(runs: Runs, changed: Sequence[str], is_package: Callable[[str], bool], *, gone: Collection[str] = (), can_tell: bool) -> Result:
    """Whether the changed modules were the ones under test; `runs` are named, e.g. `base`, the patched one last.

    `gone` are paths that the change deletes; `can_tell` is False for suites whose adapter sees no modules: then the answer is a warning that says so.
    """
    named = {path: module_names(path, is_package) for path in changed if path.endswith(".py")}
    sources = {path: names for path, names in named.items() if names}
    if not can_tell and sources:
        reason = "this kind of suite cannot show which files it imported: that the working copy was under test is not proven"
        return Result(check=CHECK, outcome=Outcome.WARN, reason=reason)
    if can_tell and (silent := [label for label, run in runs if not run.origins_known]):
        return _answer(Outcome.UNKNOWN, f"the {silent[0]} run did not say which modules it imported", ())
    if wrong := (*_uncompiled(runs, changed), *_elsewhere(runs, sources)):
        return _answer(Outcome.UNKNOWN, f"{wrong[0].path}: {wrong[0].message}", wrong)
    if moved := _moved(runs, gone):
        return _answer(Outcome.HOLD, f"{moved[0].message}: a person must look", moved)
    if unseen := _unseen(runs, sources):
        return _answer(Outcome.WARN, f"no test imports {unseen[0].path}: nothing was shown about it", unseen)
    reason = (
        "every changed module was imported from the working copy" if sources else "the change has no Python source for a suite to import"
    )
    return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(sources))


def _answer(outcome: Outcome, reason: str, findings: tuple[Finding, ...]) -> Result:
    cause = Cause.EVIDENCE if outcome is Outcome.UNKNOWN else None
    return Result(check=CHECK, outcome=outcome, cause=cause, reason=reason, findings=findings)


def _elsewhere(runs: Runs, sources: Sources) -> tuple[Finding, ...]:
    """Changed modules that a run imported from another file: an installed release, or another copy in the working tree."""
    imported = {module.file for _, run in runs for module in run.modules}
    return tuple(
        Finding(
            path=path,
            rule="origin.elsewhere",
            message=f"{module.name} was imported from {module.file} in the {label} run, not from {WORK}/{path}",
            fix="install the project editable, or set PYTHONPATH in sandbox.env, so that the suite imports the working copy",
        )
        for label, run in runs
        for path, names in sources.items()
        for module in run.modules
        if module.name in names and module.file != f"{WORK}/{path}" and (not _inside(module.file) or _another_copy(path, module, imported))
    )


def _another_copy(path: str, module: Module, imported: Collection[str]) -> bool:
    """Whether a module of the working tree stands in place of a changed one: same name, other file, and the changed one never seen.

    A bare name of a file that lies at no import root, such as `scripts/utils.py`, may well be another module's.
    """
    at_root = str(PurePosixPath(path).parent) in ROOTS
    return f"{WORK}/{path}" not in imported and ("." in module.name or at_root or path.endswith("/__init__.py"))


def _unseen(runs: Runs, sources: Sources) -> tuple[Finding, ...]:
    imported = {module.file for _, run in runs for module in run.modules}
    return tuple(
        Finding(path=path, rule="origin.not-imported", message="no test imports this file", severity=Severity.WARNING)
        for path in sources
        if f"{WORK}/{path}" not in imported
    )


def _moved(runs: Runs, gone: Collection[str]) -> tuple[Finding, ...]:
    """Modules that the last run took from another file than the first, though the first file still is there.

    A change that adds a package under the name of an installed one, or of a test helper, stands in for it that way.
    """
    before = {module.name: module.file for module in runs[0][1].modules}
    return tuple(
        Finding(
            path=module.file.removeprefix(WORK + "/"),
            rule="origin.stands-in",
            message=f"{module.name} was {before[module.name]} in the {runs[0][0]} run and is {module.file} in the {runs[-1][0]} run",
        )
        for module in runs[-1][1].modules
        if _inside(module.file)
        and before.get(module.name, module.file) != module.file
        and before[module.name].removeprefix(WORK + "/") not in gone
    )


def _uncompiled(runs: Runs, changed: Sequence[str]) -> tuple[Finding, ...]:
    """Changed sources of compiled modules, where a suite ran compiled modules of the working copy: those are the base's."""
    compiled = sorted(
        {module.name for _, run in runs for module in run.modules if _inside(module.file) and module.file.endswith((".so", ".pyd"))}
    )
    return tuple(
        Finding(
            path=path,
            rule="origin.compiled",
            message=f"the image holds compiled modules of the base ({compiled[0]}); this change was not compiled",
        )
        for path in changed
        if compiled and PurePosixPath(path).suffix in COMPILED
    )


def _inside(file: str) -> bool:
    return file.startswith(WORK + "/") and ".." not in PurePosixPath(file).parts
