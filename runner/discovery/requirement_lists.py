"""Requirement files of a repository: which there are, what each is for by its name, and what it names."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from runner.discovery.base_files import BaseFiles
from runner.discovery.needs import Aim, Need, aim_of

_FOLDERS = ("", "requirements", "requirement", "reqs", "tests", "test", "testing", "ci")
_LIST = re.compile(r"(?=.*(?:req|dep))[\w.-]*\.(?:txt|in|pip)", re.IGNORECASE)
_NOISE = re.compile(r"\b(?:requirements?|reqs?|deps|dependencies|txt|in|pip)\b")
_INCLUDE = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
_MOST = 40
_TEST_FOLDERS = ("tests", "test", "testing")


def requirement_needs(files: BaseFiles) -> Iterator[Need]:
    """The requirement files that by name are for tests or development."""
    paths = [path for folder in _FOLDERS if not folder or files.is_folder(folder) for path in files.files(folder)]
    lists = [path for path in paths if _is_list(path)]
    made = {str(PurePosixPath(path).with_suffix(".txt")) for path in lists if path.endswith(".in")} & set(lists)
    for path in lists[:_MOST]:
        if str(PurePosixPath(path).with_suffix(".txt")) in made and path.endswith(".txt"):
            continue  # pinned from the .in file beside it, for one version of Python: the .in file fits any
        if (aim := _aim(path)) is not Aim.OTHER:
            yield listed(files, path, path, aim)


def listed(files: BaseFiles, path: str, source: str, aim: Aim) -> Need:
    """The need that one requirement file stands for."""
    return Need(path, source, aim, lines=lines_of(files, path), requirements=(path,))


def runtime_lists(files: BaseFiles) -> tuple[str, ...]:
    """The requirement files that name what the code itself needs, for projects that are not installed."""
    usual = ("requirements.txt", "requirements.in", "requirements/base.txt", "requirements/requirements.txt", "requirements/main.txt")
    found = next((path for path in usual if files.exists(path)), None)
    return (found,) if found else ()


def lines_of(files: BaseFiles, path: str, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The requirements of a file and of those that it includes; options are left out."""
    if path in seen or len(seen) > _MOST:
        return ()
    lines: list[str] = []
    for raw in files.text(path).replace("\\\n", " ").splitlines():
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        if include := _INCLUDE.match(line):
            lines += lines_of(files, _beside(path, include[1]), (*seen, path))
        elif line and not line.startswith("-"):
            lines.append(line)
    return tuple(lines)


def _beside(path: str, name: str) -> str:
    parts: list[str] = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(name).parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _is_list(path: str) -> bool:
    pure = PurePosixPath(path)
    if pure.name.lower().startswith("constraint"):
        return False
    in_folder = str(pure.parent) in ("requirements", "requirement", "reqs")
    return pure.suffix in (".txt", ".in", ".pip") and (in_folder or _LIST.fullmatch(pure.name) is not None)


def _aim(path: str) -> Aim:
    pure = PurePosixPath(path)
    words = _NOISE.sub(" ", re.sub(r"[-_.]", " ", pure.name.lower())).split()
    if not words:
        return Aim.TESTS if str(pure.parent) in _TEST_FOLDERS else Aim.OTHER
    return min(map(aim_of, words))
