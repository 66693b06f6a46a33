"""Python requirements as pip reads them: single ones, and files of them with their options."""

import re
from collections.abc import Iterable

from runner.validators.supply.manifest import Dependency, Manifest

MOST_LINES = 5000
_OPTION = re.compile(r"^(--?[A-Za-z][A-Za-z-]*)(?:[ =]\s*|(?=[^-A-Za-z=\s]))?(.*)$")
_INDEX_OPTIONS = ("-i", "--index-url", "--pypi-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--no-index")
_PEP_508_URL = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*+)\s*+(?:\[[^\]]*+\]\s*+)?@\s*+(\S+)")
_HASH = re.compile(r"\s--hash[= ]\S+")


def requirement(text: str, group: str = "") -> Dependency | None:
    """One requirement, e.g. `requests>=2 ; python_version > "3.9"`; `None` when it is none."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        read = Requirement(text)
    except (InvalidRequirement, RecursionError):
        return None
    marker = f"; {read.marker}" if read.marker else ""
    return Dependency("python", canonicalize_name(read.name), f"{read.specifier}{marker}", group, read.url or "")


def of_texts(texts: Iterable[str], group: str) -> Manifest:
    """Requirements of a list in a manifest."""
    given = [(text, requirement(text, group)) for text in texts]
    return Manifest(
        tuple(one for _, one in given if one), unread=tuple(group or "a requirement" for text, one in given if one is None and text.strip())
    )


def of_file(content: bytes, path: str) -> Manifest:
    """A requirement or constraint file."""
    text = content.decode("utf-8", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    found: list[Dependency] = []
    indexes: list[str] = []
    unread: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MOST_LINES:
            unread.append(f"lines after {MOST_LINES}")
            break
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if not line:
            continue
        if line.startswith("-"):
            _option(line, found, indexes)
            continue
        line = _HASH.sub("", f" {line}").strip()
        line = re.split(r"\s--(?:global-option|config-settings|install-option)", line)[0].strip()
        one = requirement(line, path) or _direct(line, path)
        if one:
            found.append(one)
        else:
            unread.append(f"line {number}")
    return Manifest(tuple(found), tuple(indexes), unread=tuple(unread))


def _option(line: str, found: list[Dependency], indexes: list[str]) -> None:
    match = _OPTION.match(line)
    option, value = (match[1], (match[2] or "").strip()) if match else (line, "")
    short = option[:2] if not option.startswith("--") else option
    value = option[2:] + value if short != option and not value.strip() else value
    if short in _INDEX_OPTIONS or any(full.startswith(option) for full in _INDEX_OPTIONS if option.startswith("--") and len(option) > 6):  # noqa: PLR2004
        indexes.append(f"{short} {value}".strip())
    elif short in ("-e", "--editable") and value not in (".", "./"):
        found.append(_direct(value, "") or Dependency("python", value.lower(), "", "", value))


def _direct(line: str, group: str) -> Dependency | None:
    """A requirement by address or by path, as pip takes them beside the standard's form."""
    named = _PEP_508_URL.match(line)
    if named:
        return Dependency("python", named[1].lower(), "", group, named[2])
    if re.match(r"^(git|hg|svn|bzr)\+|^(https?|ftp|file|ssh):", line, re.IGNORECASE) or line.startswith(("/", "./", "../", "~")):
        name = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", line)
        stem = re.split(r"[@#?]", line.rstrip("/").rpartition("/")[2])[0]
        return Dependency("python", (name[1] if name else stem).lower().removesuffix(".git"), "", group, line.split(maxsplit=1)[0])
    if re.match(r"^[\w.-]+(/[\w.-]+)*\.(whl|tar\.gz|zip)$|^[\w.-]+/", line):
        return Dependency("python", line.rpartition("/")[2].lower(), "", group, line)
    return None
