"""The section of the policy: each key merges alone, and what cannot be meant is an error at its line."""

import json

import pytest

from runner.errors import PolicyInvalid
from runner.gates.health.options import Options
from runner.policy.load import builtin, load_text
from runner.policy.text import to_yaml


def health(text: str) -> Options:
    return load_text(f"seatrial: 1\npreflight:\n  health: {text}\n".encode(), "p.yaml").policy.preflight.health  # type: ignore[no-any-return]


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        health(text)
    return list(caught.value.problems)


def test_one_threshold_resets_neither_the_other_signals_nor_the_other_threshold_of_its_own():
    usual = builtin().policy.preflight.health
    given = health('{disk_free: {hard: "<5%"}}')
    assert str(given.disk_free.hard) == "<5%"
    assert given.disk_free.soft == usual.disk_free.soft
    assert given.model_copy(update={"disk_free": usual.disk_free}) == usual
    held = health("{psi_memory: {hold: 10s}}")
    assert (held.psi_memory.hold, held.psi_memory.soft, held.psi_memory.hard) == (10, usual.psi_memory.soft, usual.psi_memory.hard)
    assert health("{advanced: {samples: 3}}").advanced.recover == usual.advanced.recover


def test_a_limit_can_be_taken_away():
    given = health("{docker_ping: {soft: none, hard: none}}")
    assert (given.docker_ping.soft.parts, given.docker_ping.hard.parts) == ((), ())


def test_the_resolved_policy_is_a_policy_with_the_same_meaning():
    loaded = load_text(
        b'seatrial: 1\npreflight: {health: {disk_free: {soft: "<1234567B", hard: "<0.5%"}, docker_ping: {hard: ">1.5s"}}}\n', "p.yaml"
    )
    again = load_text(to_yaml(loaded).encode(), "q.yaml")
    assert (again.policy, again.digest) == (loaded.policy, loaded.digest)
    assert json.loads(loaded.policy.model_dump_json())["preflight"]["health"]["disk_free"]["soft"] == "<1234567B"


def column(text: str, key: str, *, unknown: bool) -> int:
    """Where the value of a key stands in the third line, or of the nearest around it; an unknown key is itself the place."""
    at = end = 0
    for part in key.split("."):
        if f"{part}: " in text[end:]:
            at = text.index(f"{part}: ", end)
            end = at + len(f"{part}: ")
    return len("  health: ") + 1 + (at if unknown else end)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('{disk_free: {soft: "<15"}}', "disk_free.soft", "needs a unit"),
        ('{disk_free: {soft: ">15%"}}', "disk_free.soft", "looks the wrong way"),
        ('{disk_free: {soft: "<5s"}}', "disk_free.soft", "has no unit s"),
        ('{docker_ping: {hard: ">5%"}}', "docker_ping.hard", "has no unit %"),
        ('{inodes_free: {hard: "<1GiB"}}', "inodes_free.hard", "has no unit GiB"),
        ('{disk_free: {soft: "<10%", hard: "<15%"}}', "disk_free.soft", "is not looser than hard"),
        ('{inodes_free: {soft: "<5%"}}', "inodes_free.soft", 'is not looser than hard "<5%"'),
        ('{psi_memory: {soft: ">50%"}}', "psi_memory.soft", "is not looser than hard"),
        ('{disk_free: {soft: "<20% and <1GiB", hard: "<10% and <5GiB"}}', "disk_free.soft", "is not looser than hard"),
        ('{disk_free: {hard: "<0%"}}', "disk_free.hard", "can never be true"),
        ('{disk_free: {hard: "<0GiB"}}', "disk_free.hard", "can never be true"),
        ('{cpu: {soft: ">100%"}}', "cpu.soft", "can never be true"),
        ('{psi_io: {hard: ">250%"}}', "psi_io.hard", "can never be true"),
        ('{docker_ping: {hard: ">1m"}}', "docker_ping.hard", "can never be true"),
        ('{inodes_free: {soft: "<101%"}}', "inodes_free.soft", "always true"),
        ("{advanced: {recover: 20s}}", "advanced.recover", "shorter than stale x samples (30s x 1)"),
        ("{advanced: {samples: 11}}", "advanced", "shorter than stale x samples (30s x 11)"),
        ("{advanced: {stale: 0s}}", "advanced.stale", "too old"),
        ("{advanced: {recover: 8d}}", "advanced.recover", "the history goes back"),
        ("{psi_io: {hold: 8d}}", "psi_io.hold", "the history goes back"),
        ("{advanced: {forecast: {lookback: 0s}}}", "advanced.forecast.lookback", "needs history"),
        ("{advanced: {samples: 0}}", "advanced.samples", ""),
        ("{room: {hold: 3s}}", "room.hold", "unknown key"),
        ("{disk: {}}", "disk", "unknown key"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_line_and_column(text, key, said):
    (line,) = faults(text)
    place = f"3:{column(text, key, unknown=said == 'unknown key')}"
    assert line.startswith(f"p.yaml:{place}: preflight.health.{key}"), line
    assert said in line


@pytest.mark.parametrize(
    "text",
    [
        '{disk_free: {soft: "<15%", hard: "<10%"}}',
        '{disk_free: {soft: "<5GiB", hard: "<10%"}}',
        '{disk_free: {soft: "<15%", hard: "<10% and <1GiB"}}',
        '{disk_free: {soft: "<10%", hard: "<10% and <1GiB"}}',
        "{disk_free: {soft: none}}",
        '{room: {hard: ">300%"}}',
        '{cpu: {soft: ">90%", hard: ">99%"}}',
        "{advanced: {recover: 30s}}",
    ],
)
def test_what_can_be_meant_is_none(text):
    health(text)


def test_all_faults_are_told_at_once():
    assert len(faults('{disk_free: {soft: "<1%", hard: "<0%"}, cpu: {hard: ">100%"}, advanced: {recover: 1s}}')) == 3
