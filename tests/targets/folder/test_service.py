"""A service that works all the time while the folder is replaced again and again: what it was told is kept, is kept."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runner import crashpoints
from runner.git.objects import PrivateObjects
from runner.model.promotion import Place
from runner.targets.folder import databases
from runner.targets.folder.descent import Descent
from tests.targets.folder.laid import NEW, ODD, OLD, Live, Service, exchanged, held, stepped


def rounds(live: Live, count: int) -> None:
    """There and back, in turns taken back and confirmed."""
    with live.objects() as objects:
        for number in range(count):
            promotion = live.target().prepare(live.promotion(f"r{number}"), objects)
            live.target().swap(promotion, objects)
            assert live.target().take_back(promotion, objects).place is Place.OLD
            live.target().tidy(promotion, objects)


def ready(live: Live, *, shared: bool = False) -> None:
    """A folder for the service's data: in the live folder, or, for databases of releases, beside them."""
    if shared and live.method == "symlink":
        (live.path.parent / "shared" / "data").mkdir(parents=True)
        (live.path / "data").symlink_to("../../shared/data")
        live.beside = live.left()
    else:
        (live.path / "data").mkdir()


@pytest.mark.parametrize("kind", ["log", "appending"])
def test_every_line_of_a_log_is_there(live: Live, kind: str, promotions: int) -> None:
    ready(live)
    with Service(live, kind) as service:
        rounds(live, promotions)
    lines = (live.path / "data" / "app.log").read_text().splitlines()
    assert [int(line) for line in lines][: len(service.kept())] == service.kept()
    assert held(live.path).keys() == OLD.keys() | {b"data/app.log"}


@pytest.mark.parametrize("kind", ["sqlite-delete", "sqlite-wal", "sqlite-truncate", "sqlite-persist", "sqlite-closing"])
def test_a_database_loses_no_committed_row_and_stays_whole(live: Live, kind: str, promotions: int) -> None:
    ready(live, shared=True)
    with Service(live, kind) as service:
        rounds(live, promotions if kind in ("sqlite-delete", "sqlite-wal") else promotions // 3)
    with closing(sqlite3.connect(live.path / "data" / "app.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        rows = {row[0] for row in database.execute("select n from rows")}
    parts = 1 if kind == "sqlite-closing" else 3
    wanted = {count if parts == 1 else count * 10 + part for count in service.kept() for part in range(parts)}
    assert wanted <= rows
    assert live.left() == live.beside


def test_the_last_state_that_was_renamed_into_place_is_there(live: Live, promotions: int) -> None:
    ready(live)
    with Service(live, "json") as service:
        rounds(live, promotions)
    state = json.loads((live.path / "data" / "state.json").read_text())
    assert state["count"] >= service.kept()[-1]


@exchanged
@pytest.mark.parametrize("kind", ["sqlite-delete", "sqlite-closing", "appending"])
def test_a_service_that_goes_on_in_the_old_folder_until_it_is_restarted_loses_nothing(live: Live, kind: str) -> None:
    ready(live)
    kept: list[int] = []
    for number in range(3):
        with Service(live, kind, inside=True) as service:
            promotion = live.promote(live.promotion(f"r{number}"))
            service.more()
        kept += service.kept()
        with Service(live, kind, inside=True) as service:
            assert live.ask("take_back", promotion).place is Place.OLD
            service.more()
        kept += service.kept()
        live.ask("tidy", promotion)
    if kind == "appending":
        lines = (live.path / "data" / "app.log").read_text().splitlines()
        assert len(lines) >= len(kept)
        return
    with closing(sqlite3.connect(live.path / "data" / "app.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("select count(*) from rows").fetchone()[0] >= len(kept) * (1 if kind == "sqlite-closing" else 3)


@stepped
def test_readers_by_path_never_miss_a_file_and_readers_in_an_open_folder_never_see_a_mix(live: Live, promotions: int) -> None:
    readers = Readers(live.path)
    live.grace = 0.05
    with readers:
        rounds(live, promotions)
    assert readers.failures == []
    assert readers.seen == {"old", "new"}


class Readers:
    """Two threads that read the managed files over and over: by their paths, and all of them in a folder that was opened once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failures: list[str] = []
        self.seen: set[str] = set()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(one,)) for one in (self._by_path, self._in_a_folder)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, read: Callable[[], None]) -> None:
        while not self._done.is_set():
            try:
                read()
            except OSError as problem:
                self.failures.append(f"{read.__name__}: {problem}")

    def _by_path(self) -> None:
        for path in (path for path in OLD.keys() & NEW.keys() if OLD[path][0] != "link"):
            data = (self.path / os.fsdecode(path)).read_bytes()
            if data not in (OLD[path][1], NEW[path][1]):
                self.failures.append(f"{path!r} is {data!r}")

    def _in_a_folder(self) -> None:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sides = set()
            for path in (b"a.txt", b"src/m.py", ODD):
                with os.fdopen(os.open(path, os.O_RDONLY, dir_fd=folder), "rb") as opened:
                    sides.add({OLD[path][1]: "old", NEW[path][1]: "new"}[opened.read()])
        finally:
            os.close(folder)
        self.seen |= sides
        if len(sides) != 1:
            self.failures.append("a mix")


def a_database(live: Live, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(live.path / "app.db", timeout=0, isolation_level=None)
    database.execute(f"pragma journal_mode={mode}")
    database.execute("create table rows (n integer)")
    return database


@pytest.fixture
def plain(tmp_path: Path, repository: Path, git_in: Callable[..., str]) -> Live:
    (tmp_path / "live").mkdir()
    return Live(tmp_path / "live", repository, "exchange", git_in)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_while_it_is_still_nobody_begins_a_transaction_or_opens_a_log(plain: Live, mode: str) -> None:
    database = a_database(plain, mode)
    database.execute("insert into rows values (1)")
    before = {path.name for path in plain.path.iterdir()}
    with Descent(plain.path) as descent, databases.still(descent, [b"app.db"], 0.5) as had:
        assert had == ({b"app.db"} if mode == "delete" else set())
        if mode == "delete":
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                database.execute("insert into rows values (2)")
            assert database.execute("select n from rows").fetchall() == [(1,)]
        else:
            database.execute("insert into rows values (2)")
            database.close()  # the last one; it would delete the log
        assert {path.name for path in plain.path.iterdir()} == before
    with closing(sqlite3.connect(plain.path / "app.db")) as again:
        assert again.execute("select count(*) from rows").fetchone() == (2 if mode == "wal" else 1,)


def test_a_log_that_is_not_there_cannot_be_made(plain: Live) -> None:
    a_database(plain, "wal").close()
    assert not (plain.path / "app.db-wal").exists()
    with Descent(plain.path) as descent, databases.still(descent, [b"app.db"], 0.5) as had:
        assert had
        with closing(sqlite3.connect(plain.path / "app.db", timeout=0)) as late, pytest.raises(sqlite3.OperationalError, match="locked"):
            late.execute("select * from rows")
        assert not (plain.path / "app.db-wal").exists()


def test_a_transaction_that_does_not_end_is_not_waited_for_for_ever(plain: Live) -> None:
    database = a_database(plain, "delete")
    database.execute("begin immediate")
    with Descent(plain.path) as descent, databases.still(descent, [b"app.db"], 0.1) as had:
        assert not had
    database.execute("commit")
    with Descent(plain.path) as descent, databases.still(descent, [b"app.db"], 5) as had:
        assert had


@exchanged
def test_a_transaction_that_is_open_across_the_step_can_be_committed_and_rolled_back(live: Live, objects: PrivateObjects) -> None:
    for word in ("commit", "rollback"):
        (live.path / "app.db").unlink(missing_ok=True)
        database = a_database(live, "delete")
        database.execute("insert into rows values (1)")
        database.execute("begin immediate")
        database.execute("insert into rows values (2)")
        promotion = live.promote(live.promotion(word))
        database.execute(word)
        rows = [(1,), (2,)] if word == "commit" else [(1,)]
        assert database.execute("select n from rows").fetchall() == rows
        assert not (live.path / "app.db-journal").exists()
        database.execute("begin immediate")
        database.execute("insert into rows values (3)")
        assert live.ask("take_back", promotion).place is Place.OLD
        database.execute(word)
        database.close()
        rows += [(3,)] if word == "commit" else []
        with closing(sqlite3.connect(live.path / "app.db")) as again:
            assert again.execute("select n from rows").fetchall() == rows
        live.ask("tidy", promotion)


CRASHED = """
import os, sqlite3, sys
database = sqlite3.connect("app.db", isolation_level=None)
database.execute("pragma journal_mode=wal")
database.execute("create table if not exists rows (n integer primary key, pad text)")
for number in range(20):
    database.execute("insert into rows values (?, ?)", (number, "x" * 2000))
os._exit(0)
"""


@exchanged
def test_a_log_that_the_service_wrote_back_in_the_old_folder_does_not_come_back(
    live: Live, objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash left the log, so that it is in both folders; after the step a process in the old one opens, writes and closes."""
    subprocess.run([sys.executable, "-c", CRASHED], cwd=live.path, check=True)
    assert (live.path / "app.db-wal").stat().st_size
    old = os.open(live.path, os.O_RDONLY | os.O_DIRECTORY)

    def write(name: str) -> None:
        for begin in (100, 200) if name == "folder.swap.synced" else ():  # the first makes the log go, the second has one of its own
            with closing(sqlite3.connect(f"{Path(f'/proc/self/fd/{old}').readlink()}/app.db", isolation_level=None)) as late:
                late.executemany("insert into rows values (?, ?)", [(number, "y" * 2000) for number in range(begin, begin + 20)])

    monkeypatch.setattr(crashpoints, "hook", write)
    live.promote(None, objects)
    os.close(old)
    with closing(sqlite3.connect(live.path / "app.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("select count(*) from rows").fetchone() == (60,)


CLOSING = """
import sqlite3, sys
while True:
    database = sqlite3.connect("app.db", timeout=30, isolation_level=None)
    database.execute("pragma synchronous=off")
    database.execute("insert into rows values (1)")
    database.close()
"""


def test_a_database_that_is_opened_and_closed_all_the_time_is_still_only_without_a_log(plain: Live) -> None:
    a_database(plain, "wal").close()
    service = subprocess.Popen([sys.executable, "-c", CLOSING], cwd=plain.path)
    found = []
    try:
        with Descent(plain.path) as descent:
            for _ in range(100):
                with databases.still(descent, [b"app.db"], 5) as had:
                    found.append((bool(had), (plain.path / "app.db-wal").exists()))
                time.sleep(0.002)
    finally:
        service.kill()
        service.wait()
    assert set(found) == {(True, False)}
