"""Whoever works on a promotion dies, stops or fails at any marker: the target is old or new, and the next one can finish."""

import dataclasses
import errno
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from runner import crashpoints
from runner.errors import InfrastructureError, SeatrialError
from runner.model.promotion import Place, Promotion
from runner.targets.folder import exchange, journal, removal, staging
from runner.targets.folder.staging import Order
from tests.targets.folder.laid import NEW, OLD, Child, Live, dies, exchanged, held, lay, stops

STAGED = ("folder.staged.half", "folder.staged.files", "folder.staged.synced", "folder.carried.first")
BEFORE = (*STAGED, "folder.carried.last", "folder.swap.before")
AFTER = ("folder.swap.after", "folder.swap.synced", "folder.carried.back")
BACK_BEFORE = ("folder.recover.renamed", "folder.back.carried", "folder.back.swap.before")
BACK_AFTER = ("folder.back.swap.after", "folder.back.synced")
TIDY = ("folder.tidy.renamed", "folder.tidy.removed")
JOURNAL = ("folder.journal.listed", "folder.journal.file", "folder.journal.done")
SERVICE = {b"data/log": ("file", b"l\n"), b"gone/deep/left": ("file", b"f")}


def promote(live: Live, fence: int = 1) -> Callable[[], Promotion]:
    return lambda: live.promote(live.promotion(fence=fence))


def there(live: Live) -> tuple[str, ...]:
    return JOURNAL if live.method == "journal" else (*BEFORE, *AFTER)


def back(live: Live) -> tuple[str, ...]:
    return ("folder.recover.renamed", *JOURNAL[1:]) if live.method == "journal" else (*BACK_BEFORE, *BACK_AFTER)


def content(place: Place) -> dict[bytes, tuple[str, bytes]]:
    return (OLD if place is Place.OLD else NEW) | SERVICE


def finished(live: Live, fence: int) -> None:
    """The next process takes over, twice, and brings it to its end: old, with nothing beside."""
    promotion = live.noted().model_copy(update={"fence": fence})
    standing = live.ask("recover", promotion)
    assert standing.place in (Place.OLD, Place.NEW), standing.reason
    assert held(live.path) == content(standing.place)
    assert live.ask("recover", promotion) == standing
    if standing.place is Place.NEW:
        assert live.ask("take_back", promotion).place is Place.OLD
    live.ask("tidy", promotion)
    assert held(live.path) == OLD | SERVICE
    assert live.left() == live.beside


def test_killed_on_the_way_there(live: Live) -> None:
    for marker in there(live):
        for at in (1, 3) if marker == "folder.journal.file" else (1,):
            lay(live.path, SERVICE)
            child = Child(promote(live), marker, dies, at)
            assert child.wait() == -signal.SIGKILL, (marker, child.said())
            if live.method != "journal":
                assert live.look() == ("new" if marker in AFTER else "old"), marker
            finished(live, 2)
            (live.top / "noted.json").unlink(missing_ok=True)


def test_killed_on_the_way_back(live: Live) -> None:
    for marker in back(live):
        lay(live.path, SERVICE)
        promotion = live.promote().model_copy(update={"fence": 2})

        def again(promotion: Promotion = promotion) -> None:
            assert live.ask("recover", promotion).place is Place.NEW
            assert live.ask("take_back", promotion).place is Place.OLD

        child = Child(again, marker, dies)
        assert child.wait() == -signal.SIGKILL, (marker, child.said())
        if live.method != "journal":
            assert live.look() == ("old" if marker in BACK_AFTER else "new"), marker
        finished(live, 3)


def test_killed_while_what_was_confirmed_is_taken_back(live: Live) -> None:
    late: dict[bytes, tuple[str, bytes]] = {b"data/late": ("file", b"as it died")}
    for marker in back(live):
        if marker == "folder.recover.renamed":  # nothing is recovered that had ended
            continue
        lay(live.path, SERVICE)
        promotion = live.promote()
        live.ask("tidy", promotion)
        left = Path(os.path.realpath(live.path))
        second = promotion.model_copy(update={"fence": 2})

        def act(left: int = os.open(left, os.O_RDONLY)) -> None:
            name = os.open("data/late", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=left)
            os.write(name, b"as it died")
            dies()

        child = Child(lambda second=second: live.ask("take_back", second), marker, act)
        assert child.wait() == -signal.SIGKILL, (marker, child.said())
        third = promotion.model_copy(update={"fence": 3})
        standing = live.ask("take_back", third)
        assert standing.place is Place.OLD, (marker, standing.reason)
        live.ask("tidy", third)
        assert held(live.path) == OLD | SERVICE | late, marker
        (live.path / "data" / "late").unlink()


@exchanged
@pytest.mark.parametrize("which", ["old", "new"])
def test_an_inode_that_was_given_again_is_not_taken_for_the_folder_that_had_it(
    live: Live, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion = live.promote()
    live.ask("tidy", promotion)
    other = live.promote(live.promotion("r2", before=live.after, after=live.before))
    live.ask("take_back", other)
    live.ask("tidy", other)
    promotion.details[which] = live.path.stat().st_ino
    made: list[int] = []

    def laid(order: Order) -> None:
        staging.lay(order)
        made.append(order.staged.stat().st_ino)
        promotion.details[{"old": "new", "new": "old"}[which]] = made[0]

    monkeypatch.setattr(exchange, "lay", laid)
    second = promotion.model_copy(update={"fence": 2})
    standing = live.ask("take_back", second)
    assert standing.place is Place.OLD, standing.reason
    assert len(set(made)) == len(made) == 2
    live.ask("tidy", second)
    assert (held(live.path), live.left()) == (OLD, live.beside)


def test_killed_while_it_is_tidied_and_while_that_is_done_again(live: Live) -> None:
    for marker in TIDY:
        lay(live.path, SERVICE)
        promotion = live.promote()
        live.ask("take_back", promotion)
        for fence in (1, 2):
            held_by = promotion.model_copy(update={"fence": fence})
            child = Child(lambda held_by=held_by: live.ask("tidy", held_by), marker, dies)
            assert child.wait() == -signal.SIGKILL, (marker, child.said())
        live.ask("tidy", promotion.model_copy(update={"fence": 3}))
        assert (held(live.path), live.left()) == (OLD | SERVICE, live.beside), marker


def test_killed_while_a_kill_is_recovered_from(live: Live) -> None:
    first = "folder.journal.file" if live.method == "journal" else "folder.swap.after"
    for marker in back(live):
        lay(live.path, SERVICE)
        assert Child(promote(live), first, dies).wait() == -signal.SIGKILL
        promotion = live.noted().model_copy(update={"fence": 2})
        child = Child(lambda promotion=promotion: live.ask("take_back", promotion), marker, dies)
        ended = child.wait()
        assert ended == -signal.SIGKILL or marker == "folder.recover.renamed", (marker, child.said())
        finished(live, 3)
        (live.top / "noted.json").unlink(missing_ok=True)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_is_said_and_leaves_the_target_old_or_new(live: Live, number: int) -> None:
    for marker in there(live):
        lay(live.path, SERVICE)

        def hook(name: str, marker: str = marker) -> None:
            if name == marker:
                raise OSError(number, os.strerror(number))

        crashpoints.hook = hook
        with pytest.raises(InfrastructureError, match=os.strerror(number)):
            live.promote()
        crashpoints.hook = None
        if marker in STAGED or marker == "folder.journal.listed":
            assert live.left() == live.beside, marker
        if live.method != "journal":
            assert live.look() == ("new" if marker in AFTER else "old"), marker
        finished(live, 2)
        (live.top / "noted.json").unlink(missing_ok=True)


def test_a_process_that_stopped_before_a_step_and_wakes_up_after_others_took_over_changes_nothing(live: Live) -> None:
    for marker in there(live):
        lay(live.path, SERVICE)
        zombie = Child(promote(live), marker, stops)
        assert zombie.stopped()
        finished(live, 2)
        later = live.promote(live.promotion("r2", fence=1)) if marker in AFTER else None
        before, left = held(live.path), live.left()
        os.kill(zombie.pid, signal.SIGCONT)
        zombie.wait()
        assert held(live.path) == before, (marker, zombie.said())
        assert live.left() == left, (marker, zombie.said())
        if later:
            live.ask("take_back", later)
            live.ask("tidy", later)
        (live.top / "noted.json").unlink(missing_ok=True)


def test_a_process_that_stopped_on_the_way_back_changes_nothing_when_it_wakes_up(live: Live) -> None:
    for marker in back(live):
        lay(live.path, SERVICE)
        promotion = live.promote()
        second = promotion.model_copy(update={"fence": 2})
        zombie = Child(lambda second=second: live.ask("take_back", second), marker, stops)
        if not zombie.stopped():
            assert marker == "folder.recover.renamed"
            live.ask("tidy", second)
            continue
        third = promotion.model_copy(update={"fence": 3})
        standing = live.ask("recover", third)
        if standing.place is Place.NEW and marker == "folder.back.swap.before":
            before = held(live.path)  # it is confirmed instead
        else:
            assert live.ask("take_back", third).place is Place.OLD
            before = held(live.path)
        os.kill(zombie.pid, signal.SIGCONT)
        zombie.wait()
        assert held(live.path) == before, (marker, zombie.said())
        live.ask("take_back", third)
        live.ask("tidy", third)
        assert (held(live.path), live.left()) == (OLD | SERVICE, live.beside), marker


def test_the_zombie_is_told_that_it_was_fenced(live: Live) -> None:
    marker = "folder.journal.file" if live.method == "journal" else "folder.swap.before"
    zombie = Child(promote(live), marker, stops)
    assert zombie.stopped()
    live.ask("recover", live.noted().model_copy(update={"fence": 2}))
    os.kill(zombie.pid, signal.SIGCONT)
    assert zombie.wait() == 1
    assert "Fenced" in zombie.said()
    assert live.look() == "old"


def test_one_with_a_smaller_fence_is_refused(live: Live) -> None:
    promotion = live.promote()
    live.ask("recover", promotion.model_copy(update={"fence": 5}))
    for what in ("recover", "take_back", "tidy"):
        with pytest.raises(SeatrialError) as refused:
            live.ask(what, promotion)
        assert refused.value.code == "fenced"
    assert held(live.path) == NEW


def left_by_a_disk_that_failed(live: Live) -> None:
    """The run `r1` was taken back, and what lay beside could not be removed."""
    lay(live.path, SERVICE)
    promotion = live.promote()
    assert live.ask("take_back", promotion).place is Place.OLD

    def hook(name: str) -> None:
        if name == "folder.tidy.renamed":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    crashpoints.hook = hook
    with pytest.raises(InfrastructureError):
        live.ask("tidy", promotion)
    crashpoints.hook = None
    assert discarded(live)


def discarded(live: Live) -> set[str]:
    return {name for name in live.left() if re.search("-gone[0-9a-f]{8}$", name)}


def test_what_a_run_could_not_remove_is_removed_by_the_next_one(live: Live) -> None:
    left_by_a_disk_that_failed(live)
    second = live.promote(live.promotion("r2"))
    assert live.ask("take_back", second).place is Place.OLD
    live.ask("tidy", second)
    assert (held(live.path), live.left()) == (OLD | SERVICE, live.beside)


def test_killed_while_it_removes_what_another_run_left(live: Live) -> None:
    left_by_a_disk_that_failed(live)
    without_files = removal._without_files

    def half(folder: int) -> list[bytes]:
        without_files(folder)
        dies()
        return []

    def act() -> None:
        removal._without_files = half
        live.ask("tidy", live.promotion("r2"))

    child = Child(act)
    assert child.wait() == -signal.SIGKILL, child.said()
    assert discarded(live)
    live.ask("tidy", live.promotion("r3"))
    assert (held(live.path), live.left()) == (OLD | SERVICE, live.beside)


def test_what_another_run_left_goes_while_a_run_is_open_and_nothing_that_this_one_needs(live: Live) -> None:
    left_by_a_disk_that_failed(live)
    second = live.promote(live.promotion("r2"))
    needed = live.left() - discarded(live)
    live.ask("tidy", live.promotion("r3"))
    assert live.left() == needed
    assert held(live.path) == NEW | SERVICE
    assert live.ask("take_back", second).place is Place.OLD
    live.ask("tidy", second)
    assert (held(live.path), live.left()) == (OLD | SERVICE, live.beside)


def test_a_sweep_follows_no_link_that_somebody_planted(live: Live) -> None:
    outside = live.top / "outside"
    lay(outside, {b"kept": ("file", b"k"), b"below/kept": ("file", b"k")})
    planted = [live.path.parent / ".app.seatrial-r0-1-gone0123abcd"]
    if live.method == "symlink":
        planted.append(live.path.parent / "releases" / "0123456789ab.seatrial-r0-1-gone0123abcd")
    if live.method == "journal":
        planted = [live.path / ".seatrial-r0-1-gone0123abcd"]
    for path in planted:
        path.symlink_to(outside)
    other = live.path.parent / ".app2.seatrial-r0-1-gone0123abcd"
    other.mkdir()
    promotion = live.promote()
    live.ask("take_back", promotion)
    live.ask("tidy", promotion)
    assert not any(os.path.lexists(path) for path in planted)
    assert set(held(outside)) == {b"kept", b"below/kept"}
    assert other.is_dir()  # another target's


@pytest.mark.parametrize("live", ["symlink"], indirect=True)
def test_a_release_that_a_link_leads_to_is_not_swept_whatever_its_name(live: Live) -> None:
    release = live.path.parent / "releases" / "0123456789ab.seatrial-r0-1-gone0123abcd"
    lay(release, OLD)
    (live.path.parent / "another").symlink_to(release)
    promotion = live.promote()
    live.ask("take_back", promotion)
    live.ask("tidy", promotion)
    assert held(release) == OLD


@pytest.mark.parametrize("live", ["journal"], indirect=True)
def test_a_managed_file_is_not_swept_whatever_its_name(live: Live) -> None:
    name = b".seatrial-r0-1-gone0123abcd"
    with live.objects() as objects:
        target = live.target()
        task = target._task(live.promotion(), objects)
        files = {**task.before.files, name: next(iter(task.before.files.values()))}
        odd = task._replace(before=dataclasses.replace(task.before, files=files))
        (live.path / os.fsdecode(name)).write_text("x")
        assert journal.leftovers(odd) == ()
        assert journal.leftovers(task) == (live.path / os.fsdecode(name),)
