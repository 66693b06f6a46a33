"""Without a verified copy of what a target is nothing goes on."""

from pathlib import Path

from runner.errors import InfrastructureError, TargetMoved
from runner.model.result import Cause, Outcome
from runner.stages.backup import backup
from testing.havens import THEIRS, Harbour, a_run


def test_a_copy_that_was_read_back_is_noted_with_its_digest(tmp_path: Path) -> None:
    run = Harbour(tmp_path / "state").do(backup, a_run(backup=None))
    assert run.backup is not None
    assert (run.backup.id, run.backup.files, run.results[0].outcome) == ("b" * 64, 1, Outcome.PASS)


def test_a_copy_that_cannot_be_kept_is_the_machines_fault_and_there_is_no_backup(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path / "state")
    harbour.vault.problem = InfrastructureError("it does not fit", hint="prune")
    run = harbour.do(backup, a_run(backup=None))
    (answer,) = run.results
    assert (run.backup, answer.outcome, answer.cause, answer.reason) == (
        None,
        Outcome.UNKNOWN,
        Cause.INFRASTRUCTURE,
        "it does not fit (prune)",
    )


def test_a_target_that_is_another_while_it_is_copied_has_moved(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path / "state")
    harbour.vault.problem = TargetMoved("a.py is another")
    run = harbour.do(backup, a_run(backup=None))
    assert (run.backup, run.moved, run.results) == (None, "a.py is another", ())


def test_a_copy_that_failed_because_somebody_else_edits_the_target_has_moved(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path / "state")
    harbour.vault.problem = InfrastructureError("a.py is not what the tree says")
    harbour.target.tree = THEIRS
    run = harbour.do(backup, a_run(backup=None))
    assert (run.backup, run.results, "a.py" in run.moved) == (None, (), True)


def test_a_target_that_cannot_be_asked_either_is_the_machines_fault(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path / "state")
    harbour.vault.problem = InfrastructureError("it does not answer")
    harbour.target.problems["look"] = [InfrastructureError("it does not answer")]
    assert harbour.do(backup, a_run(backup=None)).results[0].outcome is Outcome.UNKNOWN
