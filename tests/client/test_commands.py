"""The command line against a real server, as far as no container is needed: refusals, mistakes, lists, waiting, stopping."""

import json
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from testing.clients import Served, ended, git
from testing.landing import GOOD, until

READ = ("run", "list")
BAD_DIFF = b"--- a/src/nothing.py\n+++ b/src/nothing.py\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.fixture(scope="module")
def ci(idle: Served) -> str:
    return idle.token("read", "submit")


@pytest.fixture(scope="module")
def person(idle: Served) -> str:
    return idle.token("read", "submit", "approve", "operate", name="ann")


def nobody_listens() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    "argv",
    [
        ("check", GOOD, "--repo-name", "app"),
        ("submit", GOOD, "--target", "app-main"),
        ("run", "list"),
        ("run", "show", "latest"),
        ("run", "wait", "latest"),
        ("rollback", "latest", "--reason", "x"),
    ],
)
def test_a_server_that_cannot_be_reached_is_exit_code_4(idle: Served, argv: tuple[str, ...]) -> None:
    done = idle.seatrial(*argv, "--format", "json", token="seatrial_1_x", at=nobody_listens())
    assert (done.code, done.error["code"]) == (4, "server-unavailable"), done
    assert "Connection refused" in done.error["message"]


@pytest.mark.parametrize("argv", [("check", GOOD, "--repo-name", "app"), ("submit", GOOD, "--target", "app-main"), READ])
def test_a_token_that_is_none_is_exit_code_2_and_in_no_output(idle: Served, argv: tuple[str, ...]) -> None:
    done = idle.seatrial(*argv, "--format", "json", token="seatrial_abc_hunter2")
    assert (done.code, done.error["code"]) == (2, "usage"), done
    assert "hunter2" not in done.out + done.err
    none = idle.seatrial(*argv)
    assert (none.code, none.out) == (2, "")
    assert "SEATRIAL_TOKEN" in none.err


def test_a_token_may_come_from_a_file(idle: Served, ci: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(ci + "\n")
    assert idle.seatrial(*READ, SEATRIAL_TOKEN_FILE=str(file)).code == 0


def test_a_token_without_the_scope_is_told_which_one_it_lacks(idle: Served, ci: str) -> None:
    run = waiting(idle, ci)
    done = idle.seatrial("run", "approve", run, "--reason", "x", token=ci)
    assert done.code == 2
    assert "scope approve" in done.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("check", GOOD), "--repo-name"),
        (("check", GOOD, "--repo-name", "other"), "no repository of that name"),
        (("check", GOOD, "--repo-name", "app", "--policy", "p.yaml"), "--policy"),
        (("check", GOOD, "--repo-name", "app", "--author", "me"), "--author"),
        (("check", GOOD, "--repo-name", "app", "--base", "b" * 301), "base"),
        (("submit", GOOD, "--target", "git:.#main"), "no target of that name"),
        (("submit", "no-such-file.diff", "--target", "app-main"), "no-such-file.diff"),
        (("run", "approve", "latest", "--by", "me", "--reason", "x"), "--by"),
        (("run", "resume", "latest"), "by itself"),
        (("run", "show", "ffffffffffff"), "no such run"),
        (("run", "show", "../x"), "no run id"),
        (("run", "list", "--server", "nonsense"), "no address"),
    ],
)
def test_what_a_server_does_not_take_is_exit_code_2(idle: Served, person: str, argv: tuple[str, ...], words: str) -> None:
    done = idle.seatrial(*argv, token=person)
    assert (done.code, done.out) == (2, ""), done
    assert words in done.err


def test_without_a_server_its_options_are_a_mistake_and_none_is_asked(idle: Served) -> None:
    done = idle.seatrial("check", GOOD, "--repo-name", "app", "--repo", str(idle.repo), at="")
    assert (done.code, done.out) == (2, "")
    assert "--repo-name" in done.err
    named = idle.seatrial("run", "list", "--server", "")
    assert (named.code, named.out) == (0, "")
    assert "no run yet" in named.err


def waiting(idle: Served, token: str, *more: str, change: str = GOOD) -> str:
    """The id of a submitted run that waits for a worker."""
    done = idle.seatrial("submit", change, "--target", "app-main", "--detach", *more, token=token)
    assert done.code == 0, done
    assert done.out.strip().isalnum()
    return done.out.strip()


def listed(server: Served, token: str) -> list[dict[str, Any]]:
    """The runs of a server, newest first."""
    found: list[dict[str, Any]] = json.loads(server.seatrial("run", "list", "--limit", "100", "--format", "json", token=token).out)["runs"]
    return found


def test_what_is_left_to_the_server_is_listed_and_shown(idle: Served, ci: str) -> None:
    run = waiting(idle, ci)
    (found,) = (one for one in listed(idle, ci) if one["id"] == run)
    assert (found["state"], found["command"], found["target"], found["repository"]) == ("queued", "submit", "app-main", "")
    assert run in idle.seatrial("run", "list", token=ci).out
    shown = idle.seatrial("run", "show", run[:8], token=ci)
    assert shown.out.splitlines()[0] == f"QUEUED  {run}"
    assert idle.seatrial("run", "show", run, "--format", "sarif", token=ci).code == 2
    assert (idle.seatrial("run", "logs", run, token=ci).out) == ""


def test_a_wait_that_takes_too_long_is_exit_code_4(idle: Served, ci: str) -> None:
    run, begun = waiting(idle, ci), time.monotonic()
    done = idle.seatrial("run", "wait", run, "--timeout", "1s", token=ci)
    assert (done.code, done.out) == (4, "")
    assert f"run {run} goes on still" in done.err
    assert time.monotonic() - begun < 15


def test_what_waits_is_cancelled_and_reported_in_every_format(idle: Served, person: str) -> None:
    for form in ("text", "json", "markdown", "github", "sarif", "junit"):
        done = idle.seatrial("run", "cancel", waiting(idle, person), "--reason", "wrong one", "--format", form, token=person)
        assert done.code == 130, done
        assert "wrong one" in done.out
    assert done.code == 130
    again = idle.seatrial("run", "cancel", "latest", "--reason", "again", token=person)
    assert again.code == 2


def stopped(idle: Served, token: str, number: int, *argv: str) -> tuple[Any, str]:
    """A command that was asked to end once its run was on its way, and that run."""
    known = len(listed(idle, token))
    process = idle.start_command(*argv, token=token)

    def newest() -> str:
        runs = listed(idle, token)
        return str(runs[0]["id"]) if len(runs) > known else ""

    run = until(newest)
    time.sleep(1)  # until it waits
    process.send_signal(number)
    return ended(process), run


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_submit_that_is_interrupted_has_its_run_cancelled(idle: Served, person: str, number: int, code: int) -> None:
    done, run = stopped(idle, person, number, "submit", GOOD, "--target", "app-main")
    assert (done.code, done.out) == (code, ""), done
    assert f"run {run}: cancelled" in done.err
    assert idle.seatrial("run", "show", run, token=person).out.startswith("CANCELLED")


def test_a_token_that_may_only_submit_cancels_what_it_has_submitted_and_nothing_else(idle: Served, ci: str, person: str) -> None:
    done, run = stopped(idle, ci, signal.SIGINT, "submit", GOOD, "--target", "app-main")
    assert done.code == 130
    assert f"run {run}: cancelled" in done.err
    assert idle.seatrial("run", "show", run, token=ci).out.startswith("CANCELLED")
    other = waiting(idle, person)
    refused = idle.seatrial("run", "cancel", other, "--reason", "x", token=ci)
    assert (refused.code, "scope operate" in refused.err) == (2, True)
    assert idle.seatrial("run", "show", other, token=ci).out.startswith("QUEUED")


def test_a_check_that_is_interrupted_leaves_its_run(idle: Served, person: str) -> None:
    done, run = stopped(idle, person, signal.SIGINT, "check", GOOD, "--repo-name", "app")
    assert done.code == 130
    assert f"seatrial run wait {run}" in done.err
    assert idle.seatrial("run", "show", run, token=person).out.startswith("QUEUED")


def test_a_step_of_a_job_that_runs_again_finds_its_run(idle: Served, ci: str, person: str) -> None:
    job = {"CI_SERVER_URL": "https://gitlab.example", "CI_JOB_ID": "7"}
    command = ("submit", GOOD, "--target", "app-main", "--detach")
    first, second = (idle.seatrial(*command, token=ci, **job).out for _ in range(2))
    other = idle.seatrial(*command, token=ci, **{**job, "CI_JOB_ID": "8"}).out
    assert first == second != other
    idle.seatrial("run", "cancel", first.strip(), "--reason", "x", token=person)
    assert idle.seatrial(*command, token=ci, **job).out not in (first, other)


# with a worker, but without a container


@pytest.fixture(scope="module")
def submitter(served: Served) -> str:
    return served.token("read", "submit")


def test_a_diff_that_does_not_apply_is_rejected_with_its_report(served: Served, submitter: str) -> None:
    done = served.seatrial("check", "-", "--repo-name", "app", "--format", "json", token=submitter, stdin=BAD_DIFF)
    assert (done.code, done.report["verdict"]) == (1, "reject")
    assert "does not apply" in done.report["reason"]
    text = served.seatrial("run", "show", done.report["run"], token=submitter)
    assert (text.code, text.out.startswith("REJECTED")) == (0, True)


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "sarif", "junit"])
def test_a_report_reads_as_it_does_at_the_servers_machine(served: Served, submitter: str, form: str) -> None:
    run = served.seatrial("check", "-", "--repo-name", "app", "--format", "json", token=submitter, stdin=BAD_DIFF).report["run"]
    away, home = (
        served.seatrial("run", "show", run, "--format", form, token=submitter),
        served.at_home("run", "show", run, "--format", form),
    )
    assert (away.code, away.out) == (home.code, home.out)
    named = served.seatrial("run", "show", run, "--server", served.url, token=submitter)
    assert f"seatrial run show {run} --server {served.url}" in named.out


@pytest.mark.parametrize("argv", [("check", GOOD, "--repo-name", "app"), ("submit", GOOD, "--target", "app-main")])
def test_who_may_not_read_sends_nothing_that_would_go_on_unseen(idle: Served, person: str, argv: tuple[str, ...]) -> None:
    before = idle.seatrial("run", "list", "--format", "json", token=person).out
    done = idle.seatrial(*argv, token=idle.token("submit", name="blind"))
    assert (done.code, done.out) == (2, "")
    assert "the scope read" in done.err
    assert idle.seatrial("run", "list", "--format", "json", token=person).out == before


def test_a_list_of_runs_reads_as_it_does_at_the_servers_machine(served: Served, submitter: str) -> None:
    run = served.seatrial("check", "-", "--repo-name", "app", "--format", "json", token=submitter, stdin=BAD_DIFF).report["run"]
    away, home = (
        json.loads(done.out)["runs"][0]
        for done in (
            served.seatrial("run", "list", "--format", "json", token=submitter),
            served.at_home("run", "list", "--format", "json"),
        )
    )
    assert away["id"] == run
    assert away == home
    assert all(away[name] for name in ("patch_id", "policy_digest", "host"))


def test_a_base_that_the_server_does_not_have_is_a_mistake_that_says_so(served: Served, submitter: str) -> None:
    git(served.repo, "checkout", "-q", "-b", "local")
    try:
        for text in ("one\n", "two\n"):
            (served.repo / "LOCAL.md").write_text(text)
            git(served.repo, "add", "-A")
            git(served.repo, "commit", "-qm", text)
        argv = ("check", "HEAD~1..HEAD", "--repo", str(served.repo), "--repo-name", "app", "--format", "json")
        done = served.seatrial(*argv, token=submitter)
        assert (done.code, done.error["code"]) == (2, "usage"), done
        assert git(served.repo, "rev-parse", "HEAD~1").strip() in done.error["message"]
        assert "--base" in done.error["hint"]
    finally:
        git(served.repo, "checkout", "-q", "main")


def test_a_change_without_anything_in_it_is_not_sent(served: Served, submitter: str) -> None:
    done = served.seatrial("check", "main..main", "--repo", str(served.repo), "--repo-name", "app", "--format", "json", token=submitter)
    assert (done.code, done.error["code"]) == (1, "change-refused")


def test_a_socket_is_as_good_as_a_port(tmp_path: Path) -> None:
    server = Served(tmp_path)
    path = tmp_path / "s.sock"
    server.start("--no-work", "--listen", f"unix:{path}", sock=path)
    try:
        token = server.token("read", "submit")
        done = server.seatrial("submit", GOOD, "--target", "app-main", "--detach", token=token, at=f"unix:{path}")
        assert done.code == 0, done
        assert done.out.strip() in server.seatrial("run", "list", "--server", f"unix:{path}", token=token, at="").out
    finally:
        server.close()


def test_a_change_is_called_at_the_server_what_it_is_called_here(served: Served, submitter: str, tmp_path: Path) -> None:
    file = tmp_path / "odd \u202e name.diff"
    file.write_bytes(BAD_DIFF)
    done = served.seatrial("check", str(file), "--repo-name", "app", "--format", "json", token=submitter)
    assert json.loads(done.out)["change"]["head_label"] == "odd \\u202e name.diff"
    piped = served.seatrial("check", "-", "--repo-name", "app", "--format", "json", token=submitter, stdin=BAD_DIFF)
    assert json.loads(piped.out)["change"]["head_label"] == "standard input"


def test_an_unknown_name_is_refused_with_those_that_there_are(idle: Served, person: str) -> None:
    done = idle.seatrial("submit", GOOD, "--target", "app-mian", token=person)
    assert "Did you mean 'app-main'?" in done.err
    assert "This token may use: app-main" in done.err
