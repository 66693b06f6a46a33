"""How stages, names and values are told."""

from hashlib import sha256
from typing import Any

import pytest
from jinja2 import DictLoader
from markupsafe import Markup

from runner.api.dashboard import pages
from runner.api.dashboard.line import line
from runner.api.dashboard.names import Names
from runner.api.dashboard.visit import is_local
from runner.api.dashboard.words import bounded, finalized, lines, moment, number, span
from runner.model.configuration import Configuration, Destination, Repository


@pytest.mark.parametrize(
    ("command", "state", "timings", "standings"),
    [
        ("check", "running", {}, ["now", "ahead", "ahead"]),
        ("check", "ended", {"validate": 1.0, "trial": 2.0}, ["not asked", "done", "done"]),
        ("submit", "queued", {}, ["ahead"] * 7),
        ("submit", "held", {"preflight": 1.0, "validate": 1.0, "trial": 1.0}, ["done"] * 3 + ["waits here"] + ["ahead"] * 3),
        ("submit", "ended", {"preflight": 1.0, "validate": 1.0}, ["done"] * 2 + ["not reached"] * 5),
        ("restore", "running", {"aim": 1.0, "backup": 1.0}, ["done", "now", "ahead", "ahead"]),
    ],
)
def test_a_line_says_where_a_run_is(command: str, state: str, timings: dict[str, float], standings: list[str]) -> None:
    assert [stage.standing for stage in line(command, state, timings)] == standings


def test_the_parts_of_a_stage_belong_to_its_time() -> None:
    trial = line("check", "ended", {"trial": 2.0, "image": 3.0, "controls": 0.5})[2]
    assert (trial.seconds, trial.parts) == (5.5, (("image", 3.0), ("controls", 0.5)))


def test_names_go_both_ways() -> None:
    repos = {"app": Repository(path="/srv/app.git"), "far": Repository(url="https://git.example/far.git")}
    targets = {"main": Destination(target="git:/srv/app.git#main", repo="app"), "live": Destination(target="dir:/srv/live", repo="app")}
    names = Names(Configuration(**{"seatrial-server": 1}, repos=repos, targets=targets))
    fetched = f"/state/repositories/far-{sha256(b'https://git.example/far.git').hexdigest()[:12]}.git"
    assert [names.repository(value) for value in ("/srv/app.git", fetched, "/x")] == ["app", "far", "/x"]
    assert [names.target(value) for value in ("git:/srv/app.git#refs/heads/main", "dir:/srv/live", "main", "")] == [
        "main",
        "live",
        "main",
        "",
    ]
    assert set(names.targets("main")) == {"main", "git:/srv/app.git#refs/heads/main"}
    assert set(names.repositories("far", (fetched, "/x"))) == {"far", fetched}
    assert names.targets("") == names.repositories("", ("/x",)) == ()


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0.351, "0.35 s"), (59.4, "59.4 s"), (600, "10 min"), (9000, "2.5 h"), (400_000, "4.6 days")]
)
def test_a_duration_is_said_as_a_person_says_it(seconds: float | None, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize("value", ["\u202e", "\x1b[2J", "\x00", "\u200b", "\ufeff"])
def test_nothing_invisible_reaches_a_page(value: str) -> None:
    for shown in (finalized(value), lines(value), bounded(value, 50), number(value), moment(value)):
        assert str(shown).isascii(), shown
        assert str(shown).startswith("\\")


def test_templates_escape_what_they_are_given_and_print_nothing_that_plays_tricks() -> None:
    made = pages._templates().overlay(loader=DictLoader({"t": '<p title="{{ a }}">{{ a }}{{ "x" ~ a }}{{ a | bounded(99) }}{{ b }}</p>'}))
    told = made.get_template("t").render(a='"><script>\u202e', b=None)
    assert told.count("<") == 2
    assert told.count("\\u202e") == 4
    assert "None" not in told


@pytest.mark.parametrize("value", [float("nan"), 1e300, "never", "2026-13-01"])
def test_a_moment_that_is_none_is_shown_as_it_is(value: Any) -> None:
    assert moment(value) == Markup(str(value))


@pytest.mark.parametrize(
    ("address", "local"), [("/", True), ("/runs/a?b=c", True), ("//x", False), ("/\\x", False), ("x", False), ("/é", False)]
)
def test_only_a_page_of_this_server_is_gone_back_to(address: str, local: bool) -> None:
    assert is_local(address) is local
