"""Whole checks and submissions by a real server with real containers: the same answers and exit codes as without one."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from testing.clients import Served, ended, git
from testing.landing import BROKEN, GOOD, SLOW, Done, until

pytestmark = [pytest.mark.docker, pytest.mark.slow]
VOLATILE = ("run", "next", "timings", "notes", "sandbox")
LABELS = ("source", "base_label", "head_label")
"""What a server calls a change that came over the network."""


@pytest.fixture(scope="module")
def ci(served: Served) -> str:
    return served.token("read", "submit")


@pytest.fixture(scope="module")
def person(served: Served) -> str:
    return served.token("read", "approve", "operate", name="ann")


def change(served: Served, name: str, files: dict[str, str]) -> str:
    """A diff that writes these files."""
    for path, text in files.items():
        (served.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (served.repo / path).write_text(text)
    git(served.repo, "add", "-A")
    patch = served.folder / f"{name}.diff"
    patch.write_text(git(served.repo, "diff", "--cached", "--binary"))
    git(served.repo, "reset", "-q", "--hard")
    return str(patch)


def held(served: Served, name: str) -> str:
    """A change that a person must look at: it edits what configures the tests."""
    return change(served, name, {"tests/conftest.py": f'"""{name}"""\n'})


def same(report: dict[str, Any]) -> dict[str, Any]:
    """What must not differ between here and there."""
    kept = {name: value for name, value in report.items() if name not in VOLATILE}
    kept["change"] = {name: value for name, value in report["change"].items() if name not in LABELS}
    kept["results"] = [(one["check"], one["outcome"], one["findings"]) for one in report["results"]]
    kept["tests"] = {name: report["tests"][name] for name in ("broken", "fixed", "missing", "skipped", "new", "tests_side", "source_side")}
    kept["policy"] = report["policy"]["digest"]
    return kept


def stages(said: str) -> list[str]:
    """The stages that a command told of, each once and without its parts."""
    told = [line.partition("] ")[2].partition(":")[0] for line in said.splitlines()]
    return [name for name in dict.fromkeys(told) if name in ("validate", "trial")]


@pytest.mark.parametrize(("given", "code"), [("good", 0), ("broken", 1), ("held", 3)])
def test_a_check_ends_as_it_does_here(served: Served, ci: str, given: str, code: int) -> None:
    file = {"good": GOOD, "broken": BROKEN}.get(given) or held(served, "same")
    away = served.seatrial("check", file, "--repo-name", "app", "--format", "json", token=ci)
    here = served.seatrial("check", file, "--repo", str(served.repo), "--policy", str(served.policy), "--format", "json", at="")
    assert (away.code, here.code) == (code, code), away
    assert [stages(done.err) for done in (away, here)] == [["validate", "trial"]] * 2
    assert same(away.report) == same(here.report)
    if given == "held":
        lenient = served.seatrial("check", file, "--repo-name", "app", "--fail-on", "reject", "--format", "json", token=ci)
        assert (lenient.code, lenient.report["verdict"]) == (0, "hold")


def test_work_that_is_not_committed_goes_as_the_bytes_that_it_is(served: Served, ci: str) -> None:
    binary, latin = served.repo / "data.bin", served.repo / "docs.txt"
    binary.write_bytes(bytes(range(256)) * 20)
    latin.write_bytes("caf\u00e9\n".encode("latin-1"))
    try:
        argv = ("check", "--format", "json")
        away = served.seatrial(*argv, "--repo-name", "app", token=ci, cwd=served.repo)
        here = served.seatrial(*argv, "--policy", str(served.policy), at="", cwd=served.repo)
        assert away.report["change"]["id"] == here.report["change"]["id"]
        assert (away.code, same(away.report)["results"]) == (here.code, same(here.report)["results"])
        assert "main + uncommitted work onto main (" in away.err
    finally:
        binary.unlink()
        latin.unlink()


def test_json_edits_go_as_they_are(served: Served, ci: str) -> None:
    edits = json.dumps([{"path": "NOTES.md", "content": "a line\n"}]).encode()
    done = served.seatrial("check", "-", "--repo-name", "app", "--format", "json", token=ci, stdin=edits)
    assert (done.code, done.report["change"]["kind"], [one["path"] for one in done.report["change"]["paths"]]) == (0, "edits", ["NOTES.md"])


def test_reports_go_to_files_and_logs_to_the_terminal_as_at_the_servers_machine(served: Served, ci: str, tmp_path: Path) -> None:
    files = {form: tmp_path / form for form in ("json", "markdown", "sarif", "junit")}
    reports = [word for form, path in files.items() for word in ("--report", f"{form}={path}")]
    done = served.seatrial("check", BROKEN, "--repo-name", "app", *reports, token=ci)
    run = json.loads(files["json"].read_text())["run"]
    assert (done.code, done.out.startswith("REJECTED")) == (1, True)
    for form, path in files.items():
        assert path.read_text() == served.at_home("run", "show", run, "--format", form).out
    for argv in (
        ("run", "logs", run),
        ("run", "logs", run, "--suite", "base"),
        ("run", "logs", run, "--format", "json"),
        ("run", "show", run),
    ):
        away, home = served.seatrial(*argv, token=ci), served.at_home(*argv)
        assert (away.code, away.out) == (home.code, home.out)
        assert away.out


def test_a_gate_that_refuses_is_exit_code_75(served: Served, ci: str) -> None:
    argv = ("check", "--repo-name", "strict", "--gates", "enforce", "--format", "json")
    first, second = (served.seatrial(argv[0], file, *argv[1:], token=ci) for file in (GOOD, BROKEN))
    assert (first.code, second.code, second.report["ending"]) == (0, 75, "refused"), second
    assert second.report["retry_after"]


def test_a_submit_is_followed_to_its_end_and_taken_back_by_its_word(served: Served, ci: str, person: str) -> None:
    before = git(served.bare, "rev-parse", "main^{tree}")
    done = served.seatrial("submit", GOOD, "--target", "app-main", "--agent", "bot", "--ticket", "T-1", "--format", "json", token=ci)
    assert (done.code, done.report["ending"]) == (0, "confirmed"), done
    assert [line for line in done.err.splitlines() if line.endswith("] promote")]
    assert git(served.bare, "rev-parse", "main^{tree}") != before
    run = done.report["run"]
    assert served.seatrial("confirm", run, "--reason", "x", token=person).code == 2
    back = served.seatrial("rollback", run, "--reason", "no", "--format", "json", token=person)
    assert (back.code, back.report["ending"]) == (5, "rolled_back"), back
    assert git(served.bare, "rev-parse", "main^{tree}") == before
    assert served.seatrial("rollback", run, "--reason", "no", token=person).code == 2


def test_what_is_held_waits_for_a_word(served: Served, ci: str, person: str) -> None:
    done = served.seatrial("submit", held(served, "word"), "--target", "app-main", "--format", "json", token=ci)
    assert (done.code, done.report["state"]) == (3, "held"), done
    run = done.report["run"]
    assert f'seatrial run approve {run} --reason "..."' in served.seatrial("run", "list", "--limit", "1", token=ci).out
    assert done.report["next"] == f'seatrial run approve {run} --reason "..."'
    denied = served.seatrial("run", "deny", run, "--reason", "not now", "--format", "json", token=person)
    assert (denied.code, denied.report["ending"]) == (1, "rejected"), denied
    assert [(said["verb"], said["reason"]) for said in denied.report["decisions"]] == [("deny", "not now")]
    assert "said       deny by " in served.seatrial("run", "show", run, token=ci).out
    again = served.seatrial("run", "retry", run, "--format", "json", token=ci)
    assert (again.code, again.report["run"] != run) == (3, True), again
    approved = served.seatrial("run", "approve", again.report["run"], "--reason", "seen", "--format", "json", token=person)
    assert (approved.code, approved.report["ending"]) == (0, "confirmed"), approved
    waited = served.seatrial("run", "wait", run, "--format", "json", token=ci)
    assert (waited.code, waited.report["ending"]) == (1, "rejected")
    assert served.seatrial("rollback", again.report["run"], "--reason", "clean up", token=person).code == 5


def slow(served: Served, name: str) -> str:
    return change(served, name, {"tests/test_slow.py": SLOW.format(600), "NOTES.md": f"{name}\n"})


def comes_to(served: Served, token: str, state: str) -> str:
    def newest() -> str:
        told = json.loads(served.seatrial("run", "list", "--limit", "1", "--format", "json", token=token).out)["runs"]
        return str(told[0]["id"]) if told and told[0]["state"] == state and told[0]["command"] == "submit" else ""

    return until(newest)


def test_a_submit_that_is_interrupted_while_it_is_tried_is_cancelled(served: Served, person: str) -> None:
    whole = served.token("read", "submit", "operate")
    process = served.start_command("submit", slow(served, "stop"), "--target", "app-main", token=whole)
    run = comes_to(served, whole, "running")
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert (done.code, done.out) == (130, ""), done
    assert f"run {run}: cancelled" in done.err
    assert served.seatrial("run", "show", run, token=person).out.startswith("CANCELLED")


def test_a_server_that_restarts_meanwhile_is_waited_for(served: Served, ci: str) -> None:
    patch = change(served, "restart", {"tests/test_slow.py": SLOW.format(8), "NOTES.md": "restart\n"})
    process = served.start_command("submit", patch, "--target", "app-main", "--format", "json", token=ci)
    run = comes_to(served, ci, "running")
    served.stop(signal.SIGKILL)
    time.sleep(1)
    served.start()
    done: Done = ended(process)
    assert done.code in (0, 3), done
    assert done.report["run"] == run
