"""A vault of a test's own, things to keep in it, and the ways in which it can die."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from runner import crashpoints
from runner.ports import Item
from runner.store.backups import SqlBackups
from runner.store.database import Database
from runner.store.schema import backups as table
from runner.vault.options import Advanced, Options
from runner.vault.vault import FileVault

Content = bytes | str | None


class World:
    """The state folder, and everything about its vault that a test asks for."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.backups = SqlBackups(state)
        self.vault = self.with_()

    def with_(self, *, grace: float = 86400.0, **given: Any) -> FileVault:
        """The vault by other rules."""
        return FileVault(self.state, self.backups, Options(advanced=Advanced(grace=grace), **given))

    @property
    def impatient(self) -> FileVault:
        """The vault by rules that keep next to nothing, and without grace."""
        return self.with_(keep_within=0.0, keep_last=1, grace=0.0)

    def age(self, seconds: float) -> None:
        """Let everything that the record knows be so much older."""
        with Database(self.state).writing() as transaction:
            columns = {name: table.c[name] - seconds for name in ("made", "verified", "marked")}
            transaction.connection.execute(update(table).values(**columns))

    def objects(self) -> list[Path]:
        return sorted(path for path in (self.state / "vault/objects").glob("*/*"))

    def manifest(self, backup: str) -> Path:
        return self.state / "vault/manifests" / backup

    def leftovers(self) -> list[str]:
        """What writers and deleters that died have left."""
        return [str(path) for name in ("writing", "doomed") for path in (self.state / "vault" / name).rglob("*")]


def an_item(path: bytes, content: Content, **given: Any) -> Item:
    """A file of bytes, a link to a text, or a folder."""
    kind = "folder" if content is None else "link" if isinstance(content, str) else "file"
    mode = {"file": 0o644, "link": 0, "folder": 0o755}[kind]
    data = b"" if content is None else os.fsencode(content) if isinstance(content, str) else content
    return Item(path, kind, given.pop("mode", mode), partial(bytes, data), **given)


def some_items(tree: Mapping[bytes, Content]) -> tuple[Item, ...]:
    return tuple(an_item(path, content) for path, content in tree.items())


@pytest.fixture
def world(tmp_path: Path) -> World:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return World(state)


@pytest.fixture
def item() -> Callable[..., Item]:
    return an_item


@pytest.fixture
def items() -> Callable[[Mapping[bytes, Content]], tuple[Item, ...]]:
    return some_items


@pytest.fixture
def dying() -> Callable[..., int]:
    """Do something in a child that is killed where it comes to a marker for the `nth` time; the number of the signal, or 0 when it never came there."""

    def die(marker: str, work: Callable[[], object], nth: int = 1) -> int:
        seen = 0

        def hook(name: str) -> None:
            nonlocal seen
            seen += name == marker
            if name == marker and seen == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        child = os.fork()
        if child == 0:
            crashpoints.hook = hook
            try:
                work()
                os._exit(0)
            except BaseException:  # noqa: BLE001  the parent must hear of it
                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

    return die


@pytest.fixture
def failing() -> Iterator[Callable[[str, int], None]]:
    """Let the system fail with this error at a marker from now on."""

    def fail(marker: str, number: int) -> None:
        def hook(name: str) -> None:
            if name == marker:
                raise OSError(number, os.strerror(number))

        crashpoints.hook = hook

    yield fail
    crashpoints.hook = None
