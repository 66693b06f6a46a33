"""What is looked for each second is found without reading every run that there ever was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from runner.model.run import Command, Run
from runner.model.submission import StoredPolicy, Submission
from runner.store.database import Database
from runner.store.requests import SqlRequests
from runner.store.submissions import SqlSubmissions

LOOKS: dict[str, tuple[type[Any], Callable[[Any], object]]] = {
    "waiting": (SqlRequests, SqlRequests.waiting),
    "running": (SqlSubmissions, SqlSubmissions.running),
    "expired": (SqlSubmissions, SqlSubmissions.expired),
}


@pytest.mark.parametrize("look", sorted(LOOKS))
def test_a_look_reads_no_run_that_has_ended(look: str, tmp_path: Path, run_of: Callable[..., Run]) -> None:
    run = run_of().with_(command=Command.SUBMIT, target="dir:/srv/app")
    policy = StoredPolicy(values={}, source="x", digest="d" * 64)
    SqlSubmissions(tmp_path).file(Submission(run=run, policy=policy, target=run.target))
    store, ask = LOOKS[look][0](tmp_path), LOOKS[look][1]
    ask(store)
    asked: list[tuple[str, Any]] = []
    engine = store._database._engine()
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, said, given, *_: asked.append((said, given)))
    ask(store)
    plans = [_plan(tmp_path, *one) for one in asked if "FROM runs" in one[0] or "JOIN runs" in one[0]]
    store.close()
    assert plans
    for plan in plans:
        assert "runs_state" in plan
        assert "SCAN" not in plan


def _plan(state: Path, said: str, given: Any) -> str:
    """How SQLite would answer."""
    database = Database(state)
    with database.reading() as transaction:
        assert transaction is not None
        rows = transaction.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given).all()
    database.close()
    return "; ".join(str(row[-1]) for row in rows)
