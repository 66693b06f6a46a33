"""Validation layer `syntax`: every changed file that parsed before still parses; nothing is ever imported."""

import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, WithJsonSchema

from runner.model.change import Change, FileChange, Status
from runner.model.lines import MOST_BYTES, MOST_TOGETHER
from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.value import Value
from runner.parsing import Parse, Source, parse
from runner.ports import Trees

name = "syntax"

OLDEST = 7
"""The oldest minor version of Python 3 whose grammar every supported interpreter can still be asked for."""

_KINDS = {
    ".py": "python",
    ".pyi": "python",
    ".pyw": "python",
    ".json": "json",
    ".ipynb": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xml": "xml",
    ".svg": "xml",
    ".xsd": "xml",
    ".xsl": "xml",
}
_LANGUAGES = {"python": "Python", "json": "JSON", "toml": "TOML", "yaml": "YAML", "xml": "XML"}
_DATA = frozenset(
    [
        "bad",
        "broken",
        "cases",
        "corpus",
        "corpora",
        "data",
        "example_data",
        "expected",
        "fixture",
        "fixtures",
        "golden",
        "input",
        "inputs",
        "invalid",
        "resources",
        "samples",
        "skeleton",
        "snapshots",
        "template",
        "templates",
        "test-data",
        "test_data",
        "testdata",
        "testfiles",
    ]
)
_TESTS = frozenset({"test", "tests", "testing"})
_COMMENTED = re.compile(r"(tsconfig.*|jsconfig.*|\.eslintrc|\.babelrc|\.jshintrc|devcontainer|\.devcontainer|api-extractor|deno)\.json")
_ENCODINGS = frozenset({"utf-8", "utf-8-sig", "ascii", "iso-8859-1", "iso-8859-15", "cp1252", "us-ascii"})
_NEWER = re.compile(
    r"""^\s*(type\s+\w+[^=]*=|(async\s+)?def\s+\w+\s*\[|class\s+\w+\s*\[|except\s+[\w.]+\s*,|lazy\s+(import|from)\s)|\b[tT][rR]?["']"""
)


def _version(text: str) -> str:
    if not re.fullmatch(r"3\.[0-9]{1,2}", text):
        raise ValueError(f"'{text}' is not a version of Python 3; write it like 3.12")
    return text


class Options(Value):
    """How changed files are parsed."""

    python: Annotated[str, AfterValidator(_version), WithJsonSchema({"type": "string", "examples": ["3.12"]})] | None = None
    """The oldest Python whose syntax the project keeps to, e.g. `3.9`; newer syntax is then rejected.

    Left out: what the interpreter of seatrial reads, with a warning for syntax newer than the base's `requires-python`.
    """


class _File(NamedTuple):
    path: str
    kind: str
    old: bytes | None
    new: bytes


def judge(change: Change, trees: Trees, options: Options) -> Result:
    """Fails for a changed Python, JSON or TOML file that does not parse and did, or is new; holds or warns for the rest."""
    files, left = _changed(change.files, trees)
    declared = _minor(options.python) or _declared(trees.read(change.base_tree, "pyproject.toml"))
    older = max(declared, OLDEST) if 0 < declared < sys.version_info.minor else 0
    aged = [file for file in files if file.kind == "python"] if older else []
    answers = parse([*_sources(files, "new"), *_sources(aged, "new", older)])
    now, aged_now = answers[: len(files)], answers[len(files) :]
    fine = {file.path for file, answer in zip(files, now, strict=True) if answer.state == "fine"}
    suspects = [(file, answer) for file, answer in zip(files, now, strict=True) if file.path not in fine]
    newer = [(file, answer) for file, answer in zip(aged, aged_now, strict=True) if answer.state == "broken" and file.path in fine]
    findings = (
        *_broken(suspects, declared),
        *_versions(newer, declared, older, strict=options.python is not None),
        *_encodings(files),
        *_unread(left),
    )
    return _result(findings, len(files))


def _result(findings: Sequence[tuple[Outcome, Finding]], count: int) -> Result:
    """The gravest outcome of all findings decides."""
    for outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.HOLD, Outcome.WARN):
        worst = [finding for found, finding in findings if found is outcome]
        if worst:
            more = f", and {len(worst) - 1} more" if len(worst) > 1 else ""
            place = f"{worst[0].path}:{worst[0].line}" if worst[0].line else worst[0].path
            cause = Cause.EVIDENCE if outcome is Outcome.UNKNOWN else None
            every = tuple(finding for _, finding in findings)
            return Result(check=name, outcome=outcome, cause=cause, reason=f"{place}: {worst[0].message}{more}", findings=every)
    return Result(check=name, outcome=Outcome.PASS, reason=f"{count} changed file{' parses' if count == 1 else 's parse'}")


def _changed(files: Iterable[FileChange], trees: Trees) -> tuple[list[_File], list[FileChange]]:
    """The files of languages that can be parsed, with their contents, read at once, and those that are left; neither links nor submodules."""
    wanted: list[FileChange] = []
    left: list[FileChange] = []
    total = 0
    for file in files:
        if _is_text(file) and _kind(file.path):
            total += file.new_size + (file.old_size if _had_text(file) else 0)
            (wanted if total <= MOST_TOGETHER else left).append(file)
    sides = [(file.old_blob if _had_text(file) else None, file.new_blob) for file in wanted]
    blobs = trees.blobs({blob for pair in sides for blob in pair if blob})
    contents = zip(wanted, sides, strict=True)
    return [_File(file.path, _kind(file.path), blobs[old] if old else None, blobs[new]) for file, (old, new) in contents], left


def _unread(files: Iterable[FileChange]) -> Iterator[tuple[Outcome, Finding]]:
    message = f"is not parsed: the change's files are larger than {MOST_TOGETHER // 2**20}MiB together"
    for file in files:
        yield Outcome.UNKNOWN, Finding(path=file.path, rule="syntax.unread", message=message, fix="Split the change.")


def _is_text(file: FileChange) -> bool:
    return file.status is not Status.DELETED and file.new_mode.startswith("100") and file.new_size <= MOST_BYTES


def _had_text(file: FileChange) -> bool:
    return file.status is not Status.ADDED and file.old_mode.startswith("100") and file.old_size <= MOST_BYTES


def _kind(path: str) -> str:
    return _KINDS.get(PurePosixPath(path).suffix.lower(), "")


def _broken(suspects: Sequence[tuple[_File, Parse]], declared: int) -> Iterable[tuple[Outcome, Finding]]:
    """Files that do not parse and did, or are new; the base is only asked about those."""
    before = _before(suspects)
    newest = sys.version_info.minor
    for file, answer in suspects:
        was = before.get(file.path)
        if was is not None and was.state == "broken":
            continue
        rule, language = f"syntax.{file.kind}", _LANGUAGES[file.kind]
        if answer.state == "unjudged":
            outcome = Outcome.WARN if (was is not None and was.state == "unjudged") or file.kind == "xml" else Outcome.UNKNOWN
            message = f"could not be parsed as {language}: {answer.message}"
        elif file.kind == "python" and (declared > newest or _perhaps_newer(answer)):
            outcome, rule = Outcome.UNKNOWN, "syntax.newer"
            message = f"does not parse as Python 3.{newest}, the newest that can be asked here, and may be newer: {answer.message}"
        else:
            outcome = _outcome(file)
            since = "it parsed on the base" if was is not None else "the file is new"
            message = f"does not parse as {language} ({since}): {answer.message}"
        yield outcome, _finding(file, rule, message, answer, outcome)


def _outcome(file: _File) -> Outcome:
    """How grave a new syntax error is; data of tests and templates may be meant to be broken."""
    folders = {part.lower() for part in PurePosixPath(file.path).parts[:-1]}
    made_to_break = folders & _DATA or "{{" in file.path or (file.kind != "python" and folders & _TESTS)
    if file.kind == "json" and (_COMMENTED.fullmatch(PurePosixPath(file.path).name.lower()) or ".vscode" in folders):
        return Outcome.WARN
    if file.old is None and made_to_break:
        return Outcome.WARN
    if file.kind in ("yaml", "xml"):
        return Outcome.WARN if file.old is None else Outcome.HOLD
    return Outcome.FAIL


def _versions(newer: Sequence[tuple[_File, Parse]], declared: int, older: int, *, strict: bool) -> Iterable[tuple[Outcome, Finding]]:
    """Python files whose syntax became newer than the declared version."""
    before = _before(newer, older)
    outcome = Outcome.FAIL if strict else Outcome.WARN
    source = "validate.syntax.python" if strict else "requires-python of the base"
    for file, answer in newer:
        was = before.get(file.path)
        if was is None or was.state == "fine":
            message = f"needs a newer Python than 3.{declared}, the version that {source} names: {answer.message}"
            yield outcome, _finding(file, "syntax.version", message, answer, outcome)


def _encodings(files: Sequence[_File]) -> Iterable[tuple[Outcome, Finding]]:
    """Python files that say they are written in an encoding in which a reader would not see the code."""
    for file in files:
        encoding = _encoding(file.new) if file.kind == "python" else None
        if encoding and encoding not in _ENCODINGS and (file.old is None or _encoding(file.old) != encoding):
            message = f"is written in the encoding {encoding!a}, in which the code is not what a reader sees"
            yield Outcome.HOLD, _finding(file, "syntax.encoding", message, Parse("broken", line=1), Outcome.HOLD)


def _encoding(content: bytes) -> str | None:
    """The declared encoding; `None` when it is unknown to Python, which the parser reports."""
    try:
        return tokenize.detect_encoding(io.BytesIO(content[:4096]).readline)[0].lower()
    except (SyntaxError, ValueError):
        return None


def _before(suspects: Sequence[tuple[_File, Parse]], version: int = 0) -> dict[str, Parse]:
    """How the base's side of the files parses, by path, where there is one."""
    known = [file for file, _ in suspects if file.old is not None]
    return dict(zip((file.path for file in known), parse(_sources(known, "old", version)), strict=True))


def _sources(files: Sequence[_File], side: Literal["old", "new"], version: int = 0) -> list[Source]:
    return [Source(file.kind, (file.new if side == "new" else file.old) or b"", version) for file in files]


def _perhaps_newer(answer: Parse) -> bool:
    """Whether what did not parse looks like syntax that a later Python has; wrong guesses only ask a person."""
    words = ("f-string", "multiple exception types must be parenthesized")
    return answer.message.startswith(words) or bool(_NEWER.search(answer.text))


def _declared(pyproject: bytes | None) -> int:
    """The minor version of Python 3 at the lower end of `requires-python`; 0 when it cannot be told."""
    found = re.search(rb"""^\s*requires-python\s*=\s*["'][^"'\n]*(?:>=|~=|==)\s*3\.([0-9]{1,2})""", pyproject or b"", re.MULTILINE)
    return int(found[1]) if found else 0


def _minor(version: str | None) -> int:
    return int(version.partition(".")[2]) if version else 0


def _finding(file: _File, rule: str, message: str, answer: Parse, outcome: Outcome) -> Finding:
    severity = Severity.ERROR if outcome is Outcome.FAIL else Severity.WARNING
    fix = "Correct the syntax." if outcome is Outcome.FAIL else None
    return Finding(path=file.path, rule=rule, message=message, line=answer.line, severity=severity, fix=fix)
