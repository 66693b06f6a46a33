"""A live folder, two trees for it, a service that works in it, and children that die or stop at a marker."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from runner import crashpoints
from runner.git.objects import PrivateObjects
from runner.model.promotion import Promotion, Standing
from runner.targets.folder import FolderTarget

ODD = b"odd\n\xff name"
OLD: dict[bytes, tuple[str, bytes]] = {
    b"a.txt": ("file", b"old a\n"),
    b"same.txt": ("file", b"same\n"),
    b"run.sh": ("exec", b"#!/bin/sh\necho old\n"),
    b"src/m.py": ("file", b"VERSION = 'old'\n"),
    b"src/same.py": ("file", b"X = 1\n"),
    b"link": ("link", b"src"),
    b"gone/deep/x.txt": ("file", b"x\n"),
    b"was_folder/p": ("file", b"p\n"),
    b"was_folder/q/r": ("file", b"r\n"),
    b"was_file": ("file", b"file\n"),
    ODD: ("file", b"odd old\n"),
}
NEW: dict[bytes, tuple[str, bytes]] = {
    b"a.txt": ("file", b"new a\n"),
    b"same.txt": ("file", b"same\n"),
    b"run.sh": ("file", b"#!/bin/sh\necho old\n"),
    b"src/m.py": ("file", b"VERSION = 'new'\n"),
    b"src/same.py": ("file", b"X = 1\n"),
    b"link": ("link", b"was_file"),
    b"was_folder": ("file", b"now a file\n"),
    b"was_file/inside": ("file", b"now a folder\n"),
    b"fresh/deep/new.py": ("exec", b"new\n"),
    ODD: ("file", b"odd new\n"),
}
METHODS = ("exchange", "symlink", "journal")


def lay(folder: Path, files: dict[bytes, tuple[str, bytes]]) -> None:
    for name, (kind, content) in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(os.fsdecode(content))
        else:
            path.write_bytes(content)
            path.chmod(0o755 if kind == "exec" else 0o644)


def held(folder: Path) -> dict[bytes, tuple[str, bytes]]:
    """Everything but folders and what is ours, by path."""
    top, found = folder.resolve(), {}
    for above, folders, files in os.walk(top):
        links = [name for name in folders if (Path(above) / name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".seatrial-")]
        for path in (Path(above) / name for name in [*files, *links]):
            try:
                found[bytes(path.relative_to(top))] = _one(path)
            except FileNotFoundError:  # a service is at work
                continue
    return found


def _one(path: Path) -> tuple[str, bytes]:
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        return "link", bytes(path.readlink())
    if not stat.S_ISREG(facts.st_mode):
        return "other", b""
    return "exec" if facts.st_mode & 0o100 else "file", path.read_bytes()


class Live:
    """A live folder with what a test needs to promote to it."""

    def __init__(self, top: Path, repository: Path, method: str, git_in: Callable[..., str]) -> None:
        self.top, self.repository, self.method = top, repository, method
        self.path = top / "site" / "app"
        self.before, self.after = self._tree(git_in, OLD), self._tree(git_in, NEW)
        (top / "site").mkdir()
        if method == "symlink":
            (top / "site" / "releases").mkdir()
            lay(top / "site" / "releases" / "first", OLD)
            self.path.symlink_to("releases/first")
        else:
            lay(self.path, OLD)
        self.count = 0
        self.keep: tuple[str, ...] = ()
        self.grace = 0.0
        self.beside = self.left()

    def _tree(self, git_in: Callable[..., str], files: dict[bytes, tuple[str, bytes]]) -> str:
        with tempfile.TemporaryDirectory(dir=self.top) as laid:
            lay(Path(laid), files)
            git_in(self.repository, "read-tree", "--empty")
            git_in(self.repository, f"--work-tree={laid}", "add", "-A")
        return git_in(self.repository, "write-tree")

    def objects(self) -> PrivateObjects:
        self.count += 1
        return PrivateObjects(self.repository, self.top / f"private-{os.getpid()}-{self.count}")

    def target(self) -> FolderTarget:
        return FolderTarget(self.path, self.keep, grace=self.grace)

    def promotion(self, run: str = "r1", **more: object) -> Promotion:
        given: dict[str, object] = {"before": self.before, "after": self.after, **more}
        return Promotion(run=run, target=self.target().key, base="c" * 40, **given)

    def promote(self, promotion: Promotion | None = None, trees: PrivateObjects | None = None) -> Promotion:
        with trees or self.objects() as objects:
            target = self.target()
            prepared = target.prepare(promotion or self.promotion(), objects)
            self.note(prepared)
            target.swap(prepared, objects)
        return prepared

    def ask(self, what: str, promotion: Promotion) -> Standing:
        with self.objects() as objects:
            return getattr(self.target(), what)(promotion, objects)

    def look(self) -> str:
        """Which tree the folder holds: `old`, `new` or nothing."""
        with self.objects() as objects:
            found = self.target().look(objects, (self.before, self.after)).tree
        return {self.before: "old", self.after: "new"}.get(found, "")

    def note(self, promotion: Promotion) -> None:
        """What a store would have: the promotion once it is prepared."""
        (self.top / "noted.json").write_text(promotion.model_dump_json())

    def noted(self) -> Promotion:
        """The promotion as whoever takes over finds it."""
        path = self.top / "noted.json"
        return Promotion.model_validate_json(path.read_text()) if path.exists() else self.promotion()

    def left(self) -> set[str]:
        """What lies around the live folder and in it that is not the operator's."""
        site = self.top / "site"
        around = {str(path.relative_to(site)) for path in (*site.iterdir(), *site.glob("releases/*"))}
        inside = {str(path) for path in Path(os.path.realpath(self.path)).rglob(".seatrial-*")}
        return around | inside


exchanged = pytest.mark.parametrize("live", ["exchange"], indirect=True)
stepped = pytest.mark.parametrize("live", ["exchange", "symlink"], indirect=True)


class Child:
    """A process of our own that does something, and at a marker is killed, stops or sees an operation fail."""

    def __init__(self, action: Callable[[], object], marker: str = "", deed: Callable[[], None] | None = None, at: int = 1) -> None:
        self.reached, writes = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(writes)
            return
        code = 99
        try:
            seen = 0

            def hook(name: str) -> None:
                nonlocal seen
                if name == marker:
                    seen += 1
                    if seen == at and deed is not None:
                        os.write(writes, b"!")
                        deed()

            crashpoints.hook = hook
            action()
            code = 0
        except BaseException as problem:  # noqa: BLE001 - the parent is told
            if os.environ.get("SEATRIAL_SHOW"):
                import traceback

                traceback.print_exc()
            os.write(writes, type(problem).__name__.encode() + b": " + str(problem).encode()[:300])
            code = 1
        finally:
            os._exit(code)

    def wait(self) -> int:
        """How it ended: minus the signal, or its exit code."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def stopped(self) -> bool:
        """Wait until it stands still; False when it ended instead."""
        return os.WIFSTOPPED(os.waitpid(self.pid, os.WUNTRACED)[1])

    def said(self) -> str:
        with os.fdopen(self.reached, "rb") as told:
            return told.read().decode()


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stops() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


_SERVICE = """
import json, os, sys, time, sqlite3, signal
app, kind, told = sys.argv[1:4]
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
count = int(sys.argv[4]) * 1000000
out = open(told, "a", buffering=1)
def path(name):
    return os.path.join(app, name)
if kind.startswith("sqlite"):
    database = sqlite3.connect(path("data/app.db"), timeout=30, isolation_level=None)
    if kind != "sqlite-closing":
        database.execute(f"pragma journal_mode={kind.partition('-')[2]}")
    database.execute("pragma synchronous=off")
    database.execute("create table if not exists rows (n integer primary key, pad text)")
if kind == "log":
    log = open(path("data/app.log"), "a", buffering=1)
while going:
    count += 1
    if kind == "log":
        log.write(f"{count}\\n")
    elif kind == "appending":
        with open(path("data/app.log"), "a") as log:
            log.write(f"{count}\\n")
    elif kind == "json":
        while True:
            try:
                with open(path("data/state.json.tmp"), "w") as file:
                    json.dump({"count": count}, file)
                os.rename(path("data/state.json.tmp"), path("data/state.json"))
                break
            except FileNotFoundError:
                pass
    elif kind == "sqlite-closing":
        database.close()
        database = sqlite3.connect(path("data/app.db"), timeout=30, isolation_level=None)
        database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=off")
        database.execute("insert into rows values (?, ?)", (count, "x" * 2000))
    else:
        database.execute("begin immediate")
        for part in range(3):
            database.execute("insert into rows values (?, ?)", (count * 10 + part, "x" * 2000))
        database.execute("commit")
    out.write(f"{count}\\n")
    time.sleep(0.0005)
"""


class Service:
    """A process that works in the live folder, and tells us what it was told is kept."""

    def __init__(self, live: Live, kind: str, *, inside: bool = False) -> None:
        """`inside`: it goes into the live folder first, and uses names relative to that."""
        live.count += 1
        self.told = live.top / f"told-{live.count}"
        self.errors = (live.top / f"errors-{live.count}").open("wb")
        command = [sys.executable, "-c", _SERVICE, "." if inside else str(live.path), kind, str(self.told), str(live.count)]
        self.process = subprocess.Popen(command, stderr=self.errors, cwd=live.path if inside else None)

    def __enter__(self) -> Self:
        until = time.monotonic() + 30
        while not (self.told.exists() and self.told.stat().st_size):
            assert self.process.poll() is None, Path(self.errors.name).read_text()
            assert time.monotonic() < until
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        code = self.process.wait(60)
        self.errors.close()
        assert code == 0, Path(self.errors.name).read_text()

    def more(self) -> None:
        """Wait until it has done some more."""
        size, until = self.told.stat().st_size, time.monotonic() + 30
        while self.told.stat().st_size < size + 100:
            assert self.process.poll() is None, Path(self.errors.name).read_text()
            assert time.monotonic() < until
            time.sleep(0.01)

    def kept(self) -> list[int]:
        return [int(line) for line in self.told.read_text().splitlines()]
