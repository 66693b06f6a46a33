"""The work trees that have a ref checked out, and how one is brought along when the ref moves; what somebody edited is never overwritten."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from runner.errors import InfrastructureError, TargetMoved
from runner.git import difference
from runner.git.command import Answer, Git
from runner.git.landing import Landing, refuse_lock
from runner.git.repository import open_repository
from runner.git.scratch import index_folder
from runner.git.trees import GITLINK, Entry
from runner.model.text import shown

_SHOWN = 5
_UNFILTERED: Final = ("unspecified", "unset")


class Checkout(NamedTuple):
    """A work tree at its top folder."""

    folder: Path
    git: Git


class _Step(NamedTuple):
    """What one path is before and after a step; `None` where it is absent."""

    path: bytes
    old: Entry | None
    new: Entry | None


def checkouts(landing: Landing, ref: str) -> tuple[Checkout, ...]:
    """The work trees, main or linked, that have a ref checked out; those whose folder is gone are none."""
    answer = landing.git.run("worktree", "list", "--porcelain", "-z")
    end, between = b"\0", b"\0\0"
    if not answer.ok:  # git before 2.36
        answer = landing.git.run("worktree", "list", "--porcelain")
        end, between = b"\n", b"\n\n"
    if not answer.ok:
        raise InfrastructureError(f"git cannot list the work trees: {answer.reason}")
    found = (dict(line.partition(b" ")[::2] for line in block.split(end)) for block in answer.out.split(between))
    folders = [Path(os.fsdecode(one[b"worktree"])) for one in found if one.get(b"branch") == os.fsencode(ref)]
    return tuple(_opened(landing, folder) for folder in folders if folder.is_dir())


def unready(checkout: Checkout, old: str, new: str) -> str:
    """Why a clean work tree at commit `old` could not be brought to `new`; empty when it could. Reads only."""
    if checkout.git.run("config", "--type=bool", "core.sparseCheckout").out.strip() == b"true":
        return "it is a sparse checkout"
    answer = checkout.git.run("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    if not answer.ok:
        return f"git cannot read it: {answer.reason}"
    if answer.out:
        return f"it has uncommitted changes: {_listed(line[3:] for line in answer.out.split(bytes(1))[:-1])}"
    steps = _steps(checkout, old, new)
    if filtered := _filtered(checkout, steps, (old, new)):
        return f"what is checked out there goes through a filter, which is not run here: {_listed(filtered)}"
    if edited := _differing(checkout, {step.path: step.old for step in steps}):
        return f"there are files in the way: {_listed(edited)}"
    answer = checkout.git.run("read-tree", "-n", "-m", "-u", old, new)
    return "" if answer.ok else answer.reason


def bring(checkout: Checkout, old: str, new: str, *, cut_short: bool) -> None:
    """Bring index and files from commit `old` to `new`, also where an earlier try may have been cut short; synced once this returns.

    Readers may see a mix meanwhile. Raises TargetMoved, before anything is changed, when somebody has edited one of the files.
    """
    steps = _steps(checkout, old, new)
    foreign = edited(checkout, old, new, cut_short=cut_short)
    unlike_new = _differing(checkout, {step.path: step.new for step in steps})
    if unlike_new <= set(foreign) and not _staged(checkout, steps, new):
        return  # whatever is to be brought is there already
    if foreign:
        raise TargetMoved(f"somebody has edited files of the work tree '{shown(bytes(checkout.folder))}': {_listed(foreign)}")
    unlike_old = _differing(checkout, {step.path: step.old for step in steps})
    done = unlike_old - unlike_new
    for path in unlike_old - done:  # begun and not ended
        (checkout.folder / os.fsdecode(path)).unlink(missing_ok=True)
    if done:  # the index must know of the files that are new already, else git takes them for edited
        gone_first = sorted((step for step in steps if step.path in done), key=lambda step: step.new is not None)
        lines = b"".join(_index_line(step.path, step.new, len(new)) for step in gone_first)
        _told(checkout, checkout.git.run("update-index", "-z", "--index-info", stdin=lines))
    _told(checkout, checkout.git.run("read-tree", "-m", "-u", old, new))
    checkout.git.run("update-index", "-q", "--refresh")
    _sync(checkout.folder, steps)


def edited(checkout: Checkout, old: str, new: str, *, cut_short: bool) -> tuple[bytes, ...]:
    """Paths of the step from `old` to `new` whose files are as in neither; with `cut_short`, nor what git leaves when it is killed meanwhile."""
    steps = _steps(checkout, old, new)
    unlike_old = _differing(checkout, {step.path: step.old for step in steps})
    unlike_both = unlike_old & _differing(checkout, {step.path: step.new for step in steps if step.path in unlike_old})
    return tuple(sorted(step.path for step in steps if step.path in unlike_both and not (cut_short and _begun(checkout, step))))


def _begun(checkout: Checkout, step: _Step) -> bool:
    """Whether a file is not there, or is a beginning of the new one."""
    if not _occupied(checkout.folder, step.path):
        return True
    if step.new is None or step.new.mode in ("120000", GITLINK):
        return False
    whole = _told(checkout, checkout.git.run("cat-file", "blob", step.new.id)).out
    try:
        opened = os.open(checkout.folder / os.fsdecode(step.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(opened, "rb") as file:
        return stat.S_ISREG(os.fstat(opened).st_mode) and whole.startswith(file.read(len(whole) + 1))


def behind(checkout: Checkout, old: str, new: str) -> tuple[bytes, ...]:
    """Paths of the step from `old` to `new` whose files are not as in `new`."""
    return tuple(sorted(_differing(checkout, {step.path: step.new for step in _steps(checkout, old, new)})))


def _opened(landing: Landing, folder: Path) -> Checkout:
    """Its git, with every filter that the repository configures put out of force."""
    git = open_repository(folder, landing.git.home).git
    keys = git.run("config", "--null", "--name-only", "--get-regexp", r"^filter\.").out.split(b"\0")[:-1]
    names = dict.fromkeys(os.fsdecode(key.partition(b".")[2].rpartition(b".")[0]) for key in keys)
    settings = [(f"filter.{name}.{key}", value) for name in names for key, value in _OFF]
    env = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(settings)}
    env |= {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(settings)}
    env["GIT_CONFIG_COUNT"] = str(len(settings))
    return Checkout(folder, Git(folder, git.home, (*git.env, *env.items()), (*git.config, "core.fsync=all")))


_OFF: Final = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))


def _steps(checkout: Checkout, old: str, new: str) -> tuple[_Step, ...]:
    pairs = difference.raw(checkout.git, old, new)
    return tuple(
        _Step(some.path, Entry(a.mode, a.blob) if a else None, Entry(b.mode, b.blob) if b else None) for a, b in pairs if (some := a or b)
    )


def _differing(checkout: Checkout, wanted: Mapping[bytes, Entry | None]) -> set[bytes]:
    """Which of these paths are not so in the work tree; git compares contents, by an index of just these."""
    there = {path: entry for path, entry in wanted.items() if entry is not None}
    found = {path for path in wanted.keys() - there.keys() if _occupied(checkout.folder, path)}
    if not there:
        return found
    with index_folder(checkout.git.home.parent) as folder:
        git = checkout.git.with_env(GIT_INDEX_FILE=str(folder / "index"))
        lines = b"".join(_index_line(path, entry, len(entry.id)) for path, entry in there.items())
        _told(checkout, git.run("update-index", "-z", "--index-info", stdin=lines))
        git.run("update-index", "-q", "--ignore-submodules", "--refresh")  # compares contents; what differs is listed next
        answer = _told(checkout, git.run("diff-files", "-z", "--name-only", "--no-renames", "--ignore-submodules=all"))
        return found | set(answer.out.split(b"\0")[:-1])


def _occupied(folder: Path, path: bytes) -> bool:
    """Whether something other than a directory is at a path below real directories."""
    parts = path.split(b"/")
    at = bytes(folder)
    for count, part in enumerate(parts, 1):
        at = at + b"/" + part
        try:
            mode = os.lstat(at).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if not stat.S_ISDIR(mode):
            return count == len(parts)
    return False


def _staged(checkout: Checkout, steps: Iterable[_Step], commit: str) -> bool:
    """Whether the index has one of these paths otherwise than a commit."""
    answer = _told(checkout, checkout.git.run("diff-index", "--cached", "-z", "--name-only", "--no-renames", commit))
    return not {step.path for step in steps}.isdisjoint(answer.out.split(b"\0"))


def _filtered(checkout: Checkout, steps: Iterable[_Step], commits: Iterable[str]) -> tuple[bytes, ...]:
    """Paths that an attribute of either side sends through a filter."""
    stdin = b"".join(step.path + b"\0" for step in steps)
    found: set[bytes] = set()
    for commit in commits:
        with index_folder(checkout.git.home.parent) as folder:
            git = checkout.git.with_env(GIT_INDEX_FILE=str(folder / "index"))
            _told(checkout, git.run("read-tree", commit))
            fields = _told(checkout, git.run("check-attr", "--cached", "--stdin", "-z", "filter", stdin=stdin)).out.split(b"\0")[:-1]
        found.update(
            path for path, value in zip(fields[::3], fields[2::3], strict=True) if value.decode("ascii", "replace") not in _UNFILTERED
        )
    return tuple(sorted(found))


def _index_line(path: bytes, entry: Entry | None, width: int) -> bytes:
    mode, name = (entry.mode, entry.id) if entry else ("0", "0" * width)
    return b"%s %s 0\t%s\0" % (mode.encode(), name.encode(), path)


def _told(checkout: Checkout, answer: Answer) -> Answer:
    if not answer.ok:
        refuse_lock(answer)
        raise InfrastructureError(
            f"git cannot bring the work tree '{shown(bytes(checkout.folder))}' along: {answer.reason}",
            hint="`git status` there tells more.",
        )
    return answer


def _sync(folder: Path, steps: Iterable[_Step]) -> None:
    """Make files and names durable, which git leaves to the system."""
    folders: set[Path] = set()
    for step in steps:
        place = folder / os.fsdecode(step.path)
        folders.update(parent for parent in place.parents if parent.is_relative_to(folder))
        if step.new is not None and step.new.mode not in ("120000", GITLINK):
            _sync_file(place)
    for one in folders:
        if one.is_dir() and not one.is_symlink():
            _sync_file(one)


def _sync_file(place: Path) -> None:
    try:
        opened = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # somebody has changed it since: it is theirs
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _listed(paths: Iterable[bytes]) -> str:
    names = [shown(path) for path in paths]
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
