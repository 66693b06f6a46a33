"""The rate gate over a real SQLite file, at the time that a test says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.gates.rate import GATE, gate
from runner.gates.rate.keys import MOST_FOLDERS, folders
from runner.gates.rate.options import LONGEST, Limit, Part
from runner.model.change import FileChange
from testing.builders import a_change, a_file
from testing.ledgers import START, ClockedLedger, Gatekeeper, a_gated_run


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ClockedLedger]:
    ledger = ClockedLedger(tmp_path / "state")
    yield ledger
    ledger.close()


def door(ledger: ClockedLedger, *limits: tuple[int, float, tuple[Part, ...]], touched: tuple[str, ...] = ()) -> Gatekeeper:
    return Gatekeeper(gate, ledger, tuple(Limit(limit=limit, per=per, key=key) for limit, per, key in limits), touched)


def test_the_window_slides_and_the_wait_is_exact(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (2, 60, ("target",)))
    for name, after in (("one", 0), ("two", 50)):
        ledger.now = START + after
        assert keeper.enter(a_gated_run(name)).outcome == "pass"
    ledger.now = START + 59
    refused = keeper.enter(a_gated_run("three"))
    assert (refused.outcome, refused.retry_after, refused.measured, refused.limit, refused.policy) == (
        "refuse",
        1,
        2,
        2,
        "preflight.rate[0]",
    )
    ledger.now += refused.retry_after or 0
    assert keeper.enter(a_gated_run("three")).outcome == "pass"
    assert keeper.ask(a_gated_run("four")).retry_after == 50, "no boundary lets twice as many through"


def test_a_run_is_counted_once_however_often_it_asks(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (2, 60, ("target",)))
    for _ in range(5):
        assert keeper.enter(a_gated_run("one")).outcome == "pass"
    assert keeper.enter(a_gated_run("two")).outcome == "pass"
    assert keeper.enter(a_gated_run("one")).outcome == "pass", "it was counted when there was room"
    assert keeper.enter(a_gated_run("three")).outcome == "refuse"


def test_all_limits_are_charged_or_none_and_the_longest_wait_is_told(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (1, 60, ("target", "path")), (2, 600, ("target",)), touched=("docs/", "src/", "tools/"))
    assert keeper.enter(a_gated_run("one")).outcome == "pass"
    for _ in range(3):
        assert keeper.enter(a_gated_run("two")).retry_after == 60
    only = door(ledger, (2, 600, ("target",)))
    assert only.enter(a_gated_run("three")).outcome == "pass", "what was refused was charged to nobody"
    assert keeper.ask(a_gated_run("four")).retry_after == 600
    with ledger.reading() as moment:
        assert len(moment.keys(GATE)) == 4


def test_folders_have_counters_of_their_own(ledger: ClockedLedger) -> None:
    limits = ((1, 60.0, ("path",)),)
    assert door(ledger, *limits, touched=("docs/",)).enter(a_gated_run("one")).outcome == "pass"
    assert door(ledger, *limits, touched=("src/",)).enter(a_gated_run("two")).outcome == "pass"
    assert door(ledger, *limits, touched=("src/", "tools/")).enter(a_gated_run("three")).outcome == "refuse"


def test_folders_that_the_base_does_not_have_share_a_counter() -> None:
    made_up = [a_file(f"new{number}/x.py", "A") for number in range(50)]
    change = a_change("src/a.py", "src/b/c.py", "README.md", *made_up)
    assert folders(change, (b"src", b"docs")) == ("*", ".", "src/")


def test_names_of_folders_that_are_no_text_are_counted(ledger: ClockedLedger) -> None:
    change = a_change(FileChange(**{**dict(a_file("x")), "name": b"\xff\x00\n/x.py", "path": "\\xff\\x00\\n/x.py"}))
    touched = folders(change, (b"\xff\x00\n",))
    keeper = door(ledger, (1, 60, ("path",)), touched=touched)
    assert keeper.enter(a_gated_run("one")).outcome == "pass"
    assert keeper.enter(a_gated_run("two")).outcome == "refuse"


def test_a_change_all_over_the_place_is_held(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (1, 60, ("path",)), touched=tuple(f"{number}/" for number in range(MOST_FOLDERS + 1)))
    answer = keeper.enter(a_gated_run("one"))
    assert (answer.outcome, answer.measured, answer.limit) == ("hold", MOST_FOLDERS + 1, MOST_FOLDERS)


def test_all_whom_nobody_vouched_for_share_one_counter(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (1, 60, ("author",)))
    assert keeper.enter(a_gated_run("one", claim="alice")).outcome == "pass"
    assert keeper.enter(a_gated_run("two", claim="bob")).outcome == "refuse"
    assert keeper.enter(a_gated_run("three", author="alice")).outcome == "pass", "a claim was charged"


def test_a_claim_is_read_so_that_it_can_only_tighten(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (1, 60, ("author",)))
    assert keeper.enter(a_gated_run("one", author="alice")).outcome == "pass"
    refused = keeper.enter(a_gated_run("two", author="bob", claim="alice"))
    assert (refused.outcome, "whom git names as the author" in refused.reason) == ("refuse", True)
    assert keeper.enter(a_gated_run("three", author="bob", claim="bob")).outcome == "pass"


def test_a_clock_that_is_set_back_lets_nobody_in_early(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (1, 60, ("target",)))
    keeper.enter(a_gated_run("one"))
    ledger.now -= 30
    assert keeper.ask(a_gated_run("two")).retry_after == 90


def test_what_no_limit_and_no_retry_needs_is_dropped(ledger: ClockedLedger) -> None:
    keeper = door(ledger, (1, 60, ("target",)))
    keeper.enter(a_gated_run("one"))
    for name, wait, kept in (("two", LONGEST, ["one", "two"]), ("three", 61, ["two", "three"])):
        ledger.now += wait
        assert keeper.enter(a_gated_run(name)).outcome == "pass"
        with ledger.reading() as moment:
            assert [entry.run for key in moment.keys(GATE) for entry in moment.entries(GATE, key)] == kept


def test_no_limit_refuses_nobody_and_keeps_nothing(ledger: ClockedLedger) -> None:
    keeper = door(ledger)
    for number in range(20):
        assert keeper.enter(a_gated_run(str(number))).outcome == "pass"
    with ledger.reading() as moment:
        assert moment.keys(GATE) == ()
