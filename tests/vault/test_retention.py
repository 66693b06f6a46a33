"""Which backups stay, by every combination of rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.ports import BackupRecord
from runner.vault.options import Options
from runner.vault.retention import staying

NOW = 1_000_000.0
DAY = 86400.0


def a_record(name: str, age: float = 0.0, **given: Any) -> BackupRecord:
    usual: dict[str, Any] = {
        "target": "dir:/a",
        "run": "r",
        "verified": NOW - age,
        "files": 1,
        "size": 1,
        "pinned": "",
        "marked": None,
        "used": False,
    }
    return BackupRecord(id=name, made=NOW - age, **{**usual, **given})


def stay(*records: BackupRecord, keep_within: float = 0.0, keep_last: int = 1) -> set[str]:
    return {name for name, _ in staying(records, NOW, Options(keep_within=keep_within, keep_last=keep_last))}


records = st.builds(
    a_record,
    name=st.sampled_from("abcdefgh"),
    age=st.floats(-30 * DAY, 30 * DAY),
    target=st.sampled_from(("dir:/a", "git:/b")),
    verified=st.none() | st.just(NOW),
    pinned=st.sampled_from(("", "", "because")),
    used=st.sampled_from((False, False, True)),
)
many = st.lists(records, max_size=12, unique_by=lambda record: (record.id, record.target))
options = st.builds(Options, keep_within=st.floats(0, 20 * DAY), keep_last=st.integers(1, 5))


@given(many, options)
def test_what_nobody_may_delete_stays_under_every_rule(found: list[BackupRecord], rules: Options) -> None:
    kept = staying(found, NOW, rules)
    for target in {record.target for record in found}:
        of_it = [record for record in found if record.target == target]
        verified = [record for record in of_it if record.verified is not None]
        past = [record for record in verified if record.made <= NOW]
        never = [record for record in of_it if record.pinned or record.used]
        never += [max(group, key=lambda record: (record.made, [-ord(record.id)])) for group in (verified, past) if group]
        assert {(record.id, target) for record in never} <= kept


@given(many, options)
def test_each_rule_keeps_what_it_says_whatever_the_others_say(found: list[BackupRecord], rules: Options) -> None:
    kept = staying(found, NOW, rules)
    assert {(record.id, record.target) for record in found if record.made > NOW - rules.keep_within} <= kept
    for target in {record.target for record in found}:
        ages = sorted(NOW - record.made for record in found if record.target == target)
        newest = ages[: rules.keep_last]
        assert sum(target == of for _, of in kept) >= len(newest)


@given(many, options)
def test_what_stays_has_a_reason(found: list[BackupRecord], rules: Options) -> None:
    kept = staying(found, NOW, rules)
    for record in found:
        newer = [other for other in found if other.target == record.target and other.made > record.made]
        reasons = (
            record.made > NOW - rules.keep_within,
            len(newer) < rules.keep_last,
            bool(record.pinned),
            record.used,
            record.verified is not None and not any(other.verified is not None and other.made <= NOW for other in newer),
        )
        if (record.id, record.target) in kept:
            assert any(reasons)


@given(many, options, st.randoms())
def test_neither_the_order_nor_another_target_changes_the_answer(found: list[BackupRecord], rules: Options, random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert staying(shuffled, NOW, rules) == staying(found, NOW, rules)
    alone = [record for record in found if record.target == "dir:/a"]
    assert staying(alone, NOW, rules) == {key for key in staying(found, NOW, rules) if key[1] == "dir:/a"}


@given(many, options)
def test_deleting_what_need_not_stay_changes_nothing_for_the_rest(found: list[BackupRecord], rules: Options) -> None:
    kept = staying(found, NOW, rules)
    left = [record for record in found if (record.id, record.target) in kept]
    assert staying(left, NOW, rules) == kept


@pytest.mark.parametrize(
    ("keep_within", "keep_last", "expected"),
    [(0.0, 1, "a"), (0.0, 2, "ab"), (5 * DAY, 1, "abc"), (5 * DAY, 4, "abcd")],
    ids=["the newest", "the last two", "within five days", "either rule"],
)
def test_the_rules_are_alternatives(keep_within: float, keep_last: int, expected: str) -> None:
    found = [a_record(name, age * DAY) for name, age in zip("abcd", (1, 2, 4, 8), strict=True)]
    assert stay(*found, keep_within=keep_within, keep_last=keep_last) == set(expected)


def test_a_clock_that_ran_ahead_does_not_cost_the_newest_true_backup() -> None:
    found = [a_record("f", -400 * DAY), a_record("g", -300 * DAY), a_record("n", 1), a_record("o", 2)]
    assert stay(*found) == {"f", "g", "n"}


def test_a_damaged_backup_is_not_the_newest_good_one() -> None:
    assert stay(a_record("bad", 1, verified=None), a_record("good", 2), a_record("old", 3)) == {"bad", "good"}
