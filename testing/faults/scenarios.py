"""The worlds that a run is carried in: a repository with changes, a target that is nobody else's, and a service that writes into it."""

import json
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

REF: Final = "refs/heads/main"
Files = dict[bytes, tuple[str, bytes]]
BASE: Final[Files] = {
    b"a.txt": ("file", b"old a\n"),
    b"same.txt": ("file", b"same\n"),
    b"run.sh": ("exec", b"#!/bin/sh\necho old\n"),
    b"src/m.py": ("file", b"VERSION = 'old'\n"),
    b"link": ("link", b"src"),
    b"gone/deep/x.txt": ("file", b"x\n"),
    b"odd \xc3\xa9 name": ("file", b"odd old\n"),
    b"well": ("file", b"yes\n"),
}
CHANGED: Final[Files] = {
    b"a.txt": ("file", b"new a\n"),
    b"run.sh": ("file", b"#!/bin/sh\necho old\n"),
    b"src/m.py": ("file", b"VERSION = 'new'\n"),
    b"link": ("link", b"well"),
    b"fresh/deep/new.py": ("exec", b"new\n"),
    b"odd \xc3\xa9 name": ("file", b"odd new\n"),
}
REMOVED: Final = (b"gone/deep/x.txt",)
_PLAIN: Final = ("--template=",)
"""A repository without samples of hooks, which each world would have a copy of."""
DATA: Final = b"first row\n"
"""What the service's own file begins with."""
_PROBES: Final[dict[str, Any]] = {
    "confirm_after": "60ms",
    "deadline": "60s",
    "advanced": {"p_healthy": "1%", "p_broken": "90%", "failures": 1, "no_data": 5},
}


@dataclass(frozen=True)
class Scenario:
    """One way that a run goes when nothing goes wrong."""

    name: str
    kind: str
    method: str
    ending: str
    """Of the last action's run."""
    well: bool = True
    """Whether the probe finds the change well."""
    actions: tuple[str, ...] = ("submit",)
    promote: tuple[tuple[str, Any], ...] = ()
    monitor: tuple[tuple[str, Any], ...] = ()
    probed: bool = True
    worktree: bool = False
    remote: bool = False
    holds: bool = False

    @property
    def twice(self) -> bool:
        """Whether a second change comes to the target."""
        return "second" in self.actions or "race" in self.actions


_AFTER: Final = (("after", {"command": ["sh", "-c", 'grep -q yes "$0"/well', "LIVE"], "timeout": "10s"}),)
_HELD: Final = (("on_undecided", "hold"), ("deadline", "300ms"))
SCENARIOS: Final = {
    one.name: one
    for one in (
        Scenario("git confirmed", "git", "ref", "confirmed"),
        Scenario("git rolled back", "git", "ref", "rolled_back", well=False),
        Scenario("git work tree", "git", "ref", "rolled_back", well=False, worktree=True, promote=(("worktree", "update_if_clean"),)),
        Scenario("git work tree confirmed", "git", "ref", "confirmed", worktree=True, promote=(("worktree", "update_if_clean"),)),
        Scenario("git push", "git", "ref", "rolled_back", well=False, remote=True, promote=(("push", {"remote": "REMOTE"}),)),
        Scenario("git push confirmed", "git", "ref", "confirmed", remote=True, promote=(("push", {"remote": "REMOTE"}),)),
        Scenario("exchange confirmed", "dir", "exchange", "confirmed"),
        Scenario("exchange rolled back", "dir", "exchange", "rolled_back", well=False),
        Scenario("symlink confirmed", "dir", "symlink", "confirmed"),
        Scenario("symlink rolled back", "dir", "symlink", "rolled_back", well=False),
        Scenario("journal confirmed", "dir", "journal", "confirmed"),
        Scenario("journal rolled back", "dir", "journal", "rolled_back", well=False),
        Scenario("after fails", "dir", "exchange", "rolled_back", well=False, promote=_AFTER),
        Scenario("held, then confirmed", "git", "ref", "confirmed", actions=("submit", "confirm"), monitor=_HELD, probed=False, holds=True),
        Scenario(
            "held folder, then confirmed",
            "dir",
            "exchange",
            "confirmed",
            actions=("submit", "confirm"),
            monitor=_HELD,
            probed=False,
            holds=True,
        ),
        Scenario("confirmed, then taken back", "git", "ref", "rolled_back", actions=("submit", "rollback")),
        Scenario("confirmed folder, then taken back", "dir", "exchange", "rolled_back", actions=("submit", "rollback")),
        Scenario("restored", "dir", "exchange", "confirmed", actions=("submit", "restore")),
        Scenario("pruned", "dir", "exchange", "confirmed", actions=("submit", "second", "prune")),
        Scenario("late", "git", "ref", "rolled_back", monitor=(("deadline", "1s"), ("confirm_after", "900ms"))),
        Scenario("race", "git", "ref", "confirmed", actions=("race",)),
        Scenario("race for a folder", "dir", "exchange", "confirmed", actions=("race",)),
    )
}


class Tree(NamedTuple):
    """A tree that a target may be, by git's id."""

    id: str
    files: Files


@dataclass
class World:
    """One scenario laid out in the folder `top`; `trees` by what they are called."""

    scenario: Scenario
    top: Path
    trees: dict[str, Tree]
    outside: dict[str, str] = field(default_factory=dict)
    """What must stay as it was, as `testing.faults.invariants.outside` tells it."""

    @property
    def target(self) -> Path:
        """The repository or the live folder."""
        return self.top / "site" / "app"

    @property
    def remote(self) -> Path:
        """Where a ref is pushed to."""
        return self.top / "remote.git"

    @property
    def data(self) -> Path:
        """The service's own file, in the live folder."""
        return self.target / "data" / "rows"

    @property
    def state(self) -> Path:
        """Our state folder."""
        return self.top / "state" / "seatrial"


def build(scenario: Scenario, top: Path) -> World:
    """Make what all worlds of a scenario begin with, its repositories and changes, to be laid out from by `copied`. The folder `top` is made."""
    for name in ("tmp", "site", "restored", "elsewhere"):
        (top / name).mkdir(parents=True)
    (top / "elsewhere" / "file").write_text("nobody's\n")
    source = top / "source"
    source.mkdir()
    _git(source, "init", "-q", *_PLAIN)
    after = {**BASE, **CHANGED, b"well": ("file", b"yes\n" if scenario.well else b"no\n")}
    for path in REMOVED:
        del after[path]
    trees = {"old": _commit(source, BASE)}
    trees["new"] = _changed(source, after, top / "change.diff")
    if scenario.twice:
        second = ("file", b"ours\n")
        trees["second"] = _changed(source, {**BASE, b"same.txt": second}, top / "second.diff")
        trees["both"] = _changed(source, {**after, b"same.txt": second}, top / "both.diff")
    world = World(scenario, top, trees)
    if scenario.kind == "git":
        _git(source, "clone", "-q", *_PLAIN, *(() if scenario.worktree else ("--bare",)), str(source), str(world.target))
    if scenario.remote:
        _git(source, "clone", "-q", *_PLAIN, "--bare", str(source), str(world.remote))
    return world


def copied(first: World, top: Path) -> World:
    """A world of its own like the first of its scenario, in the folder `top`, which is made."""
    shutil.copytree(first.top, top, symlinks=True)
    scenario = first.scenario
    world = World(scenario, top, first.trees)
    if scenario.worktree:
        _git(world.target, "update-index", "-q", "--refresh")
    mounted = scenario.kind == "dir" and _lay_folder(world)
    (top / "policy.yaml").write_text(json.dumps(_policy(world)))
    target = f"git:{world.target}#main" if scenario.kind == "git" else f"dir:{world.target}"
    told = {"target": target, "method": scenario.method, "mounted": mounted, "holds": scenario.holds}
    (top / "world.json").write_text(json.dumps(told))
    return world


def _lay_folder(world: World) -> bool:
    """The live folder; whether it is a mount point."""
    scenario, target = world.scenario, world.target
    place, mounted = target, False
    if scenario.method == "symlink":
        place = world.top / "site" / "releases" / "first"
        target.symlink_to("releases/first")
    place.mkdir(parents=True)
    if scenario.method == "journal":
        mounted = not subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], capture_output=True, check=False).returncode
    lay(place, BASE)
    (place / "data").mkdir()
    (place / "data" / "rows").write_bytes(DATA)
    return mounted


def unmount(world: World) -> None:
    """Let go of a folder that was mounted."""
    if os.path.ismount(world.target):
        subprocess.run(["umount", "-l", str(world.target)], capture_output=True, check=False)


def unmount_all(folder: Path) -> None:
    """The same for all worlds below `folder`."""
    for place in folder.glob("*/site/app"):
        if place.is_mount():
            subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


def raze(world: World) -> None:
    """Remove a world."""
    unmount(world)
    shutil.rmtree(world.top)


def _policy(world: World) -> dict[str, Any]:
    scenario = world.scenario
    named = {"LIVE": str(world.target), "REMOTE": str(world.remote)}
    promote = _filled(dict(scenario.promote), named)
    probes = (
        [{"command": _probe(world), "interval": "50ms", "timeout": "900ms" if scenario.name == "late" else "10s"}]
        if scenario.probed
        else []
    )
    return {
        "seatrial": 1,
        "tests": {"runner": "command", "command": ["true"]},
        "sandbox": {"image": "nothing:1"},
        "preflight": {"health": {"docker_ping": {"soft": "none", "hard": "none"}}},
        "promote": {"when_base_moved": "retry", **promote},
        "rollback": {"attempts": 5},
        "monitor": {**_PROBES, "probes": probes, **dict(scenario.monitor)},
    }


def _probe(world: World) -> list[str]:
    """What serves requests writes a row and tells it; and whether what it serves is well."""
    if world.scenario.kind == "git":
        return ["git", "-C", str(world.target), "grep", "-q", "yes", "main", "--", "well"]
    script = 'echo row-$$ >> "$0"/data/rows && echo row-$$ >> "$1"; grep -q yes "$0"/well'
    return ["sh", "-c", script, str(world.target), str(world.top / "rows-told")]


def _filled(given: Any, named: dict[str, str]) -> Any:
    if isinstance(given, dict):
        return {name: _filled(value, named) for name, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, named) for value in given]
    return named.get(given, given)


def lay(folder: Path, files: Files) -> None:
    """Put files and links into a folder."""
    for name, (kind, content) in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(os.fsdecode(content))
            continue
        path.write_bytes(content)
        path.chmod(0o755 if kind == "exec" else 0o644)


def held(folder: int | Path, *, hidden: bool = False) -> Files:
    """Every file and link of a folder, by path; `hidden`: also what is ours."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY) if isinstance(folder, Path) else os.dup(folder)
    found: Files = {}
    try:
        for above, folders, files, at in os.fwalk(b".", dir_fd=opened):
            folders[:] = [name for name in folders if hidden or not name.startswith(b".seatrial-")]
            for name in [*files, *folders]:
                facts = os.stat(name, dir_fd=at, follow_symlinks=False)
                path = os.path.normpath(os.path.join(above, name))  # noqa: PTH118 - bytes
                if stat.S_ISLNK(facts.st_mode):
                    found[path] = ("link", os.readlink(name, dir_fd=at))
                elif stat.S_ISREG(facts.st_mode):
                    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=at)
                    with os.fdopen(file, "rb") as reading:
                        found[path] = ("exec" if facts.st_mode & stat.S_IXUSR else "file", reading.read())
    finally:
        os.close(opened)
    return found


def _changed(folder: Path, files: Files, diff: Path) -> Tree:
    """A tree, and the difference to it from what is there."""
    tree = _commit(folder, files)
    diff.write_bytes(_git(folder, "diff", "--binary", "--no-renames", "HEAD~1", "HEAD"))
    _git(folder, "reset", "-q", "--hard", "HEAD~1")
    return tree


def _commit(folder: Path, files: Files) -> Tree:
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    lay(folder, files)
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "a commit")
    return Tree(_git(folder, "rev-parse", "HEAD^{tree}").decode().strip(), files)


def _git(folder: Path, *words: str) -> bytes:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", "-C", str(folder), *who, *words], env=own, check=True, capture_output=True).stdout
