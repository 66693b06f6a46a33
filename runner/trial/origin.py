"""The origin control: every changed module that a suite imported came from the working copy (promise 9)."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.suite import SuiteRun

WORK = "/work"
CHECK = "origin"


def module_names(path: str, is_package: Callable[[str], bool]) -> frozenset[str]:
    """The dotted names under which a source file may be imported.

    The shortest starts at the topmost folder in an unbroken row of packages; longer ones cover namespace packages.
    `is_package` tells of a folder whether it has an `__init__.py`.
    """
    file = PurePosixPath(path)
    if file.suffix != ".py" or not all(part.isidentifier() for part in (*file.parts[:-1], file.stem)):
        parts = tuple(file.parts[:-1])
        if file.suffix != ".py" or not file.stem.isidentifier():
            return frozenset()
        while parts and not all(part.isidentifier() for part in parts):
            parts = parts[1:]
    else:
        parts = tuple(file.parts[:-1])
    folders = list(file.parts[:-1])
    top = len(folders)
    while top > 0 and is_package("/".join(folders[:top])):
        top -= 1
    tail = () if file.stem == "__init__" else (file.stem,)
    first = len(folders) - len(parts)
    names = {".".join((*folders[start:], *tail)) for start in range(first, top + 1)}
    return frozenset(name for name in names if name)


def judge(runs: Iterable[tuple[str, SuiteRun]], changed: Iterable[str], is_package: Callable[[str], bool], *, can_tell: bool) -> Result:
    """Whether the changed modules were the ones under test; `runs` are named, e.g. `base`.

    `can_tell` is False for suites whose adapter sees no modules: then the answer is a warning that says so.
    """
    sources = {path: module_names(path, is_package) for path in changed if path.endswith(".py")}
    sources = {path: names for path, names in sources.items() if names}
    if not sources:
        return Result(check=CHECK, outcome=Outcome.PASS, reason="the change has no Python source for a suite to import")
    if not can_tell:
        reason = "this kind of suite cannot show which files it imported: that the working copy was under test is not proven"
        return Result(check=CHECK, outcome=Outcome.WARN, reason=reason)
    runs = tuple(runs)
    if silent := [label for label, run in runs if not run.origins_known]:
        reason = f"the {silent[0]} run did not say which modules it imported"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
    strangers = [
        Finding(
            path=path,
            rule="origin.elsewhere",
            message=f"{module.name} was imported from {module.file} in the {label} run, not from {WORK}/{path}",
        )
        for label, run in runs
        for path, names in sources.items()
        for module in run.modules
        if module.name in names and not _inside(module.file)
    ]
    if strangers:
        fix = "install the project editable, or set PYTHONPATH in sandbox.env, so that the suite imports the working copy"
        findings = tuple(finding.model_copy(update={"fix": fix}) for finding in strangers)
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=findings[0].message, findings=findings)
    imported = {module.file for _, run in runs for module in run.modules}
    unseen = [path for path in sources if f"{WORK}/{path}" not in imported]
    if unseen:
        findings = tuple(
            Finding(path=path, rule="origin.not-imported", message="no test imports this file", severity=Severity.WARNING)
            for path in unseen
        )
        return Result(
            check=CHECK, outcome=Outcome.WARN, reason=f"no test imports {unseen[0]}: nothing was shown about it", findings=findings
        )
    return Result(
        check=CHECK, outcome=Outcome.PASS, reason="every changed module was imported from the working copy", measured=len(sources)
    )


def _inside(file: str) -> bool:
    return file.startswith(WORK + "/") and ".." not in PurePosixPath(file).parts
