"""Requirement files of the operator, on this host, made ready for a build container: one flat folder, includes rewritten."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import ImageUnavailable

_INCLUDE = re.compile(r"^(\s*(?:-r|-c|--requirement|--constraint)[\s=]+)(\S+)(.*)$")
_LOCAL = re.compile(r"^\s*(?:(?:-e|--editable)[\s=]+)?(?:\.{1,2}(?:/|$|\[)|/|file:|[\w.-]+\s*@\s*file:)")


@dataclass(frozen=True)
class RequirementFiles:
    """Contents by flat name, and the names that were asked for; the others are included by them."""

    contents: dict[str, bytes]
    asked: tuple[str, ...]


def gather(files: Sequence[Path]) -> RequirementFiles:
    """Read the files and all that they include; raises ImageUnavailable when one is missing or names a path of this host."""
    names: dict[Path, str] = {}
    contents: dict[str, bytes] = {}
    waiting = [file.resolve() for file in files]
    asked = list(waiting)
    while waiting:
        file = waiting.pop(0)
        name = _name(file, names)
        if name in contents:
            continue
        lines, included = _rewrite(file, names)
        contents[name] = "\n".join(lines).encode()
        waiting += included
    return RequirementFiles(contents, tuple(dict.fromkeys(names[file] for file in asked)))


def _name(file: Path, names: dict[Path, str]) -> str:
    """A short name in the order of first mention, so that the same files give the same image wherever they lie."""
    return names.setdefault(file, f"{len(names)}.txt")


def _rewrite(file: Path, names: dict[Path, str]) -> tuple[list[str], list[Path]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ImageUnavailable(
            f"the requirements file {file} cannot be read: {problem}", hint="Name a pip requirements file in UTF-8."
        ) from problem
    lines, included = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        found = _INCLUDE.match(line)
        if found and "://" not in found[2]:
            target = (file.parent / found[2]).resolve()
            included.append(target)
            lines.append(f"{found[1]}{_name(target, names)}{found[3]}")
            continue
        if _LOCAL.match(line):
            raise ImageUnavailable(
                f"{file}:{number} names a path of this machine, which an image build cannot see: {line.strip()}",
                hint="Name released packages, or let the policy install the project (sandbox.build.project).",
            )
        lines.append(line)
    return lines, included
