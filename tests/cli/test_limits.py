"""`seatrial limits`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.gates.rate import gate
from runner.gates.rate.options import Limit, Limits
from runner.store.ledger import SqlLedger
from runner.store.places import places
from testing.ledgers import Gatekeeper, a_gated_run

Command = Callable[..., Any]
LIMITS: Limits = (Limit(limit=3, per=3600.0), Limit(limit=5, per=86400.0, key=("target", "path")))


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "p.yaml"
    file.write_text("seatrial: 1\npreflight:\n  rate:\n    - {limit: 3, per: 1h}\n    - {limit: 5, per: 24h, key: [path, target]}\n")
    return str(file)


def entered(number: int, *touched: str, target: str = "git:/srv/app") -> None:
    keeper = Gatekeeper(gate, SqlLedger(places().state), LIMITS, touched)
    for count in range(number):
        keeper.enter(a_gated_run(f"{target}{touched}{count}", target=target))


def test_empty_windows_are_told_and_nothing_is_made(seatrial: Command, policy: str, tmp_path: Path) -> None:
    answer = seatrial("limits", "--repo", str(tmp_path))
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "every window is empty (builtin:default); only runs with --gates enforce are counted\n"
    none = tmp_path / "none.yaml"
    none.write_text("seatrial: 1\npreflight: {rate: []}\n")
    assert "the policy limits nothing" in seatrial("limits", "--policy", str(none)).err
    assert not places().state.exists()


def test_each_counter_is_shown_with_its_use_and_when_there_is_room(seatrial: Command, policy: str) -> None:
    entered(3, "docs/")
    entered(1, "src/", target="git:/other")
    out = [line.split() for line in seatrial("limits", "--policy", policy).out.splitlines()]
    assert out[0] == ["USED", "WINDOW", "ROOM", "COUNTED", "BY"]
    assert out[1][:6] == ["3", "of", "3", "per", "1h", "in"]
    assert out[1][-2:] == ["target", "git:/srv/app"]
    assert ["3", "of", "5", "per", "24h", "now", "target", "git:/srv/app,", "path", "docs/"] in out
    found = seatrial("limits", "--policy", policy, "--format", "json").json["limits"]
    assert found[0]["key"] == {"target": "git:/srv/app"}
    assert 3500 < found[0]["room_in"] <= 3600
    assert found[0]["policy"] == f"{policy}:4"
    assert {one["used"]: one["room_in"] for one in found[1:]}[1] == 0


def test_the_fullest_come_first_and_the_rest_is_counted(seatrial: Command, policy: str) -> None:
    entered(2)
    entered(1, target="git:/other")
    answer = seatrial("limits", "--policy", policy, "-n", "1")
    assert "2 of 3" in answer.out
    assert "git:/other" not in answer.out
    assert answer.err == "1 more; see -n\n"


def test_hostile_targets_cannot_speak_to_the_terminal(seatrial: Command, policy: str) -> None:
    entered(1, target="git:\x1b[2J")
    assert "\x1b" not in seatrial("limits", "--policy", policy).out
