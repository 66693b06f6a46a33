"""`seatrial run` over a real record."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.model.promotion import Promotion, Step
from runner.model.run import Command as CalledFor
from runner.model.submission import StoredPolicy, Submission
from runner.reports.report import build, to_json
from runner.store.promotions import SqlPromotions
from runner.store.runs import SqlRuns
from runner.store.submissions import SqlSubmissions

Command = Callable[..., Any]
HOSTILE = "\x1b[2J[red]\u202e"


@pytest.fixture
def record(own_home: Path, run_of: Command) -> SqlRuns:
    runs = SqlRuns(own_home / "state" / "seatrial")
    for run_id, ending in (("aa11", "accepted"), ("aa22", "rejected"), ("bb33", "held")):
        run = run_of(ending, id=run_id, repository=f"/r/{HOSTILE}")
        runs.finish(run, to_json(build(run)), {"base": "fine\n", "patched": f"not fine {HOSTILE}\n"} if run_id == "aa22" else {})
    runs.begin(run_of("accepted", id="cc44").with_(decision=None))
    return runs


def test_the_list_is_newest_first(seatrial: Command, record: SqlRuns) -> None:
    rows = [line.split() for line in seatrial("run", "list").out.splitlines()]
    assert [(row[0], row[3]) for row in rows] == [("cc44", "running"), ("bb33", "held"), ("aa22", "rejected"), ("aa11", "accepted")]
    listed = seatrial("run", "list", "--limit", "2", "--format", "json").json
    assert listed["schema"] == "seatrial.runs/v1"
    assert [(run["id"], run["state"], run["exit_code"]) for run in listed["runs"]] == [("cc44", "running", None), ("bb33", "held", 3)]


def test_a_report_is_shown_again_as_it_was(seatrial: Command, record: SqlRuns, run_of: Command) -> None:
    assert seatrial("run", "show", "aa2", "--format", "json").json["verdict"] == "reject"
    answer = seatrial("run", "show", "bb33")
    assert (answer.code, answer.out.split()[0]) == (0, "HELD")


@pytest.mark.parametrize(("form", "begin"), [("markdown", "## ✋ Held"), ("github", "::"), ("sarif", "{"), ("junit", "<?xml")])
def test_a_recorded_run_is_shown_in_every_format(seatrial: Command, record: SqlRuns, form: str, begin: str) -> None:
    answer = seatrial("run", "show", "bb33", "--format", form)
    assert (answer.code, answer.out.startswith(begin)) == (0, True)
    unfinished = seatrial("run", "show", "latest", "--format", form)
    assert (unfinished.code, unfinished.err.splitlines()[0]) == (
        2,
        f"seatrial: run cc44 has no report that could be written as {form}: it goes on",
    )
    assert "did you mean" in seatrial("run", "show", "bb33", "--format", form[:-1]).err


def test_a_run_without_a_report_says_that_it_goes_on(seatrial: Command, record: SqlRuns) -> None:
    answer = seatrial("run", "show", "latest")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "RUNNING  cc44")
    assert "it goes on" in answer.out
    assert seatrial("run", "show", "latest", "--format", "json").json["state"] == "running"


def test_a_run_whose_process_is_gone_is_shown_as_cancelled_with_the_reason(seatrial: Command, record: SqlRuns) -> None:
    record.close()
    assert seatrial("run", "list").out.splitlines()[0].split()[3] == "cancelled"
    answer = seatrial("run", "show", "latest")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "CANCELLED  cc44")
    assert "the process ended before the run did" in answer.out


def test_logs_are_shown_by_suite(seatrial: Command, record: SqlRuns) -> None:
    assert seatrial("run", "logs", "aa22", "--suite", "base").out == "fine\n"
    both = seatrial("run", "logs", "aa22").out
    assert both.startswith("==> base <==\nfine\n\n==> patched <==\nnot fine \\x1b[2J[red]\\u202e\n")
    assert seatrial("run", "logs", "aa22", "--format", "json").json["logs"]["patched"] == f"not fine {HOSTILE}\n"
    assert "no log" in seatrial("run", "logs", "aa11").err
    assert seatrial("run", "logs", "aa22", "--suite", "nope").code == 2


@pytest.mark.parametrize("command", ["show", "logs"])
def test_an_ambiguous_or_unknown_run_is_a_usage_error_that_names_the_candidates(seatrial: Command, record: SqlRuns, command: str) -> None:
    answer = seatrial("run", command, "aa", "--format", "json")
    assert (answer.code, answer.json["code"]) == (2, "usage")
    assert "aa22, aa11" in answer.json["message"]
    assert seatrial("run", command, "ff").code == 2


def test_nothing_hostile_reaches_the_terminal(seatrial: Command, record: SqlRuns) -> None:
    for arguments in (["list"], ["show", "aa22"], ["logs", "aa22"], ["list", "--format", "json"], ["logs", "aa22", "--format", "json"]):
        out = seatrial("run", *arguments).out
        assert [char for char in out if not char.isprintable() and char != "\n"] == []


def test_an_empty_record_is_said_and_nothing_is_made(seatrial: Command, own_home: Path) -> None:
    answer = seatrial("run", "list")
    assert (answer.code, answer.out) == (0, "")
    assert "no run yet" in answer.err
    assert not own_home.exists()
    assert seatrial("run", "show", "latest").code == 2


def test_a_damaged_record_is_an_infrastructure_error(seatrial: Command, record: SqlRuns, own_home: Path) -> None:
    (own_home / "state" / "seatrial" / "state.db").write_bytes(b"no database at all, but long enough to be read" * 100)
    for name in ("-wal", "-shm"):
        (own_home / "state" / "seatrial" / f"state.db{name}").unlink(missing_ok=True)
    answer = seatrial("run", "list", "--format", "json")
    assert (answer.code, answer.json["code"]) == (4, "store-unavailable")


def waiting(own_home: Path, run_of: Command) -> SqlRuns:
    """A record with a promotion that waits for a person."""
    state = own_home / "state" / "seatrial"
    run = run_of("accepted", id="dd55").with_(decision=None, command=CalledFor.SUBMIT, target="dir:/srv/app")
    policy = StoredPolicy(values={"monitor": {"probes": []}}, source="x", digest="d" * 64)
    with closing(SqlSubmissions(state)) as submissions, closing(SqlPromotions(state)) as promotions:
        submissions.file(Submission(run=run, policy=policy, target=run.target))
        begun = promotions.begin(Promotion(run="dd55", target=run.target, before="b" * 40, after="7" * 40, base="c" * 40))
        promotions.step(begun, step=Step.PROMOTED, deadline=1_800_000_300.0)
        submissions.keep(run, "promote")
    return SqlRuns(state)


def test_what_waits_for_a_person_is_shown_with_why_and_what_to_type(seatrial: Command, own_home: Path, run_of: Command) -> None:
    waiting(own_home, run_of)
    first, *more = seatrial("run", "list").out.splitlines()
    assert first.split()[3] == "waiting"
    told = [line.strip() for line in more]
    assert told[0].startswith("waits for a person: it is promoted, and the policy has no probes: it is taken back at 2027-01-15T08:05:00Z")
    assert told[1:] == ['seatrial confirm dd55 --reason "..."', 'seatrial rollback dd55 --reason "..."']
    shown = seatrial("run", "show", "dd55").out.splitlines()
    assert (shown[0], shown[1:4]) == ("WAITING  dd55", told)
    (listed,) = seatrial("run", "list", "--format", "json").json["runs"]
    assert (listed["waits"], listed["verbs"]) == (told[0].removeprefix("waits for a person: "), ["confirm", "rollback"])
    assert "decisions" not in listed


def test_who_decided_and_why_is_shown(seatrial: Command, own_home: Path, run_of: Command) -> None:
    with closing(waiting(own_home, run_of)) as runs, closing(SqlSubmissions(own_home / "state" / "seatrial")) as submissions:
        submissions.wish("dd55", "confirm", "ann\x1b", "it is well")
        assert "said        confirm by ann\\x1b at 2" in seatrial("run", "show", "dd55").out
        run = run_of("confirmed", id="dd55")
        runs.finish(run, to_json(build(run)), {})
    text = seatrial("run", "show", "dd55").out
    assert [line.split()[:4] for line in text.splitlines() if line.startswith("said ")] == [["said", "confirm", "by", "ann\\x1b"]]
    assert ": it is well" in text
    (said,) = seatrial("run", "show", "dd55", "--format", "json").json["decisions"]
    assert (said["verb"], said["who"], said["reason"]) == ("confirm", "ann\x1b", "it is well")
    assert seatrial("run", "show", "dd55", "--format", "json").out.isascii()
