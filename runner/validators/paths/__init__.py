"""Validation layer `paths`: which files a change may touch, by the policy's globs and by what the files decide."""

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import PurePosixPath

from runner.model import startup
from runner.model.change import Change, FileChange, Status
from runner.model.globs import Glob, first
from runner.model.result import Finding, Outcome, Result, Severity
from runner.model.text import shown
from runner.model.value import Value
from runner.ports import Trees
from runner.validators.paths import projectfile, protected

name = "paths"

_ASK = "A person must agree to this; leave the file out of the change if it was not meant."


class Options(Value):
    """Which paths a change may touch. Files that decide how code is tested, built or started are protected besides."""

    allow: tuple[Glob, ...] = ()
    """Globs of what a change may touch; everything else is rejected. Empty: all paths."""
    deny: tuple[Glob, ...] = ()
    """Globs of what no change may touch; a change that does is rejected."""
    hold: tuple[Glob, ...] = ()
    """Globs of what a person must look at, beside the protected files."""


def judge(change: Change, trees: Trees, options: Options) -> Result:
    """What each path, or each key of a project file, is: errors reject, warnings hold."""
    sight = _Sight(change, trees)
    findings = tuple(finding for file in change.files for finding in _findings(file, sight, options))
    fatal = [finding for finding in findings if finding.severity is Severity.ERROR]
    if fatal:
        return Result(check=name, outcome=Outcome.FAIL, reason=_reason(fatal, "not allowed"), findings=findings)
    if findings:
        return Result(check=name, outcome=Outcome.HOLD, reason=_reason(list(findings), "for a person to look at"), findings=findings)
    return Result(
        check=name, outcome=Outcome.PASS, reason=f"{len(change.files)} changed path{'' if len(change.files) == 1 else 's'}, none protected"
    )


def _reason(findings: list[Finding], what: str) -> str:
    paths = list(dict.fromkeys(finding.path for finding in findings))
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""  # noqa: PLR2004
    return f"{', '.join(paths[:3])}{more}: {what} ({findings[0].message})"


class _Sight:
    """What the layer may look up in the trees, each thing once."""

    def __init__(self, change: Change, trees: Trees) -> None:
        self._change, self._trees = change, trees
        self.names = cache(self._names)
        self.base_has = cache(lambda path: trees.read(change.base_tree, path) is not None)
        self.on_path = cache(self._on_path)

    def read(self, file: FileChange) -> tuple[bytes | None, bytes | None]:
        """The file on both sides."""
        old = None if file.status is Status.ADDED else self._trees.read(self._change.base_tree, file.spelling)
        new = None if file.status is Status.DELETED else self._trees.read(self._change.tree, file.spelling)
        return old, new

    def _names(self, folder: str) -> frozenset[str]:
        """The names in a folder, on either side."""
        return frozenset(
            entry.path.decode(errors="surrogateescape")
            for tree in (self._change.base_tree, self._change.tree)
            for entry in self._trees.listing(tree, folder)
        )

    def _on_path(self, folder: str) -> bool:
        return folder in self.layouts[0].python_path or startup.is_import_root(folder, self.names)

    @cached_property
    def layouts(self) -> tuple[projectfile.Layout, projectfile.Layout]:
        """What the base's pyproject.toml says of where things are, and what the change's says."""
        old, new = (self._trees.read(tree, "pyproject.toml") for tree in (self._change.base_tree, self._change.tree))
        base = projectfile.layout(old)
        return base, base if new == old else projectfile.layout(new)

    @property
    def backends(self) -> tuple[str, ...]:
        """Where the project's own build back end is, on either side."""
        return self.layouts[0].backend + self.layouts[1].backend


def _findings(file: FileChange, sight: _Sight, options: Options) -> Iterator[Finding]:
    """The findings of one path: of the policy's deny and allow, start-up, shadows, protected names, the policy's hold."""
    path = file.path
    if pattern := first(options.deny, path):
        yield _finding(path, "paths.deny", f"the policy denies '{pattern}'", Severity.ERROR, "Leave the file out of the change.")
    elif options.allow and not first(options.allow, path):
        yield _finding(path, "paths.allow", "the policy does not allow this path", Severity.ERROR, "Leave the file out of the change.")
    elif finding := _startup(file, sight) or _shadow(file, sight):
        yield finding
    elif found := _project(file, sight):
        yield from found
    elif kind := protected.kind_of(path):
        yield _finding(path, kind.rule, f"{_verb(file)} a file that decides {kind.what}", Severity.WARNING, _ASK)
    elif backend := first(sight.backends, path.removesuffix(".py")):
        yield _finding(path, "paths.build", f"{_verb(file)} a file of the project's own build back end '{backend}'", Severity.WARNING, _ASK)
    elif pattern := first(options.hold, path):
        yield _finding(path, "paths.hold", f"the policy holds '{pattern}'", Severity.WARNING, _ASK)


def _verb(file: FileChange) -> str:
    return {Status.ADDED: "adds", Status.DELETED: "removes"}.get(file.status, "changes")


def _startup(file: FileChange, sight: _Sight) -> Finding | None:
    new = file.status is Status.ADDED
    if why := startup.hook(file.path):
        # a binary .pth is rather a data file of the same ending
        grave = new and not (file.binary and file.path.lower().endswith(".pth"))
        message = f"a start-up hook: {why}"
        return _finding(file.path, "paths.startup", message, Severity.ERROR if grave else Severity.WARNING, _ASK_REMOVE if grave else _ASK)
    if found := startup.metadata(file.path):
        folder = str(PurePosixPath(startup.metadata(file.spelling) or found).parent)
        grave = new and sight.on_path("" if folder == "." else folder)
        message = f"metadata of an installed package ({PurePosixPath(found).name}): it can register plugins of pytest"
        return _finding(file.path, "paths.startup", message, Severity.ERROR if grave else Severity.WARNING, _ASK_REMOVE if grave else _ASK)
    return None


_ASK_REMOVE = "Remove the file; no honest change needs it."


def _shadow(file: FileChange, sight: _Sight) -> Finding | None:
    """A file that stands in front of an installed module of the same name."""
    shadow = startup.shadow(file.spelling)
    rank = startup.rank(shadow[1]) if shadow else None
    if shadow is None or rank is None or file.status is Status.DELETED or not sight.on_path(shadow[0]):
        return None
    folder, module = shadow
    known = file.status is not Status.ADDED or any(sight.base_has(form) for form in startup.forms(folder, module))
    if known:
        if rank == "standard library":
            return None
        message = f"'{module}' stands in front of the {rank} of that name, as on the base"
        return _finding(file.path, "paths.shadow", message, Severity.WARNING, _ASK)
    grave = rank == "test tool"
    where = f"in '{shown(folder.encode(errors='surrogateescape'))}', which is" if folder else "at the root, which is"
    message = f"'{module}' {where} on Python's path, stands in front of the {rank} module of that name"
    return _finding(file.path, "paths.shadow", message, Severity.ERROR if grave else Severity.WARNING, "Give the module another name.")


def _project(file: FileChange, sight: _Sight) -> list[Finding]:
    """One finding per key that matters, of a file that also has keys that do not."""
    if PurePosixPath(file.path).name.lower() not in projectfile.NAMES:
        return []
    if file.status is Status.DELETED:
        return [_finding(file.path, "paths.project", "removes a project file", Severity.WARNING, _ASK)]
    fix = "A person must agree to this key; metadata and style are free."
    judged = projectfile.judge_file(file.path, *sight.read(file))
    return [_finding(file.path, rule, message, Severity.WARNING, fix) for rule, message in judged]


def _finding(path: str, rule: str, message: str, severity: Severity, fix: str) -> Finding:
    return Finding(path=path, rule=rule, message=message, severity=severity, fix=fix)
