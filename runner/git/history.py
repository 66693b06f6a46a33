"""The history of a repository in numbers: read from git once per commit, and kept in the cache by commit id."""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import NamedTuple

from runner.errors import InfrastructureError
from runner.git.command import Git, ProcessLimits
from runner.model.history import Known, Past, Spread, Touch, about_files, features, spread
from runner.replacing import replace

_SCHEMA = 1
_LIMITS = ProcessLimits(cpu=20, wall=20.0, memory=2**30)
_MOST_OUTPUT = 64 * 2**20
_BATCH = 125
"""Commits that one git reads: a history that takes longer than `SECONDS` is read on in the next run."""
SECONDS = 5.0
_MOST_FILES = 64
"""A commit of more files says nothing about any one of them."""
_MOST_KEPT = 16 * 2**20
_HEAD = b"\x01"
_FORMAT = "--format=%x01%H%x02%ct%x02%ae%x02%s"


class _Commit(NamedTuple):
    """One commit as it is kept: its features, and digests of the files it touched."""

    id: str
    at: float
    author: str
    revert: bool
    features: dict[str, float]
    files: list[str]


class GitHistory:
    """The commits behind a base, as `runner.ports.History` says; nothing is kept without a `folder`.

    `git` sees the objects of one repository and nothing of its configuration. A shallow clone has no history worth the name.
    """

    def __init__(self, git: Git, repository: Path, folder: Path | None, *, shallow: bool) -> None:
        self._git, self._shallow = git, shallow
        self._file = folder / f"{sha256(bytes(repository)).hexdigest()[:32]}.json" if folder is not None else None

    def past(self, commit: str, paths: Iterable[bytes], most: int) -> Past:
        """What the last `most` commits before and with `commit` say, and of these paths what they say of each.

        Without merges, reverts and, in a shallow clone, without any. An unreadable history is an empty one. Raises InfrastructureError when git
        cannot be started.
        """
        if self._shallow:
            return Past()
        kept = self._kept()
        told = _told(kept[0], commit, most) if kept else None
        if told is None:
            known = {one.id: one for one in _commits(kept[1])} if kept else {}
            commits, whole = self._read(commit, most, known)
            told = _summary(commit if whole else "", most, commits)
            self._keep(told, commits)
        return _past(told, paths)

    # Git

    def _read(self, commit: str, most: int, known: dict[str, _Commit]) -> tuple[list[_Commit], bool]:
        """The commits, newest first, and whether these are all: only those not `known` are read, as long as there is time."""
        listed = self._git.run(
            "rev-list", "--no-merges", f"--max-count={most}", "--end-of-options", commit, limits=_LIMITS, most=_MOST_OUTPUT
        )
        ids = listed.out.decode("ascii", "replace").split() if listed.ok else []
        missing = [name for name in ids if name not in known]
        deadline = time.monotonic() + SECONDS
        whole = True
        for at in range(0, len(missing), _BATCH):
            try:
                fresh = self._batch(missing[at : at + _BATCH]) if time.monotonic() < deadline else None
            except InfrastructureError:  # a machine too slow for it today
                fresh = None
            if fresh is None:
                whole = False
                break
            known |= {one.id: one for one in fresh}
        return [known[name] for name in ids if name in known], whole

    def _batch(self, ids: Sequence[str]) -> list[_Commit] | None:
        command = (
            "diff-tree",
            "--stdin",
            "--always",
            "--root",
            "-r",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--raw",
            "--numstat",
        )
        answer = self._git.run(
            *command, "-z", _FORMAT, stdin="".join(f"{name}\n" for name in ids).encode(), limits=_LIMITS, most=_MOST_OUTPUT
        )
        return list(_parsed(answer.out)) if answer.ok else None

    # The cache

    def _kept(self) -> tuple[str, str] | None:
        """The two lines of the file: what the commits come to, and the commits."""
        if self._file is None:
            return None
        try:
            if self._file.stat().st_size > _MOST_KEPT:
                return None
            told, _, commits = self._file.read_text("utf-8").partition("\n")
        except (OSError, ValueError):
            return None
        return told, commits

    def _keep(self, told: dict[str, object], commits: list[_Commit]) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError):  # the next run reads it again
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lines = (json.dumps(told, separators=(",", ":")), json.dumps(commits, separators=(",", ":")))
            content = "\n".join(lines).encode()
            if len(content) <= _MOST_KEPT:
                replace(self._file, content)


def _parsed(out: bytes) -> Iterator[_Commit]:
    """The commits of a `diff-tree --raw --numstat -z`: names may hold anything but NUL, and only a head begins with its mark."""
    head: list[bytes] = []
    files: dict[bytes, Touch] = {}
    tokens = iter(out.split(b"\0"))
    for token in tokens:
        bare = token.removeprefix(b"\n")
        if bare.startswith(_HEAD):
            if head:
                yield _commit(head, files.values())
            head, files = bare[1:].split(b"\x02", 3), {}
        elif bare.startswith(b":"):
            path = next(tokens, b"")
            files[path] = Touch(path, 0, 0, gone=bare.endswith(b" D"))
        elif bare:
            added, deleted, path = bare.split(b"\t", 2)
            binary = added == b"-"
            lines = (0, 0) if binary else (int(added), int(deleted))
            files[path] = Touch(path, *lines, gone=path in files and files[path].gone, binary=binary)
    if head:
        yield _commit(head, files.values())


def _commit(head: list[bytes], files: Iterable[Touch]) -> _Commit:
    name, at, author, subject = (*head, b"", b"", b"")[:4]
    files = list(files)
    touched = [_digest(file.path) for file in files] if len(files) <= _MOST_FILES else []
    revert = subject.lstrip().lower().startswith((b'revert "', b"revert: "))
    return _Commit(name.decode("ascii"), float(at or 0), _digest(author.strip().lower()), revert, features(files), touched)


def _digest(name: bytes) -> str:
    return blake2b(name, digest_size=8).hexdigest()


def _commits(line: str) -> list[_Commit]:
    """The commits that were kept; none when what was kept is damaged."""
    try:
        return [
            _Commit(
                str(name), float(at), str(author), bool(revert), {str(k): float(v) for k, v in own.items()}, [str(file) for file in files]
            )
            for name, at, author, revert, own, files in json.loads(line)
        ]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []


def _summary(head: str, most: int, commits: list[_Commit]) -> dict[str, object]:
    """What the commits come to, oldest first: each is compared with those before it."""
    counted = [one for one in commits if not one.revert and one.features.get("files")]
    seen: dict[str, tuple[int, float, set[str]]] = {}
    rows: list[dict[str, float]] = []
    for one in reversed(counted):
        known = [Known(times, last, len(people)) for file in one.files if file in seen for times, last, people in [seen[file]]]
        rows.append({**one.features, **about_files(known, one.at)})
        for file in one.files:
            times, _, people = seen.get(file, (0, 0.0, set[str]()))
            seen[file] = (times + 1, one.at, people | {one.author})
    return {
        "schema": _SCHEMA,
        "head": head,
        "most": most,
        "commits": len(counted),
        "newest": max((one.at for one in counted), default=0.0),
        "spread": {name: spread(row[name] for row in rows) for name in (rows[0] if rows else ())},
        "files": {file: (times, last, len(people)) for file, (times, last, people) in seen.items()},
    }


def _told(line: str, commit: str, most: int) -> dict[str, object] | None:
    """What was kept of exactly this history; `None` when it is another's, an older program's, or damaged."""
    try:
        told = json.loads(line)
        fits = isinstance(told, dict) and (told["schema"], told["head"], told["most"]) == (_SCHEMA, commit, most)
        if fits:
            _past(told, ())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return told if fits else None


def _past(told: dict[str, object], paths: Iterable[bytes]) -> Past:
    read: dict[str, dict[str, list[float]]] = {name: dict(told[name]) for name in ("spread", "files")}  # type: ignore[call-overload]
    spreads = {str(name): Spread(float(middle), float(width)) for name, (middle, width) in read["spread"].items()}
    files = {}
    for path in paths:
        if (known := read["files"].get(_digest(path))) is not None:
            times, last, people = known
            files[path] = Known(int(times), float(last), int(people))
    return Past(int(str(told["commits"])), float(str(told["newest"])), spreads, files)
