"""What is asked again while the first of it is being done, however long that takes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.api.keys import Answer, once
from runner.api.problems import Problem
from runner.store import replies
from runner.store.replies import SqlReplies


def test_what_takes_long_is_done_once_however_often_it_is_asked(tmp_path: Path, any_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "_ABANDONED", 1.0)
    monkeypatch.setattr(replies, "OFTEN", 0.2)
    kept, done = SqlReplies(tmp_path / "state", patience=10), []
    service: Any = SimpleNamespace(replies=kept)
    token: Any = SimpleNamespace(id="t")

    def do() -> Answer:
        done.append(1)
        time.sleep(3.0)
        return Answer(200, {"done": True})

    def ask(doing: Callable[[], Answer]) -> int:
        return once(service, token, "k", ("asked",), doing).status_code

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, do)
        time.sleep(0.3)
        for _ in range(3):
            time.sleep(0.7)
            with pytest.raises(Problem) as problem:
                ask(do)
            assert (problem.value.status, problem.value.code) == (409, "in-progress")
        assert first.result(10) == 200
    assert ask(do) == 200
    assert len(done) == 1
    kept.close()
