"""`seatrial breaker`."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.gates.breaker import gate
from runner.gates.breaker.log import GATE, Log
from runner.gates.breaker.options import Options
from runner.model.keys import key_of
from runner.model.result import Ending
from runner.store.ledger import SqlLedger
from runner.store.places import places
from testing.ledgers import Gatekeeper, a_gated_run

Command = Callable[..., Any]
BY = ("--reason", "because of the release", "--author", "carol")


def rejected(number: int = 3, author: str = "alice", consecutive: int = 3) -> Gatekeeper:
    """So many changes of an author were rejected."""
    options = Options.model_validate({"author": {"consecutive": consecutive, "advanced": {"jitter": "0%"}}})
    keeper = Gatekeeper(gate, SqlLedger(places().state), options, socket.gethostname())
    for count in range(number):
        run = a_gated_run(f"{author}{count}", author=author)
        keeper.enter(run)
        keeper.leave(run, Ending.REJECTED)
    return keeper


def breakers(answer: Any) -> dict[str, dict[str, Any]]:
    return {" ".join((one["breaker"], *one["key"])): one for one in json.loads(answer.out)["breakers"]}


def test_nothing_is_listed_where_nothing_was_counted(seatrial: Command) -> None:
    answer = seatrial("breaker", "list")
    assert (answer.code, answer.out) == (0, "")
    assert "--gates enforce" in answer.err
    assert not places().state.exists()
    assert seatrial("breaker", "list", "--format", "json").json["breakers"] == []


def test_an_open_breaker_is_listed_with_its_outcomes_its_reason_and_its_end(seatrial: Command) -> None:
    rejected()
    line = next(line for line in seatrial("breaker", "list").out.splitlines() if "alice" in line)
    assert line.split()[:4] == ["open", "author", "git:/srv/app", "alice"]
    assert line.split()[4] == "✗✗✗"
    assert "  3 failed in a row; the limit is 3 in a row, or 80% of at least 10; until 20" in line
    found = breakers(seatrial("breaker", "list", "--format", "json"))["author git:/srv/app alice"]
    assert (found["state"], found["failed"], [outcome["failed"] for outcome in found["window"]]) == ("open", 3, [True] * 3)
    assert found["until"] > found["since"]


def test_a_breaker_of_one_key_is_opened_by_hand_and_closed_again_with_who_and_why(seatrial: Command) -> None:
    keeper = rejected(1)
    opened = seatrial("breaker", "open", "author", "--key", "git:/srv/app", "--key", "alice", "--for", "2h", *BY)
    assert (opened.code, opened.err) == (0, "")
    assert "opened by carol: because of the release; until 20" in opened.out
    refused = keeper.ask(a_gated_run("next", author="alice"))
    assert (refused.outcome, "because of the release" in refused.reason) == ("refuse", True)
    assert refused.retry_after is not None
    assert 7100 < refused.retry_after <= 7200
    assert keeper.ask(a_gated_run("next", author="bob")).outcome == "pass"
    closed = seatrial("breaker", "reset", "author", "--key", "git:/srv/app", "--key", "alice", *BY)
    assert closed.code == 0
    assert keeper.ask(a_gated_run("next", author="alice")).outcome == "pass"
    with keeper.ledger.reading() as moment:
        kinds = [entry.kind for entry in moment.entries(GATE, key_of("author", "git:/srv/app", "alice"))]
    assert kinds == ["options", "admitted", "ended", "forced", "reset"]


def test_a_breaker_without_a_key_is_that_of_everybody(seatrial: Command) -> None:
    keeper = rejected()
    assert seatrial("breaker", "disable", "author", *BY).code == 0
    let_in = keeper.enter(a_gated_run("next", author="alice"))
    assert (let_in.outcome, "disabled by carol" in let_in.reason) == ("warn", True)
    keeper.leave(a_gated_run("next", author="alice"), Ending.REJECTED)
    with keeper.ledger.reading() as moment:
        assert len(Log(moment, key_of("author", "git:/srv/app", "alice")).state.window) == 3, "it is disabled: nothing is counted"
    assert seatrial("breaker", "open", "promotion", *BY).code == 0
    assert keeper.enter(a_gated_run("other", target="git:/elsewhere")).policy == "preflight.breaker.promotion"
    assert seatrial("breaker", "reset", "promotion", *BY).code == 0
    assert seatrial("breaker", "reset", "author", *BY).code == 0
    assert {one["state"] for one in breakers(seatrial("breaker", "list", "--format", "json")).values()} == {"closed"}


def test_what_is_done_by_hand_needs_a_reason_and_is_in_the_audit_log(seatrial: Command) -> None:
    for argv in (["open", "host"], ["open", "host", "--reason", " "], ["reset", "host"], ["disable", "author"]):
        assert seatrial("breaker", *argv).code == 2
    assert seatrial("breaker", "open", "host", "--key", "h1", "--reason", "new disk").code == 0
    entry = seatrial("audit", "list", "--format", "json").json["entries"][0]
    assert (entry["kind"], entry["subject"]) == ("breaker.opened", "host h1")
    body = json.loads(entry["body"]) if isinstance(entry["body"], str) else entry["body"]
    assert body["reason"] == "new disk"
    assert body["who"].endswith(f" on {socket.gethostname()}")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("open", "host", "--key", "a", "--key", "b"), "the key of host is the host"),
        (("open", "author", "--key", "a", "--key", "b", "--key", "c"), "the target and the author"),
        (("reset", "author", "--key", "git:/srv/ap", "--key", "alice"), "The nearest is: author git:/srv/app alice"),
        (("reset", "author", "--key", "git:/srv/app", "--key", "unidentified"), "The nearest is: author git:/srv/app alice"),
        (("open", "host", "--for", "2"), "needs a unit"),
        (("open", "host", "--for", "0s"), "more than 0"),
        (("open", "target"), "is not one of 'host', 'promotion', 'author'"),
    ],
)
def test_a_slip_is_named(seatrial: Command, argv: tuple[str, ...], said: str) -> None:
    rejected(1)
    answer = seatrial("breaker", *argv, "--reason", "x")
    assert (answer.code, said in answer.err) == (2, True), answer.err


def test_a_name_that_is_left_out_is_asked_for_on_one_line(seatrial: Command) -> None:
    answer = seatrial("breaker", "open", "--reason", "x")
    assert (answer.code, answer.err.splitlines()[0]) == (2, "seatrial: Missing argument 'NAME'. Choose from: host, promotion, author")


def test_whom_nobody_vouched_for_is_the_target_without_an_author(seatrial: Command) -> None:
    keeper = rejected(1, author="")
    assert "author git:/srv/app (unidentified)" in seatrial("breaker", "list").out
    assert seatrial("breaker", "open", "author", "--key", "git:/srv/app", *BY).code == 0
    refused = keeper.ask(a_gated_run("next"))
    assert (refused.outcome, "it stays so until it is reset" in refused.reason) == ("refuse", True)
    assert keeper.ask(a_gated_run("next", author="unidentified")).outcome == "pass"


def test_hostile_names_and_reasons_cannot_speak_to_the_terminal(seatrial: Command) -> None:
    rejected(1, author="mallory\x1b[2J\u202e")
    seatrial("breaker", "open", "author", "--key", "git:/srv/app", "--key", "mallory\x1b[2J\u202e", "--reason", "\x1b]0;x\x07::error::")
    for answer in (seatrial("breaker", "list"), seatrial("breaker", "list", "--format", "json"), seatrial("audit", "list")):
        assert "\x1b" not in answer.out
        assert "\u202e" not in answer.out
        assert "\n::error" not in answer.out


def test_very_long_names_are_keys_too(seatrial: Command) -> None:
    long = "ü" * 5000
    keeper = rejected(3, author=long)
    assert keeper.ask(a_gated_run("next", author=long)).outcome == "refuse"
    assert keeper.ask(a_gated_run("next", author=long + "x")).outcome == "pass"
    assert seatrial("breaker", "reset", "author", "--key", "git:/srv/app", "--key", long, *BY).code == 0
    assert keeper.ask(a_gated_run("next", author=long)).outcome == "pass"


def test_the_odds_are_exact_binomials_of_the_policys_breakers(seatrial: Command, tmp_path: Path) -> None:
    odds = {row["breaker"]: row for row in seatrial("breaker", "list", "-v", "--format", "json").json["odds"]}
    assert odds["host"]["by_rate"]["0.2"] == pytest.approx(0.05792)  # 3 or more of 5: 10*.2^3*.8^2 + 5*.2^4*.8 + .2^5
    assert odds["promotion"]["in_a_row"]["0.2"] == pytest.approx(0.04)
    policy = tmp_path / "p.yaml"
    rate = "{failure_rate: 50%, advanced: {window: 20, minimum_calls: 10}}"
    policy.write_text(f"seatrial: 1\npreflight: {{breaker: {{author: {rate}}}}}\n")
    odds = {row["breaker"]: row for row in seatrial("breaker", "list", "-v", "--policy", str(policy), "--format", "json").json["odds"]}
    assert odds["author"]["by_rate"]["0.2"] == pytest.approx(0.0026, abs=0.0001)
    assert "5.79%" in seatrial("breaker", "list", "-v").out
