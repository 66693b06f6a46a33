"""Who is alive and who is dead, as the lock of a process and its last sign of life say."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from runner.errors import StoreUnavailable
from runner.store.database import Database
from runner.store.executors import SUBMIT, TTL, WATCH, Executors
from runner.store.schema import executors as table


def entered(state: Path, role: str = SUBMIT) -> Executors:
    made = Executors(state)
    made.enter(role)
    return made


def killed(executors: Executors) -> str:
    """What the kernel does when a process dies: its locks are gone, and nothing else."""
    assert executors._lock is not None
    os.close(executors._lock)
    executors._lock = None
    return executors.id


def altered(state: Path, name: str, *, age: float | None = None, **values: object) -> None:
    with Database(state).writing() as transaction:
        if age is not None:
            values["at"] = transaction.now - age
        transaction.connection.execute(update(table).where(table.c.id == name).values(**values))


def buried(executors: Executors) -> tuple[str, ...]:
    with executors.burying() as dead:
        return dead


@pytest.fixture
def state(tmp_path: Path, any_database: str) -> Path:
    return tmp_path / "state"


def test_watchers_have_the_first_free_number_and_others_an_id_that_is_never_used_again(state: Path) -> None:
    first, second = entered(state, WATCH), entered(state, WATCH)
    assert [executors.id.rsplit("-", 1)[1] for executors in (first, second)] == ["0", "1"]
    killed(first)
    assert entered(state, WATCH).id == first.id
    assert entered(state, WATCH).id.endswith("-watch-2")
    one = entered(state)
    killed(one)
    assert entered(state).id != one.id
    assert all(len(executors.id) <= 128 for executors in (first, one))


def test_another_installation_has_other_ids(tmp_path: Path, any_database: str) -> None:
    assert entered(tmp_path / "one", WATCH).id != entered(tmp_path / "other", WATCH).id


def test_the_living_are_told_by_their_role(state: Path) -> None:
    assert Executors(state).live(WATCH) == ()
    assert not state.exists()
    watcher, submit = entered(state, WATCH), entered(state)
    assert Executors(state).live(WATCH) == (watcher.id,)
    assert Executors(state).live(SUBMIT) == (submit.id,)
    killed(watcher)
    assert Executors(state).live(WATCH) == ()


def test_the_dead_are_buried_once(state: Path) -> None:
    dead = killed(entered(state))
    one, other = entered(state, WATCH), entered(state, WATCH)
    assert [buried(one), buried(one), buried(other)] == [(dead,), (), ()]


def test_nobody_buries_himself_nor_the_living_however_long_they_gave_no_sign(state: Path) -> None:
    one, stopped = entered(state, WATCH), entered(state)
    for executors in (one, stopped):
        altered(state, executors.id, age=10 * TTL)
    assert buried(one) == ()


def test_who_dies_while_burying_leaves_the_dead_to_the_next(state: Path) -> None:
    dead = killed(entered(state))
    watcher = entered(state, WATCH)
    with pytest.raises(ZeroDivisionError), watcher.burying() as first:
        raise ZeroDivisionError
    assert first == buried(watcher) == (dead,)


def test_on_another_machine_only_the_sign_of_life_counts(state: Path) -> None:
    other, watcher = entered(state), entered(state, WATCH)
    altered(state, other.id, age=TTL / 2, place="elsewhere", host="other")
    assert buried(watcher) == ()
    assert other.id in watcher.live(SUBMIT)
    altered(state, other.id, age=TTL + 1)
    assert watcher.live(SUBMIT) == ()
    assert buried(watcher) == (other.id,)


def test_a_container_that_is_gone_with_its_name_is_dead_after_a_while(state: Path) -> None:
    other, watcher = entered(state), entered(state, WATCH)
    altered(state, other.id, host="a1b2c3")  # the same folder, mounted there
    killed(other)
    assert buried(watcher) == ()  # its file system may not know of our locks
    altered(state, other.id, age=TTL + 1)
    assert buried(watcher) == (other.id,)


def test_who_was_buried_alive_is_there_again_with_the_next_sign(state: Path) -> None:
    watcher, other = entered(state, WATCH), entered(state)
    altered(state, other.id, age=TTL + 1, place="elsewhere")
    assert buried(watcher) == (other.id,)
    other.beat()
    assert watcher.live(SUBMIT) == (other.id,)


def test_leaving_with_nothing_left_leaves_nothing(state: Path) -> None:
    submit = entered(state)
    submit.leave(forget=True)
    assert list((state / "executors").iterdir()) == []
    assert buried(entered(state, WATCH)) == ()


def test_leaving_with_work_left_holds_the_lock_until_the_process_is_gone(state: Path) -> None:
    submit, watcher = entered(state), entered(state, WATCH)
    submit.leave(forget=False)
    assert buried(watcher) == ()
    killed(submit)
    assert buried(watcher) == (submit.id,)


def test_locks_of_nobody_are_swept_and_held_ones_stay(state: Path) -> None:
    watcher = entered(state, WATCH)
    for name in ("killed-before-it-had-a-row", "held"):
        (state / "executors" / name).touch()
    with (state / "executors" / "held").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        buried(watcher)
    assert {path.name for path in (state / "executors").iterdir()} == {"held", watcher.id}


def test_a_lock_that_is_swept_while_it_is_taken_is_taken_anew(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.store import executors as module

    real, swept = fcntl.flock, []

    def flock(lock: int, how: int) -> None:
        if not swept:
            swept.extend(path.unlink() or path.name for path in (state / "executors").iterdir())
        real(lock, how)

    monkeypatch.setattr(module.fcntl, "flock", flock)
    submit = entered(state)
    assert swept == [submit.id]
    assert submit.live(SUBMIT) == (submit.id,)
    watcher = entered(state, WATCH)
    assert buried(watcher) == ()


def test_a_name_of_a_row_that_leads_elsewhere_opens_nothing_there(state: Path, tmp_path: Path) -> None:
    submit, watcher = entered(state), entered(state, WATCH)
    altered(state, submit.id, id="../../outside", age=TTL + 1, place="elsewhere")
    altered(state, "../../outside", place=_place(watcher))
    (tmp_path / "outside").write_text("")
    assert buried(watcher) == ("../../outside",)
    assert (tmp_path / "outside").exists()


def _place(executors: Executors) -> str:
    from runner.store.owners import place

    return place(executors._state)


@contextmanager
def unlockable() -> Iterator[None]:
    """A file system that knows no locks."""
    real = fcntl.flock

    def flock(_lock: int, _how: int) -> None:
        raise OSError(95, "Operation not supported")

    fcntl.flock = flock  # type: ignore[assignment]
    try:
        yield
    finally:
        fcntl.flock = real


def test_where_no_lock_can_be_had_nobody_enters_and_nobody_is_dead(state: Path) -> None:
    submit, watcher = entered(state), entered(state, WATCH)
    with unlockable():
        with pytest.raises(StoreUnavailable, match="Operation not supported") as problem:
            Executors(state).enter(WATCH)
        assert buried(watcher) == ()
    assert problem.value.hint
    assert watcher.live(SUBMIT) == (submit.id,)
