"""The file of checkpoints: bounded, private, and readable after whatever a crash left of it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runner.store import checkpoints as module
from runner.store.checkpoints import Checkpoint, Checkpoints, read, thinned

ROOT = Path(__file__).parents[2]


def one(seq: int, word: str = "a") -> Checkpoint:
    return Checkpoint(seq, 1000.0 + seq, f"{word}{seq:x}".ljust(64, "0"))


@pytest.fixture
def file(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "audit.checkpoints")


def test_what_is_kept_is_loaded_and_nobody_else_may_read_it(file: Checkpoints) -> None:
    assert file.load() == ()
    old = os.umask(0)
    try:
        for seq in (1, 2, 3):
            file.keep(one(seq))
    finally:
        os.umask(old)
    assert file.load() == (one(1), one(2), one(3))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("cut", range(1, 84))
def test_a_line_that_a_crash_tore_is_left_out_and_costs_no_other(file: Checkpoints, cut: int) -> None:
    file.keep(one(1))
    whole = file.path.read_bytes()
    file.keep(one(2))
    torn = file.path.read_bytes()[:-cut]
    file.path.write_bytes(max(torn, whole, key=len))
    file.keep(one(3))
    assert file.load() in ((one(1), one(3)), (one(1), one(2), one(3)))
    assert (one(2) in file.load()) == (cut == 1)


@pytest.mark.parametrize(
    "text", ["", "1", "1 2", f"0 1.0 {'a' * 64}", f"-1 1.0 {'a' * 64}", f"1 1.0 {'a' * 63}", f"1 1.0 {'a' * 65}", f"1 x {'a' * 64}"]
)
def test_what_is_no_checkpoint_is_not_read_as_one(text: str) -> None:
    assert read(text) is None


def test_a_line_is_read_as_it_was_written() -> None:
    assert read(one(7).line) == one(7)


def test_a_file_that_grows_is_thinned_out_and_keeps_the_oldest_the_newest_and_what_contradicts(
    file: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 20_000)
    monkeypatch.setattr(module, "_RECENT", 50)
    file.keep(one(4, "b"))
    for seq in range(1, 1500):
        file.keep(one(seq))
    kept = file.load()
    assert file.path.stat().st_size < 21_000
    assert {one(1), one(4), one(4, "b"), one(1499), one(1450)} <= set(kept)
    old = [checkpoint.seq for checkpoint in kept if checkpoint.seq < 1400]
    assert len(old) > 30
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_thinning_leaves_a_short_list_as_it_is() -> None:
    assert thinned([one(2), one(1), one(2)]) == (one(1), one(2))


_KEEPING = """
import sys
from pathlib import Path
from runner.store import checkpoints
from runner.store.checkpoints import Checkpoint, Checkpoints
checkpoints.MOST, checkpoints._RECENT = 4000, 2000
file = Checkpoints(Path(sys.argv[1]))
for number in range(200):
    file.keep(Checkpoint(int(sys.argv[2]) * 1000 + number + 1, 1.0, "a" * 64))
"""


def test_processes_that_keep_and_thin_out_at_once_lose_nothing(file: Checkpoints) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", _KEEPING, file.path, str(number)], cwd=ROOT) for number in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    assert len(file.load()) == 800


def test_a_link_in_its_place_is_not_followed(file: Checkpoints, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine\n")
    file.path.symlink_to(tmp_path / "other")
    file.keep(one(1))
    assert (tmp_path / "other").read_text() == "mine\n"
