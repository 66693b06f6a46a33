"""Who may use a vault at the same time."""

import os
from pathlib import Path

import pytest

from runner.vault import lock


def test_many_share_it_and_nobody_is_alone_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock.shared(path), lock.shared(path), lock.alone_at_once(path) as held:
        assert not held
    with lock.alone_at_once(path) as held:
        assert held


def test_who_must_wait_says_so_and_gets_it_once_the_others_are_dead(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        with lock.shared(path):
            os.write(writes, b"!")
            os.read(reads, 0)
            os.kill(os.getpid(), 19)
        os._exit(0)
    os.read(reads, 1)
    os.waitpid(child, os.WUNTRACED)  # it is stopped with the lock in its hands
    waited: list[bool] = []

    def kill() -> None:
        waited.append(True)
        os.kill(child, 9)

    with lock.alone(path, kill):
        assert waited == [True]
    os.waitpid(child, 0)


def test_nobody_waits_when_it_is_free(tmp_path: Path) -> None:
    with lock.alone(tmp_path / "lock", lambda: pytest.fail("it waits")):
        pass


def test_a_lock_is_never_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(OSError), lock.shared(tmp_path / "lock"):  # noqa: PT011  which one differs by system
        pass
    assert not (tmp_path / "other").exists()
