"""Answers that may be asked for again, on real databases: one is first, and the others get what it got."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.store import replies as module
from runner.store.replies import Reply, SqlReplies


@pytest.fixture
def replies(tmp_path: Path, any_database: str) -> Iterator[SqlReplies]:
    made = SqlReplies(tmp_path / "state", patience=10)
    yield made
    made.close()


def test_the_first_has_the_key_and_the_others_get_its_answer(replies: SqlReplies) -> None:
    assert replies.begin("t", "k", "asked") is None
    assert replies.begin("t", "k", "asked") == Reply("asked", None, "")
    replies.end("t", "k", 202, "{}")
    assert replies.begin("t", "k", "other") == Reply("asked", 202, "{}")
    assert replies.begin("u", "k", "asked") is None, "another token's key"
    assert replies.begin("t", "l", "asked") is None


def test_a_key_is_free_again_where_nothing_was_done_and_stays_where_something_was(replies: SqlReplies) -> None:
    replies.begin("t", "k", "asked")
    replies.give_up("t", "k")
    assert replies.begin("t", "k", "asked") is None
    replies.end("t", "k", 202, "{}")
    replies.give_up("t", "k")
    assert replies.begin("t", "k", "asked") == Reply("asked", 202, "{}")


def test_of_many_at_once_exactly_one_is_first(tmp_path: Path, any_database: str) -> None:
    start = threading.Barrier(6)

    def ask(_: int) -> Reply | None:
        mine = SqlReplies(tmp_path / "state", patience=30)
        start.wait()
        try:
            return mine.begin("t", "k", "asked")
        finally:
            mine.close()

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(ask, range(6)))
    assert told.count(None) == 1


def test_what_a_dead_server_left_and_what_is_old_is_forgotten(replies: SqlReplies, monkeypatch: pytest.MonkeyPatch) -> None:
    replies.begin("t", "k", "asked")
    monkeypatch.setattr(module, "_ABANDONED", -1.0)
    assert replies.begin("t", "k", "asked") is None
    replies.end("t", "k", 202, "{}")
    assert replies.begin("t", "k", "asked") is not None
    monkeypatch.setattr(module, "KEPT", -1.0)
    replies.prune()
    assert replies.begin("t", "k", "asked") is None
