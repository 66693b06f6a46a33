"""Submissions: on file before anything happens, carried on by any process, answered by people."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.model.result import Decision
from runner.model.run import Command, Run
from runner.model.submission import Answer, StoredPolicy, Submission
from runner.store.audit import AuditLog
from runner.store.runs import SqlRuns
from runner.store.submissions import SqlSubmissions

Make = Callable[..., Run]
POLICY = StoredPolicy(values={}, source="x", digest="d" * 64)


def a_submission(run: Run, target: str = "dir:/srv/app") -> Submission:
    return Submission(run=run.with_(command=Command.SUBMIT, target=target), policy=POLICY, target=target)


@pytest.fixture
def submissions(tmp_path: Path, any_database: str) -> SqlSubmissions:
    return SqlSubmissions(tmp_path / "state")


@pytest.fixture
def runs(tmp_path: Path) -> SqlRuns:
    return SqlRuns(tmp_path / "state")


def test_what_is_on_file_is_read_back_as_it_was(submissions: SqlSubmissions, run_of: Make, tmp_path: Path) -> None:
    submission = a_submission(run_of())
    assert submissions.file(submission) == submission.run.id
    filed = SqlSubmissions(tmp_path / "state").load(submission.run.id)
    assert (filed.submission, filed.run, filed.leg, filed.expires) == (submission, submission.run, 1, None)


def test_the_same_twice_is_one_run_until_that_has_ended(
    submissions: SqlSubmissions, runs: SqlRuns, run_of: Make, accepted: Decision
) -> None:
    assert submissions.file(a_submission(run_of("a" * 12))) == "a" * 12
    assert submissions.file(a_submission(run_of("b" * 12))) == "a" * 12
    assert submissions.file(a_submission(run_of("c" * 12), "dir:/srv/other")) == "c" * 12
    runs.finish(a_submission(run_of("a" * 12, accepted)).run, "{}", {})
    assert submissions.file(a_submission(run_of("d" * 12))) == "d" * 12


def test_of_the_same_filed_at_once_by_many_there_is_one(tmp_path: Path, any_database: str, run_of: Make) -> None:
    SqlSubmissions(tmp_path / "state").file(a_submission(run_of("e" * 12), "dir:/elsewhere"))

    def file(number: int) -> str:
        return SqlSubmissions(tmp_path / "state").file(a_submission(run_of(f"{number:012x}")))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(file, range(16)))) == 1


def test_a_submitted_run_is_not_ended_because_its_process_died(submissions: SqlSubmissions, runs: SqlRuns, run_of: Make) -> None:
    submissions.file(a_submission(run_of()))
    assert runs.show("latest").state == "running"
    assert [run for run, _ in submissions.running()] == ["abc123abc123"]


def test_a_held_run_sets_out_again_once(submissions: SqlSubmissions, runs: SqlRuns, run_of: Make, held: Decision) -> None:
    run = a_submission(run_of(decision=held)).run
    submissions.file(a_submission(run_of()))
    submissions.keep(run, "trial")
    submissions.hold(run, 3600)
    runs.finish(run, "{}", {})
    assert (runs.show("latest").state, submissions.expired()) == ("held", ())
    assert submissions.set_out(run.id, 1) == 2
    with pytest.raises(UsageError, match="moved on"):
        submissions.set_out(run.id, 1)
    assert (runs.show("latest").state, submissions.load(run.id).expires) == ("running", None)


def test_a_hold_ends_when_its_time_is_up(submissions: SqlSubmissions, runs: SqlRuns, run_of: Make, held: Decision) -> None:
    run = a_submission(run_of(decision=held)).run
    submissions.file(a_submission(run_of()))
    submissions.hold(run, -1.0)
    runs.finish(run, "{}", {})
    assert submissions.expired() == ((run.id, 1),)


def test_an_approval_counts_for_its_patch_and_policy_only(submissions: SqlSubmissions, run_of: Make) -> None:
    submission = a_submission(run_of())
    submissions.file(submission)
    run = submission.run
    bound = {"patch_id": run.change.patch_id, "policy_digest": run.policy.digest}
    approval = Answer(run=run.id, answer="approve", who="alice", reason="seen", checks=("paths", "own"), **bound)
    assert submissions.set_out(run.id, 1, answer=approval) == 2
    denial = Answer(run=run.id, answer="deny", who="bob", reason="no", checks=("tests",), **bound)
    assert submissions.set_out(run.id, 2, wish="deny", answer=denial) == 3
    assert submissions.approved(run) == ("paths", "own")
    other = run.change.model_copy(update={"patch_id": "0" * 40})
    assert submissions.approved(run.with_(change=other)) == ()
    assert submissions.approved(run.with_(policy=run.policy.model_copy(update={"digest": "0" * 64}))) == ()


def test_an_answer_that_comes_too_late_is_not_written_down(submissions: SqlSubmissions, run_of: Make, tmp_path: Path) -> None:
    submission = a_submission(run_of())
    submissions.file(submission)
    submissions.set_out(submission.run.id, 1, wish="expire")
    bound = {"patch_id": submission.run.change.patch_id, "policy_digest": submission.run.policy.digest}
    late = Answer(run=submission.run.id, answer="approve", who="alice", reason="seen", checks=("paths",), **bound)
    with pytest.raises(UsageError, match="moved on"):
        submissions.set_out(submission.run.id, 1, answer=late)
    assert submissions.approved(submission.run) == ()
    assert "run.approved" not in [entry.kind for entry in AuditLog(tmp_path / "state").newest(10)]


def test_a_confirmation_does_not_undo_what_somebody_asked_for(submissions: SqlSubmissions, run_of: Make) -> None:
    submission = a_submission(run_of())
    submissions.file(submission)
    submissions.wish(submission.run.id, "confirm")
    submissions.wish(submission.run.id, "cancel", "alice", "wrong branch")
    with pytest.raises(UsageError, match="cancel"):
        submissions.wish(submission.run.id, "confirm", "app", "self-test passed")
    assert submissions.wished(submission.run.id) == "cancel"


def test_what_people_ask_and_answer_is_in_the_audit_log(submissions: SqlSubmissions, run_of: Make, tmp_path: Path) -> None:
    submission = a_submission(run_of())
    submissions.file(submission)
    submissions.wish(submission.run.id, "cancel", "alice", "wrong branch")
    assert submissions.wished(submission.run.id) == "cancel"
    newest, first = AuditLog(tmp_path / "state").newest(5, subject=submission.run.id)
    assert (newest.kind, newest.body) == ("run.cancel", {"who": "alice", "reason": "wrong branch"})
    assert (first.kind, first.body["target"]) == ("run.began", "dir:/srv/app")


def test_a_check_has_no_target_to_go_on_to(submissions: SqlSubmissions, runs: SqlRuns, run_of: Make, accepted: Decision) -> None:
    runs.finish(run_of(decision=accepted), "{}", {})
    with pytest.raises(UsageError, match="was checked, not submitted"):
        submissions.load("abc123abc123")


def test_what_ended_may_be_confirmed_whatever_was_asked_for_before(
    submissions: SqlSubmissions, runs: SqlRuns, run_of: Make, accepted: Decision
) -> None:
    submissions.file(a_submission(run_of("a" * 12)))
    submissions.wish("a" * 12, "rollback")
    runs.finish(a_submission(run_of("a" * 12, accepted)).run, "{}", {})
    submissions.wish("a" * 12, "confirm")
    assert submissions.wished("a" * 12) == "confirm"
