"""What a request to submit becomes: upon which base, judged by which policy, and what is refused before anything is on file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import PolicyInvalid, UsageError
from runner.model.promotion import Promotion, Step
from runner.model.run import Command, Gates
from runner.policy.stored import restored
from runner.store.places import Places
from runner.store.promotions import SqlPromotions
from runner.store.submissions import Filed
from runner.targets.spec import parse
from runner.wiring.filing import Wanted, opened, prepare, prepare_again

GitIn = Callable[..., str]


class Quiet:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def stage(self, name: str) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)

    def tests(self, side: str, done: int, total: int | None) -> None: ...

    def probe(self, name: str, said: str) -> None: ...


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache", tmp_path / "state")


@pytest.fixture
def bare(repository: Path, tmp_path: Path, git_in: GitIn) -> Path:
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare.git"))
    return tmp_path / "bare.git"


@pytest.fixture
def patch(repository: Path, tmp_path: Path, git_in: GitIn) -> Path:
    (repository / "a.txt").write_text("one\n2\nthree\n")
    (tmp_path / "fix.diff").write_text(git_in(repository, "diff") + "\n")
    git_in(repository, "checkout", "-q", "--", ".")
    return tmp_path / "fix.diff"


def wanted(repository: Path, patch: Path, target: str, **given: Any) -> Wanted:
    return Wanted(repo=repository, change=str(patch), target=target, **given)


def test_a_submission_is_a_run_that_enforces_its_gates_with_its_whole_policy(
    repository: Path, patch: Path, bare: Path, where: Places, git_in: GitIn
) -> None:
    prepared = prepare(wanted(repository, patch, f"git:{bare}#main", author="ann", agent="bot", ticket="T-1"), where, Quiet())
    assert prepared.submission is not None
    run = prepared.submission.run
    assert (run.gates, run.command, run.target) == (Gates.ENFORCE, Command.SUBMIT, f"git:{bare}#refs/heads/main")
    assert (run.author.name, run.author.agent, run.author.ticket) == ("ann", "bot", "T-1")
    assert restored(prepared.submission.policy).digest == run.policy.digest
    assert run.change.base_commit == git_in(bare, "rev-parse", "main")
    assert json.loads(prepared.submission.model_dump_json())["target"] == f"git:{bare}#refs/heads/main"


def test_its_trees_are_there_for_any_process_without_the_repository_of_the_change(
    repository: Path, patch: Path, bare: Path, where: Places, tmp_path: Path
) -> None:
    prepared = prepare(wanted(repository, patch, f"git:{bare}#main"), where, Quiet())
    assert prepared.submission is not None
    change = prepared.submission.run.change
    patch.unlink()
    with opened(repository, parse(f"git:{bare}#main"), where.state) as objects:
        assert objects.read(change.tree, "a.txt") == b"one\n2\nthree\n"
        assert objects.read(change.base_tree, "a.txt") == b"one\ntwo\nthree\n"


def test_a_target_that_went_on_is_the_base(repository: Path, patch: Path, bare: Path, where: Places, git_in: GitIn, tmp_path: Path) -> None:
    git_in(tmp_path, "clone", "-q", str(bare), str(tmp_path / "clone"))
    (tmp_path / "clone" / "new.txt").write_text("theirs\n")
    git_in(tmp_path / "clone", "add", "-A")
    git_in(tmp_path / "clone", "commit", "-qm", "theirs")
    git_in(tmp_path / "clone", "push", "-q", "origin", "HEAD:main")
    quiet = Quiet()
    prepared = prepare(wanted(repository, patch, f"git:{bare}#main"), where, quiet)
    assert prepared.submission is not None
    assert prepared.submission.run.change.base_commit == git_in(bare, "rev-parse", "main")
    assert [file.path for file in prepared.submission.run.change.files] == ["a.txt"]
    assert any("is put upon what it holds" in note for note in quiet.notes)


def test_what_a_run_of_ours_made_of_it_already_is_that_run(
    repository: Path, patch: Path, bare: Path, where: Places, git_in: GitIn, tmp_path: Path
) -> None:
    first = prepare(wanted(repository, patch, f"git:{bare}#main"), where, Quiet()).submission
    assert first is not None
    git_in(tmp_path, "clone", "-q", str(bare), str(tmp_path / "clone"))
    git_in(tmp_path / "clone", "apply", "--index", str(patch))
    git_in(tmp_path / "clone", "commit", "-qm", "the same")
    git_in(tmp_path / "clone", "push", "-q", "origin", "HEAD:main")
    by_others = prepare(wanted(repository, patch, f"git:{bare}#main"), where, Quiet())
    assert by_others.submission is not None, "rejected on the record"
    assert by_others.submission.run.decision is not None or by_others.submission.run.results
    promotions = SqlPromotions(where.state)
    change = first.run.change
    begun = promotions.begin(
        Promotion(run=first.run.id, target=first.run.target, before=change.base_tree, after=change.tree, base="1" * 40)
    )
    promotions.step(begun, step=Step.CONFIRMED)
    assert prepare(wanted(repository, patch, f"git:{bare}#main"), where, Quiet()).live == first.run.id


def test_a_run_is_tried_again_by_the_policy_that_it_had(repository: Path, patch: Path, bare: Path, where: Places, tmp_path: Path) -> None:
    own = tmp_path / "policy.yaml"
    own.write_text("seatrial: 1\nvalidate: {paths: {deny: [b.txt]}}\n")
    first = prepare(wanted(repository, patch, f"git:{bare}#main", policy=own), where, Quiet()).submission
    assert first is not None
    own.write_text("seatrial: 1\n")
    patch.unlink()
    again = prepare_again(Filed(first, first.run, 1, None), where, Quiet()).submission
    assert again is not None
    assert (again.policy, again.run.policy, again.run.change) == (first.policy, first.run.policy, first.run.change)
    assert again.run.id != first.run.id
    assert f"run {first.run.id} tried the same" in again.run.notes
    assert again.key == first.key


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("dir:{}/none", "none"),
        ("git:{}/none#main", "none"),
        ("git:{}#main", "checked out"),
        ("main", "what kind of target"),
        ("git:{}/a.txt#main", "a.txt"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused_before_anything_is_on_file(
    repository: Path, patch: Path, where: Places, target: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        prepare(wanted(repository, patch, target.format(repository)), where, Quiet())
    assert not (where.state / "state.db").exists() or SqlPromotions(where.state).open() == ()


def test_a_policy_with_faults_is_refused(repository: Path, patch: Path, bare: Path, where: Places, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("seatrial: 1\nmonitor: {deadline: 1s, confirm_after: 2s}\n")
    with pytest.raises(PolicyInvalid, match="nothing could be confirmed"):
        prepare(wanted(repository, patch, f"git:{bare}#main", policy=tmp_path / "policy.yaml"), where, Quiet())


def test_a_change_that_cannot_be_read_is_on_file_as_one_that_is_rejected(
    repository: Path, bare: Path, where: Places, tmp_path: Path
) -> None:
    (tmp_path / "bad.diff").write_text("diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-nothing like it\n+x\n")
    prepared = prepare(wanted(repository, tmp_path / "bad.diff", f"git:{bare}#main"), where, Quiet())
    assert prepared.submission is not None
    assert (prepared.submission.run.change.tree, prepared.submission.run.results[0].outcome) == ("", "fail")


# ── by the word of a client of a server ──────────────────────────────────────────────────────────────────────────────

LAX = "seatrial: 1\nvalidate: {paths: {deny: [], hold: []}}\npreflight: {rate: []}\n"
STRICT = "seatrial: 1\nvalidate: {paths: {deny: [a.txt]}}\n"


@pytest.fixture
def forge(repository: Path, bare: Path, git_in: GitIn) -> Path:
    """A bare repository with a policy on its usual branch, and a lax one on a branch that somebody pushed."""
    for branch, policy in (("main", STRICT), ("evil", LAX)):
        git_in(repository, "checkout", "-q", *(() if branch == "main" else ("-b",)), branch)
        (repository / ".seatrial").mkdir(exist_ok=True)
        (repository / ".seatrial/policy.yaml").write_text(policy)
        git_in(repository, "add", "-A")
        git_in(repository, "commit", "-qm", branch)
        git_in(repository, "push", "-q", str(bare), branch)
    git_in(repository, "checkout", "-q", "main")
    return bare


def asked(forge: Path, patch: Path, target: str, **given: Any) -> Wanted:
    return wanted(forge, patch, target, run="ab12ab12ab12", by_client=True, **given)


@pytest.mark.parametrize("ref", ["", "#new"])
def test_the_policy_of_what_a_client_submits_is_never_that_of_the_base_that_it_names(
    forge: Path, patch: Path, where: Places, ref: str
) -> None:
    with pytest.raises(UsageError, match=r"the base evil .* is not in the history of main"):
        prepare(asked(forge, patch, f"git:{forge}{ref}", base="evil"), where, Quiet())
    for base in (None, "main", "main~1"):
        found = prepare(asked(forge, patch, f"git:{forge}{ref}", base=base), where, Quiet()).submission
        assert found is not None
        assert found.run.policy.source.startswith(".seatrial/policy.yaml of main")
        assert restored(found.policy).policy.validation.paths.deny == ("a.txt",)


def test_what_a_ref_holds_judges_what_a_client_puts_upon_it_whatever_the_base(forge: Path, patch: Path, where: Places) -> None:
    found = prepare(asked(forge, patch, f"git:{forge}#main", base="evil"), where, Quiet()).submission
    assert found is not None
    assert found.run.policy.source.startswith(".seatrial/policy.yaml of main")


def test_a_policy_of_the_operator_lets_a_client_begin_a_branch_from_any_other(
    forge: Path, patch: Path, where: Places, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(STRICT)
    found = prepare(asked(forge, patch, f"git:{forge}", base="evil", policy=tmp_path / "own.yaml"), where, Quiet()).submission
    assert found is not None
    assert "own.yaml" in found.run.policy.source


def test_the_policy_of_a_folder_is_none_that_a_client_chose_by_naming_a_base_that_fits(
    forge: Path, patch: Path, where: Places, git_in: GitIn, tmp_path: Path
) -> None:
    live = tmp_path / "live"
    git_in(tmp_path, "clone", "-q", str(forge), str(live))
    for base in ("main~1", "main"):  # the former lacks the policy, and all that it has is there
        found = prepare(asked(forge, patch, f"dir:{live}", base=base), where, Quiet()).submission
        assert found is not None
        assert restored(found.policy).policy.validation.paths.deny == ("a.txt",)
    (live / "a.txt").write_text("edited\n")
    with pytest.raises(UsageError, match="its policy is not known"):
        prepare(asked(forge, patch, f"dir:{live}"), where, Quiet())


@pytest.mark.parametrize("target", ["#main", "", "#new"])
def test_the_base_of_a_client_is_in_a_branch_or_a_tag(forge: Path, patch: Path, where: Places, git_in: GitIn, target: str) -> None:
    evil = git_in(forge, "rev-parse", "evil")
    git_in(forge, "update-ref", "refs/pull/1/head", evil)
    git_in(forge, "branch", "-D", "evil")
    for base in (evil, "refs/pull/1/head", "refs/pull/1/head~0"):
        with pytest.raises(UsageError, match="is in no branch or tag"):
            prepare(asked(forge, patch, f"git:{forge}{target}", base=base), where, Quiet())
