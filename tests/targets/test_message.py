from datetime import UTC, datetime
from typing import Any

import pytest

from runner.model.change import Change
from runner.model.run import Author, PolicyFacts, Run
from runner.targets.message import message, undoing


def a_run(author: Author = Author(), **change: Any) -> Run:  # noqa: B008
    fields = {"base_commit": "b" * 40, "base_tree": "c" * 40, "tree": "d" * 40, "patch_id": "e" * 40}
    words = {"source": "fix.diff", "kind": "diff", "base_label": "main", **change}
    return Run(
        id="0123456789ab",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        repository="/srv/app",
        policy=PolicyFacts(source="builtin:default", digest="f" * 64),
        change=Change(**fields, **words),
        author=author,
    )


def trailers(said: str) -> dict[str, str]:
    """What git takes for trailers: the lines of the last paragraph."""
    return dict(line.split(": ", 1) for line in said.rstrip("\n").split("\n\n")[-1].split("\n"))


def test_a_message_names_the_change_and_the_facts_of_its_run() -> None:
    run = a_run(Author(name="ana", agent="bot", ticket="T-1"), head_label="feature (1a2b3c4)", kind="revision")
    said = message(run)
    assert said.startswith("Land feature (1a2b3c4)\n\nSeatrial-Run: 0123456789ab\n")
    assert trailers(said) == {
        "Seatrial-Run": run.id,
        "Seatrial-Change": run.change.id,
        "Seatrial-Policy": "f" * 64,
        "Seatrial-Author": "ana",
        "Seatrial-Agent": "bot",
        "Seatrial-Ticket": "T-1",
        "Seatrial-Base": "b" * 40,
    }


def test_what_nobody_said_is_left_out() -> None:
    assert {"Seatrial-Author", "Seatrial-Agent", "Seatrial-Ticket"}.isdisjoint(trailers(message(a_run())))
    assert trailers(message(a_run(Author(claim="a@example.org"))))["Seatrial-Author"] == "a@example.org"


@pytest.mark.parametrize(
    "evil",
    ["x\n\nSeatrial-Run: fake", "x\r\nSeatrial-Run: fake", "\x1b[2J\0", "\u2028Seatrial-Run: fake", "\udcff\u202e", "a" * 10_000, "\x85y"],
)
def test_hostile_texts_are_one_harmless_line_each(evil: str) -> None:
    run = a_run(Author(name=evil, agent=evil, ticket=evil), head_label=evil, source=evil)
    said = message(run)
    assert all(line.isprintable() and len(line) < 250 for line in said.split("\n"))
    assert len(said.splitlines()) == 9
    assert trailers(said)["Seatrial-Run"] == run.id
    assert said.encode()


def test_a_commit_that_undoes_names_what_it_undoes() -> None:
    said = undoing("Land it\n\nSeatrial-Run: other\n", "0123456789ab", "9" * 40)
    assert said.startswith("Take back: Land it\n\n")
    assert trailers(said) == {"Seatrial-Reverts": "9" * 40, "Seatrial-Run": "0123456789ab"}


def test_a_change_that_came_as_a_file_is_called_by_the_end_of_its_path_which_nobody_else_knows() -> None:
    assert message(a_run(Author(), source="/home/ana/fixes/fix.diff", head_label="/home/ana/fixes/fix.diff")).startswith("Land fix.diff\n")
