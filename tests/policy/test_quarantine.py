"""The keys `tests.quarantine` and `tests.flaky_error` in policy files: what is read, and what is said at which place."""

from datetime import UTC, datetime, timedelta

import pytest

from runner.errors import PolicyInvalid
from runner.policy.load import load_text
from runner.policy.stored import restored, stored


def day(ahead: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


def policy(*lines: str) -> bytes:
    return "\n".join(("seatrial: 1", "tests:", "  quarantine:", *lines, "")).encode()


def problems(text: bytes) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(text, "p.yaml")
    return list(caught.value.problems)


def test_entries_are_read_and_the_policy_reads_back_as_the_very_same() -> None:
    text = policy(f'    - {{test: "t.py::a*", owner: ann, until: {day(30)}, reason: "#12"}}') + b"  flaky_error: 0.1%\n"
    loaded = load_text(text, "p.yaml")
    (entry,) = loaded.policy.tests.quarantine
    assert (entry.test, entry.owner, entry.until, entry.reason) == ("t.py::a*", "ann", day(30), "#12")
    assert loaded.policy.tests.flaky_error == pytest.approx(0.001)
    assert loaded.warnings == ()
    assert restored(stored(loaded)).policy == loaded.policy


def test_an_entry_that_has_ended_is_a_warning_at_its_place_and_the_policy_still_holds() -> None:
    loaded = load_text(policy(f"    - {{test: t.py::a, owner: ann, until: {day(-1)}}}"), "p.yaml")
    (warning,) = loaded.warnings
    assert warning.startswith("p.yaml:4:")
    assert f"tests.quarantine[0].until: the quarantine of 't.py::a' ended on {day(-1)}" in warning


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f'{{test: "*", owner: ann, until: {day(1)}}}', "tests.quarantine[0].test: '*' begins with a star: that sets every test aside"),
        (f'{{test: "**", owner: ann, until: {day(1)}}}', "begins with a star"),
        (f"{{test: t.py::a, until: {day(1)}}}", "tests.quarantine[0].owner: this key is missing"),
        ("{test: t.py::a, owner: ann}", "tests.quarantine[0].until: this key is missing"),
        ("{test: t.py::a, owner: ann, until: soon}", "'soon' is not a day; write it like 2027-01-31"),
        (f"{{test: t.py::a, owner: ann, until: {day(92)}}}", f"tests.quarantine[0].until: {day(92)} is more than 90 days ahead"),
        (f"{{test: t.py::a, owners: ann, until: {day(1)}}}", 'did you mean "owner"?'),
    ],
)
def test_a_fault_of_an_entry_is_told_with_its_place(entry: str, said: str) -> None:
    found = [line for line in problems(policy(f"    - {entry}")) if said in line]
    assert found
    assert found[0].startswith("p.yaml:4:")


def test_two_hundred_entries_are_enough() -> None:
    entries = [f"    - {{test: t.py::t{number}, owner: ann, until: {day(1)}}}" for number in range(201)]
    assert load_text(policy(*entries[:200]), "p.yaml").warnings == ()
    assert any("201 entries; 200 are read at most" in line for line in problems(policy(*entries)))


@pytest.mark.parametrize("share", ["0%", "101%", "0.01"])
def test_an_error_of_nothing_or_without_its_sign_is_refused(share: str) -> None:
    assert any("tests.flaky_error" in line for line in problems(f"seatrial: 1\ntests: {{flaky_error: {share}}}\n".encode()))
