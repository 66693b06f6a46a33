"""`seatrial check` around a stand-in for the judging."""

import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.cli.output import _write_all
from runner.errors import ChangeRefused, EngineUnavailable, PolicyInvalid, SeatrialError, StoreUnavailable, UsageError

Command = Callable[..., Any]
CODES = {"accepted": 0, "rejected": 1, "held": 3, "failed": 4, "refused": 75}


@pytest.mark.parametrize(("ending", "code"), CODES.items())
def test_each_ending_has_its_exit_code_and_its_report(seatrial: Command, judged: Command, run_of: Command, ending: str, code: int) -> None:
    judged(run_of(ending))
    text = seatrial("check", "x.diff")
    assert (text.code, text.out.split()[0]) == (code, ending.upper())
    answer = seatrial("check", "x.diff", "--format", "json")
    assert (answer.code, answer.json["exit_code"], answer.json["schema"]) == (code, code, "seatrial.report/v1")


@pytest.mark.parametrize(("ending", "code"), [("held", 0), ("rejected", 1), ("failed", 4), ("refused", 75), ("accepted", 0)])
def test_fail_on_reject_lets_only_a_hold_through_and_the_report_says_the_same(
    seatrial: Command, judged: Command, run_of: Command, ending: str, code: int
) -> None:
    judged(run_of(ending))
    answer = seatrial("check", "x.diff", "--format", "json", "--fail-on", "reject")
    assert (answer.code, answer.json["exit_code"]) == (code, code)
    assert answer.json["verdict"] == {"held": "hold", "accepted": "accept", "rejected": "reject"}.get(ending)


def test_the_request_is_what_was_typed(seatrial: Command, judged: Command, run_of: Command) -> None:
    requests = judged(run_of("accepted"))
    seatrial("check", "topic", "--repo", "some/where", "--base", "main", "--policy", "p.yaml")
    seatrial("check", "-", stdin=b"diff \xff\n")
    seatrial("check")
    seatrial("check", "over", "--as", "overlay")
    first, second, third, fourth = requests
    assert (third.change, third.kind, third.stdin) == (None, None, None)
    assert (fourth.change, fourth.kind) == ("over", "overlay")
    assert (first.change, first.repo, first.base, first.policy, first.stdin) == ("topic", Path("some/where"), "main", Path("p.yaml"), None)
    assert (second.change, second.repo, second.stdin) == ("-", Path(), b"diff \xff\n")


def test_no_more_of_stdin_is_read_than_shows_that_it_is_too_much(
    seatrial: Command, judged: Command, run_of: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.changes import caps

    requests = judged(run_of("rejected"))
    seatrial("check", "-", stdin=b"x" * (caps.HARDEST + 1000))
    assert len(requests[0].stdin) == caps.HARDEST + 1


def test_stdout_carries_the_report_and_stderr_the_progress(seatrial: Command, judged: Command, run_of: Command) -> None:
    judged(run_of("accepted"))
    answer = seatrial("check", "x.diff")
    assert "validate" in answer.err
    assert "validate" not in answer.out
    assert seatrial("check", "x.diff", "-q").err == seatrial("-q", "check", "x.diff").err == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_answer_holds_a_line_that_a_ci_runner_would_obey(seatrial: Command, judged: Command, run_of: Command, form: str) -> None:
    from runner.model.result import Decision, Verdict

    for said in ("::set-output name=verdict::accept", "a ##[set-output name=verdict;]accept"):
        judged(run_of("held", notes=(said,), decision=Decision(verdict=Verdict.HOLD, ending=None, reason=said)))
        answer = seatrial("check", "x.diff", "--format", form)
        assert "##[" not in answer.out
        assert not [line for line in answer.out.splitlines() if line.lstrip().startswith("::")]


def test_hostile_text_reaches_no_terminal_in_any_format(seatrial: Command, judged: Command, run_of: Command) -> None:
    judged(run_of("rejected"))
    for form in ("text", "json"):
        out = seatrial("check", "x.diff", "--format", form).out
        assert [char for char in out if not char.isprintable() and char != "\n"] == []
    assert "[red]no[/red]" in seatrial("check", "x.diff").out


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [([], {}, False), (["--color", "always"], {"NO_COLOR": "1"}, True), (["--color", "never"], {}, False)],
)
def test_colours_are_for_terminals_or_on_demand(
    seatrial: Command,
    judged: Command,
    run_of: Command,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    environment: dict[str, str],
    colored: bool,
) -> None:
    judged(run_of("accepted"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in seatrial("check", "x.diff", *options).out) is colored
    assert "\x1b[" not in seatrial("check", "x.diff", "--format", "json", *options).out


def test_reports_are_written_to_files_too(seatrial: Command, judged: Command, run_of: Command, tmp_path: Path) -> None:
    judged(run_of("held"))
    answer = seatrial("check", "x.diff", "--report", f"json={tmp_path}/r.json", "--report", f"text={tmp_path}/r.txt", "--color", "always")
    assert answer.code == 3
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "hold"
    assert (tmp_path / "r.txt").read_text().startswith("HELD  x.diff")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "places") == ["r.json", "r.txt"]


def test_a_report_may_go_to_a_pipe(seatrial: Command, judged: Command, run_of: Command, tmp_path: Path) -> None:
    judged(run_of("accepted"))
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    assert seatrial("check", "x.diff", "--report", f"json={tmp_path}/pipe").code == 0
    assert json.loads(reader.communicate(timeout=10)[0])["verdict"] == "accept"


@pytest.mark.parametrize("report", ["json", "json=", "serif=x", "=x", "json=/no/such/folder/x", "json=/"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(
    seatrial: Command, judged: Command, run_of: Command, report: str
) -> None:
    requests = judged(run_of("accepted"))
    answer = seatrial("check", "x.diff", "--report", report, "--format", "json")
    assert (answer.code, answer.json["code"], requests) == (2, "usage", [])


@pytest.mark.parametrize("given", [("--format", "serif"), ("--report", "Sarif=x"), ("--report", "sarf=x")])
def test_an_unknown_format_names_the_nearest_one(seatrial: Command, judged: Command, run_of: Command, given: tuple[str, str]) -> None:
    requests = judged(run_of("accepted"))
    answer = seatrial("check", "x.diff", *given)
    assert (answer.code, requests) == (2, [])
    assert "did you mean 'sarif'?" in answer.err
    assert "text, json, markdown, github, sarif, junit" in answer.err


def test_every_format_goes_to_stdout_and_to_files_at_once(seatrial: Command, judged: Command, run_of: Command, tmp_path: Path) -> None:
    from runner.reports.formats import FORMATS

    judged(run_of("held"))
    said = {form: seatrial("check", "x.diff", "--format", form) for form in FORMATS}
    assert {answer.code for answer in said.values()} == {3}
    files = [f"--report={form}={tmp_path}/{form}" for form in FORMATS]
    assert seatrial("check", "x.diff", *files, "--fail-on", "reject").code == 0
    for form in set(FORMATS) - {"text"}:
        written = (tmp_path / form).read_text()
        assert written != said[form].out, "a hold that does not fail the command says so"
        seatrial("check", "x.diff", f"--report={form}={tmp_path}/{form}")
        assert (tmp_path / form).read_text() == said[form].out


def test_where_nothing_could_be_judged_github_still_shows_why(seatrial: Command, judged: Command) -> None:
    judged(EngineUnavailable("no engine\nanswers 100%", hint="start it"))
    answer = seatrial("check", "x.diff", "--format", "github")
    assert answer.out == "::error title=seatrial%3A engine-unavailable::no engine%0Aanswers 100%25%0Astart it\n"


def test_a_report_that_fails_at_the_end_is_no_success_but_the_answer_is_still_printed(
    seatrial: Command, judged: Command, run_of: Command
) -> None:
    judged(run_of("accepted"))
    answer = seatrial("check", "x.diff", "--report", "json=/dev/full", "--format", "json")
    assert (answer.code, answer.json["verdict"]) == (4, "accept")
    assert "the report /dev/full cannot be written: No space left on device" in answer.err


@pytest.mark.parametrize(
    ("problem", "code", "exit_code"),
    [
        (UsageError("no such base", hint="try main"), "usage", 2),
        (PolicyInvalid(("p.yaml:1:2: x", "p.yaml:3:4: y"), hint="fix"), "policy-invalid", 2),
        (ChangeRefused("does not apply"), "change-refused", 1),
        (EngineUnavailable("no docker", hint="start it"), "engine-unavailable", 4),
        (StoreUnavailable("full"), "store-unavailable", 4),
        (SeatrialError("something"), "error", 4),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "infrastructure", 4),
        (OSError(errno.EMFILE, "Too many open files"), "infrastructure", 4),
        (KeyboardInterrupt(), "interrupted", 130),
        (ValueError("oops\nmore"), "bug", 70),
        (RecursionError("deep"), "bug", 70),
    ],
)
def test_what_ends_a_check_is_one_message_and_one_exit_code(
    seatrial: Command, judged: Command, problem: BaseException, code: str, exit_code: int
) -> None:
    judged(problem)
    text = seatrial("check", "x.diff", "-q")
    assert (text.code, text.out) == (exit_code, "")
    assert text.err.startswith("seatrial: ")
    assert "Traceback" not in text.err
    answer = seatrial("check", "x.diff", "--format", "json")
    assert (answer.code, answer.json["code"], answer.json["exit_code"]) == (exit_code, code, exit_code)


def test_every_fault_of_a_policy_stands_on_a_line_that_an_editor_can_jump_to(seatrial: Command, judged: Command) -> None:
    judged(PolicyInvalid(("p.yaml:1:2: x \x1b[31m", "p.yaml:3:4: y"), hint="fix it"))
    assert seatrial("check", "x.diff", "-q").err == "seatrial: the policy has 2 faults\np.yaml:1:2: x \\x1b[31m\np.yaml:3:4: y\n  fix it\n"


def test_a_bug_leaves_a_private_log_with_the_traceback_and_the_versions(seatrial: Command, judged: Command, own_home: Path) -> None:
    judged(ValueError("oops"))
    err = seatrial("check", "x.diff", "-q").err
    (log,) = (own_home / "state" / "seatrial" / "bugs").iterdir()
    assert str(log) in err
    assert len(err.splitlines()) == 2
    text = log.read_text()
    assert "Traceback" in text
    assert "ValueError: oops" in text
    assert "seatrial 0." in text
    assert "pydantic 2." in text
    assert "'x.diff'" in text
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_bug_whose_log_cannot_be_written_is_told_whole(seatrial: Command, judged: Command, own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "state").write_text("in the way")
    judged(ValueError("oops"))
    answer = seatrial("check", "x.diff", "-q")
    assert answer.code == 70
    assert "Traceback" in answer.err


_BODY = "from conftest import a_run\nreturn a_run('rejected', notes=tuple(str(n) * 200 for n in range(5000)))"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_stops_early_leaves_no_traceback_and_the_verdict_stands(process: Command, form: str, unbuffered: str) -> None:
    check = process(_BODY, ["check", "x.diff", "-q", "--format", form], env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    check.stdout.read(10)
    check.stdout.close()
    with check.stderr:
        assert check.stderr.read() == b""
    assert check.wait(20) == 1


def test_a_stream_that_takes_only_a_part_at_a_time_gets_everything() -> None:
    class Sips:
        got = b""

        def write(self, data: bytes) -> int:
            self.got += bytes(data[:7])
            return len(data[:7])

    stream = Sips()
    _write_all(stream, b"0123456789" * 5)
    assert stream.got == b"0123456789" * 5


def test_a_report_that_does_not_fit_on_stdout_is_an_error(process: Command) -> None:
    with Path("/dev/full").open("wb") as full:
        check = process(_BODY, ["check", "x.diff", "-q"], stdout=full)
    assert b"cannot be written to stdout: No space left" in check.communicate(timeout=20)[1]
    assert check.returncode == 4


_WAITING = """
try:
    print("waiting", file=sys.stderr, flush=True)
    for _ in range(600):  # in steps: a signal that comes just before a sleep begins is only noticed after it
        time.sleep(0.1)
finally:
    print("closed", file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "terminated")],
)
def test_a_request_to_stop_closes_what_is_open_and_says_so_once(process: Command, number: int, code: int, name: str) -> None:
    check = process(_WAITING, ["check", "x.diff", "-q", "--format", "json"])
    assert check.stderr.readline() == b"waiting\n"
    check.send_signal(number)
    out, err = check.communicate(timeout=20)
    assert (check.returncode, json.loads(out)["code"], json.loads(out)["exit_code"]) == (code, name, code)
    assert err.splitlines()[0] == b"closed"
    assert len(err.splitlines()) == 2


def test_a_second_sigterm_does_not_disturb_the_cleaning_up(process: Command) -> None:
    body = _WAITING.replace('print("closed"', 'print("closing", file=sys.stderr, flush=True); time.sleep(0.5); print("closed"')
    check = process(body, ["check", "x.diff", "-q"])
    check.stderr.readline()
    check.send_signal(signal.SIGTERM)
    assert check.stderr.readline() == b"closing\n"
    check.send_signal(signal.SIGTERM)
    assert b"closed" in check.communicate(timeout=20)[1]
    assert check.returncode == 143


def test_at_whatever_moment_sigterm_comes_there_is_no_traceback(process: Command) -> None:
    for delay in (0.15, 0.2, 0.25, 0.3, 0.4):
        check = process("time.sleep(60)", ["check", "x.diff"])
        time.sleep(delay)
        check.send_signal(signal.SIGTERM)
        err = check.communicate(timeout=20)[1]
        assert check.returncode in (143, -signal.SIGTERM)
        assert b"Traceback" not in err


def test_text_that_the_terminal_cannot_encode_is_escaped(process: Command) -> None:
    check = process(
        "from conftest import a_run\nreturn a_run('accepted', notes=('日本',))",
        ["check", "x.diff"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    out, _ = check.communicate(timeout=20)
    assert check.returncode == 0
    assert b"\\u65e5\\u672c" in out


@pytest.mark.parametrize("arguments", [["check", "x.diff"], ["check", "-"], ["check", "x.diff", "--format", "json"]])
def test_streams_that_are_closed_from_the_start_are_no_bug(process: Command, arguments: list[str]) -> None:
    check = process("from conftest import a_run\nreturn a_run('held')", arguments, preexec_fn=lambda: os.closerange(0, 3))
    assert check.communicate(timeout=20) == (b"", b"")
    assert check.returncode == 3


def test_the_help_names_every_kind_and_no_other_is_taken(seatrial: Command, judged: Command, run_of: Command) -> None:
    from runner.changes.kinds import Kind

    requests = judged(run_of("accepted"))
    text = seatrial("check", "--help").out
    assert f"--as [{'|'.join(Kind)}]" in text
    assert all(f"({kind};" in text or f"({kind})" in text for kind in Kind)
    assert (seatrial("check", "x", "--as", "patch").code, requests) == (2, [])


@pytest.mark.parametrize("name", ["a\x1b]0;b", "x" * 201, "two\nlines"])
def test_an_author_is_a_short_printable_name(name: str, seatrial: Command, judged: Command, run_of: Command) -> None:
    requests = judged(run_of("accepted"))
    answer = seatrial("check", "x.diff", "--author", name)
    assert (answer.code, requests) == (2, [])
    assert "--author is a name" in answer.err


def test_gates_and_author_reach_the_run(seatrial: Command, judged: Command, run_of: Command) -> None:
    requests = judged(run_of("accepted"))
    seatrial("check", "x.diff", "--author", " ann ", "--gates", "enforce")
    assert [(request.author, request.gates) for request in requests] == [("ann", "enforce")]
