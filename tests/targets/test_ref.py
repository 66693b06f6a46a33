import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.errors import Fenced, InfrastructureError, TargetMoved, UsageError
from runner.git.objects import PrivateObjects
from runner.git.trees import Entry
from runner.model.promotion import Place, Promotion, Step
from runner.targets.ref import RefTarget
from runner.targets.spec import Spec
from testing.refs import REF, World, hooked, in_a_child, killed_at, world

GitIn = Callable[..., str]


@pytest.fixture(params=["bare", "sha256"])
def bare(request: pytest.FixtureRequest, repository: Path, tmp_path: Path, git_in: GitIn) -> Iterator[World]:
    """A bare repository; the kinds of digest share all tests that ask for this."""
    source = repository
    if request.param == "sha256":
        source = tmp_path / "source"
        source.mkdir()
        git_in(source, "init", "-q", "--object-format=sha256")
        for name in ("a.txt", "run.sh"):
            (source / name).write_bytes((repository / name).read_bytes())
        git_in(source, "add", "-A")
        git_in(source, "commit", "-qm", "first")
    git_in(tmp_path, "clone", "-q", "--bare", str(source), "target.git")
    with world(git_in, source, tmp_path / "target.git", tmp_path / "private") as made:
        yield made


@pytest.fixture
def plain(repository: Path, tmp_path: Path, git_in: GitIn) -> Iterator[World]:
    """A bare repository with the usual digests."""
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), "target.git")
    with world(git_in, repository, tmp_path / "target.git", tmp_path / "private") as made:
        yield made


@pytest.fixture
def checked_out(repository: Path, tmp_path: Path, git_in: GitIn) -> Iterator[World]:
    """The repository of the change itself, whose work tree has the ref checked out."""
    with world(git_in, repository, repository, tmp_path / "private") as made:
        yield made


ALONG = {"worktree": "update_if_clean"}


def promoted(w: World, run: str = "r1", **policy: object) -> Promotion:
    target = w.target(**policy)
    prepared = target.prepare(w.promotion(run), w.objects).model_copy(update={"step": Step.PREPARED})
    target.swap(prepared, w.objects)
    return prepared.model_copy(update={"step": Step.PROMOTED})


def taken_over(promotion: Promotion, **changes: object) -> Promotion:
    return promotion.model_copy(update={"fence": promotion.fence + 1, **changes})


def files(folder: Path) -> dict[str, bytes]:
    found = (p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts and not p.is_symlink())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


# Looking


def test_it_is_called_by_its_repository_and_full_ref(bare: World) -> None:
    target = bare.target()
    assert (target.kind, target.key) == ("git", f"git:{bare.path}#{REF}")
    with pytest.raises(UsageError):
        RefTarget(Spec("git", bare.path / "nowhere", REF), bare.objects, target._options)


def test_it_holds_the_tree_of_its_ref_as_it_is_now(bare: World) -> None:
    target = bare.target()
    look = target.look(bare.objects, (bare.before,))
    assert (look.tree, look.commit, look.absent, look.reason) == (bare.before, bare.base, False, "")
    theirs = bare.commit({"b.txt": b"theirs\n"})
    look = target.look(bare.objects, (bare.before,))
    assert (look.tree, look.commit) == (bare.objects.tree_of(theirs), theirs)
    assert theirs[:12] in look.reason
    bare.git("update-ref", "-d", REF)
    look = target.look(bare.objects, (bare.before, bare.after))
    assert (look.tree, look.commit, look.absent) == (bare.before, "", True)


def test_what_it_holds_is_listed_folders_first(checked_out: World) -> None:
    w = checked_out
    found = {item.path: (item.kind, item.mode, item.read()) for item in w.target().items(w.objects, w.before)}
    assert found == {
        b"a.txt": ("file", 0o644, b"one\ntwo\nthree\n"),
        b"link": ("link", 0, b"src"),
        b"run.sh": ("file", 0o755, b"#!/bin/sh\necho hello\n"),
        b"src": ("folder", 0o755, b""),
        b"src/m.py": ("file", 0o644, b"def f(x):\n    return x + 1\n"),
    }
    assert list(found).index(b"src") < list(found).index(b"src/m.py")


# Going there and back


def test_a_change_lands_and_is_taken_back(bare: World) -> None:
    target = bare.target()
    assert target.obstacle(bare.objects, bare.before, bare.after) == ""
    promotion = promoted(bare)
    assert promotion.method == "ref"
    assert promotion.details["old"] == bare.base
    assert bare.at == promotion.details["new"]
    assert bare.git("rev-parse", f"{REF}^") == bare.base
    assert bare.git("rev-parse", f"{REF}^{{tree}}") == bare.after
    assert bare.git("log", "-1", "--format=%an|%ae|%cn|%at|%ct|%B", REF) == (
        "seatrial|seatrial@localhost|seatrial|1700000000|1700000000|Land it\n\nSeatrial-Run: r1"
    )
    assert target.verify(promotion, bare.objects, bare.after) == ""
    assert "holds tree" in target.verify(promotion, bare.objects, bare.before)
    assert target.recover(promotion, bare.objects).place is Place.NEW
    standing = target.take_back(promotion, bare.objects)
    assert (standing.place, standing.tree) == (Place.OLD, bare.before)
    assert bare.at == bare.base
    assert target.verify(promotion, bare.objects, bare.before) == ""
    assert target.take_back(promotion, bare.objects).place is Place.OLD, "again"
    target.tidy(promotion, bare.objects)
    assert bare.git("for-each-ref", "refs/seatrial") == ""
    assert bare.leftovers() == []
    bare.git("fsck", "--full", "--strict")
    assert not (bare.path / "objects" / "info" / "alternates").exists()


def test_the_same_promotion_makes_the_same_commit_whoever_makes_it(plain: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target = plain.target()
    first = target.prepare(plain.promotion(), plain.objects)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    plain.git("config", "commit.gpgSign", "true")
    plain.git("config", "i18n.commitEncoding", "latin1")
    again = target.prepare(taken_over(plain.promotion()), plain.objects)
    assert again.details == first.details
    other = target.prepare(plain.promotion("r2", message="Land it\n\nSeatrial-Run: r2\n"), plain.objects)
    assert other.details["new"] != first.details["new"]


def test_a_message_may_be_anything(plain: World) -> None:
    prepared = plain.target().prepare(plain.promotion(message="ünï \udcff \0 \x1b\ntree 123\n"), plain.objects)
    assert plain.git("log", "-1", "--format=%B", prepared.details["new"]).startswith("ünï \\udcff \\0 ")


def test_a_ref_that_is_not_there_is_made_and_removed(bare: World) -> None:
    bare.ref = "refs/heads/seatrial/r1"
    target = bare.target()
    assert target.look(bare.objects, (bare.before,)).tree == bare.before
    assert target.obstacle(bare.objects, bare.before, bare.after) == ""
    promotion = promoted(bare)
    assert bare.git("rev-parse", f"{bare.ref}^") == bare.base
    assert target.verify(promotion, bare.objects, bare.after) == ""
    standing = target.take_back(promotion, bare.objects)
    assert (standing.place, standing.tree) == (Place.OLD, bare.before)
    assert bare.at == ""
    assert target.verify(promotion, bare.objects, bare.before) == ""


def test_history_is_brought_along_where_the_repository_has_none_of_it(plain: World, tmp_path: Path) -> None:
    plain.git_in(tmp_path, "init", "-q", "--bare", "empty.git")
    with world(plain.git_in, plain.source, tmp_path / "empty.git", tmp_path / "p2") as w:
        promotion = promoted(w)
        assert w.git("rev-list", "--count", REF) == "2"
        assert w.target().verify(promotion, w.objects, w.after) == ""
        assert w.target().take_back(promotion, w.objects).place is Place.OLD
        assert w.at == ""
        w.git("fsck", "--full")


def test_a_shallow_repository_can_be_a_target(plain: World, tmp_path: Path) -> None:
    (plain.source / "a.txt").write_text("more\n")
    plain.git_in(plain.source, "commit", "-qam", "second")
    plain.git_in(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{plain.source}", "shallow.git")
    with world(plain.git_in, plain.source, tmp_path / "shallow.git", tmp_path / "p2") as w:
        promotion = promoted(w)
        assert w.target().verify(promotion, w.objects, w.after) == ""
        w.git("fsck", "--full")


def test_a_shallow_clone_cannot_bring_history_that_it_lacks(plain: World, tmp_path: Path) -> None:
    (plain.source / "a.txt").write_text("more\n")
    plain.git_in(plain.source, "commit", "-qam", "second")
    plain.git_in(tmp_path, "clone", "-q", "--depth=1", f"file://{plain.source}", "shallow")
    plain.git_in(tmp_path, "init", "-q", "--bare", "empty.git")
    with world(plain.git_in, tmp_path / "shallow", tmp_path / "empty.git", tmp_path / "p2") as w:
        with pytest.raises(InfrastructureError, match="pack") as refused:
            w.target().prepare(w.promotion(), w.objects)
        assert "unshallow" in refused.value.hint
        assert w.leftovers() == []


def test_a_target_whose_digests_are_of_another_kind_is_refused(plain: World, tmp_path: Path) -> None:
    plain.git_in(tmp_path, "init", "-q", "--bare", "--object-format=sha256", "other.git")
    with pytest.raises(UsageError, match="sha256"), PrivateObjects(plain.source, tmp_path / "p2", others=(tmp_path / "other.git",)):
        pass
    plain.path = tmp_path / "other.git"
    assert "another kind" in plain.target().obstacle(plain.objects, plain.before, plain.after)


# Others


def test_a_ref_that_moved_before_the_step_is_left_alone(bare: World) -> None:
    target = bare.target()
    prepared = target.prepare(bare.promotion(), bare.objects).model_copy(update={"step": Step.PREPARED})
    theirs = bare.commit({"b.txt": b"theirs\n"})
    with pytest.raises(TargetMoved):
        target.swap(prepared, bare.objects)
    assert bare.at == theirs
    assert target.recover(taken_over(prepared), bare.objects).place is Place.OTHER
    assert bare.at == theirs
    with pytest.raises(TargetMoved):
        target.prepare(taken_over(bare.promotion(), fence=3), bare.objects)


def test_of_many_at_once_exactly_one_lands(plain: World) -> None:
    for turn in range(10):
        prepared = []
        tip = plain.at
        tree = plain.objects.tree_of(tip)
        for number in range(4):
            after = plain.objects.rewrite(tree, {b"n": Entry("100644", plain.objects.write_blob(f"{turn} {number}".encode()))})
            intent = plain.promotion(f"r{turn}-{number}", before=tree, after=after, base=tip)
            prepared.append(plain.target().prepare(intent, plain.objects))
        begin = time.monotonic() + 0.05

        def race(promotion: Promotion, begin: float = begin) -> Callable[[], None]:
            def work() -> None:
                while time.monotonic() < begin:
                    pass
                try:
                    plain.target().swap(promotion, plain.objects)
                except TargetMoved:
                    os._exit(3)

            return work

        children = [in_a_child(race(promotion)) for promotion in prepared]
        ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert sorted(ends) == [0, 3, 3, 3]
        winner = prepared[ends.index(0)]
        assert plain.at == winner.details["new"]
        places = [plain.target().recover(taken_over(one, step=Step.PREPARED), plain.objects).place for one in prepared]
        assert places.count(Place.NEW) == 1
        assert places[ends.index(0)] is Place.NEW
    assert plain.leftovers() == []


def test_work_that_others_put_on_top_is_kept_when_the_change_is_taken_back(bare: World) -> None:
    promotion = promoted(bare)
    bare.commit({"b.txt": b"theirs\n"})
    theirs = bare.commit({"new/their.txt": b"theirs\n"})
    target = bare.target()
    standing = target.recover(taken_over(promotion), bare.objects)
    assert (standing.place, standing.tree) == (Place.NEW, bare.objects.tree_of(theirs))
    assert "built upon" in standing.reason
    promotion = taken_over(promotion, step=Step.TAKING_BACK)
    standing = target.take_back(promotion, bare.objects)
    assert standing.place is Place.OLD
    assert "keeps their work" in standing.reason
    assert bare.git("rev-parse", f"{REF}^") == theirs
    assert bare.git("show", f"{REF}:b.txt") == "theirs"
    assert bare.git("diff", "--name-only", bare.base, REF) == "b.txt\nnew/their.txt"
    assert f"Seatrial-Reverts: {promotion.details['new']}" in bare.git("log", "-1", "--format=%B", REF)
    for tree in (standing.tree, bare.before):
        assert target.verify(promotion, bare.objects, tree) == ""
    head = bare.at
    assert target.take_back(promotion, bare.objects).place is Place.OLD
    assert bare.at == head, "it is undone once"
    assert target.recover(taken_over(promotion), bare.objects).place is Place.OLD
    bare.git("fsck", "--full")


def test_a_file_that_others_went_on_with_elsewhere_is_undone_in_place(plain: World) -> None:
    lines = [f"line {n}" for n in range(60)]
    plain.commit({"long.txt": "\n".join(lines).encode() + b"\n"})
    tip, tree = plain.at, plain.objects.tree_of(plain.at)
    bad = "\n".join([*lines[:5], "bad", *lines[6:]]).encode() + b"\n"
    after = plain.objects.rewrite(tree, {b"long.txt": Entry("100644", plain.objects.write_blob(bad))})
    target = plain.target()
    promotion = target.prepare(plain.promotion(before=tree, after=after, base=tip), plain.objects)
    target.swap(promotion, plain.objects)
    plain.commit({"long.txt": bad + b"their line\n"})
    promotion = promotion.model_copy(update={"step": Step.TAKING_BACK})
    assert target.take_back(promotion, plain.objects).place is Place.OLD
    assert plain.git("show", f"{REF}:long.txt").split("\n") == [*lines, "their line"]
    assert target.verify(promotion, plain.objects, plain.objects.tree_of(plain.at)) == ""
    head = plain.at
    assert target.recover(taken_over(promotion), plain.objects).place is Place.OLD
    assert target.take_back(taken_over(promotion), plain.objects).place is Place.OLD
    assert plain.at == head


def test_where_others_changed_the_same_lines_a_person_must_undo_it(bare: World) -> None:
    promotion = promoted(bare)
    theirs = bare.commit({"a.txt": b"one\ntheirs\nthree\n"})
    standing = bare.target().take_back(promotion, bare.objects)
    assert standing.place is Place.OTHER
    assert f"git revert {promotion.details['new'][:12]}" in standing.reason
    assert bare.at == theirs


def test_a_file_of_others_below_a_folder_of_the_change_is_not_lost(plain: World) -> None:
    folder = plain.objects.rewrite(plain.before, {b"a.txt": None})
    folder = plain.objects.rewrite(folder, {b"a.txt/inner": Entry("100644", plain.objects.write_blob(b"x"))})
    target = plain.target()
    promotion = target.prepare(plain.promotion(after=folder), plain.objects)
    target.swap(promotion, plain.objects)
    theirs = plain.commit({"a.txt/their": b"theirs"})
    assert target.take_back(promotion, plain.objects).place is Place.OTHER
    assert plain.at == theirs


def test_a_forged_word_that_it_was_undone_is_not_believed(plain: World) -> None:
    promotion = promoted(plain)
    said = f"x\n\nSeatrial-Reverts: {promotion.details['new']}"
    forged = plain.git("commit-tree", "-m", said, "-p", plain.at, f"{REF}^{{tree}}")
    plain.git("update-ref", REF, forged)
    target = plain.target()
    assert target.recover(taken_over(promotion), plain.objects).place is Place.NEW
    assert target.take_back(taken_over(promotion), plain.objects).place is Place.OLD
    assert plain.git("rev-parse", f"{REF}^{{tree}}") == plain.before


@pytest.mark.parametrize("how", ["elsewhere", "gone", "tag", "name"])
def test_a_ref_that_somebody_put_elsewhere_is_left_to_a_person(plain: World, how: str) -> None:
    promotion = promoted(plain)
    if how == "elsewhere":
        plain.git("update-ref", REF, plain.commit({"b.txt": b"theirs\n"}, parent=plain.base))
    elif how == "gone":
        plain.git("update-ref", "-d", REF)
    elif how == "name":
        plain.git("update-ref", "refs/heads/other", plain.base)
        plain.git("symbolic-ref", REF, "refs/heads/other")
    else:
        plain.git("update-ref", "-d", REF)
        plain.git("symbolic-ref", REF, "refs/tags/v1.2.0")
    before = plain.git("for-each-ref")
    for standing in (
        plain.target().recover(taken_over(promotion), plain.objects),
        plain.target().take_back(taken_over(promotion, step=Step.TAKING_BACK), plain.objects),
    ):
        assert standing.place is Place.OTHER
        assert "git revert" in standing.reason
        assert standing.tree == ""
    assert plain.git("for-each-ref", "refs/heads", "refs/tags") == "\n".join(
        line for line in before.split("\n") if "refs/seatrial" not in line
    )
    assert plain.target().verify(promotion, plain.objects, plain.after) != ""


# Obstacles


@pytest.mark.parametrize(("ref", "says"), [("refs/heads/alias", "only stands for"), ("refs/heads/main/below", "beside")])
def test_a_ref_that_cannot_be_moved_or_made_is_an_obstacle(plain: World, ref: str, says: str) -> None:
    plain.git("symbolic-ref", "refs/heads/alias", REF)
    plain.ref = ref
    assert says in plain.target().obstacle(plain.objects, plain.before, plain.after)


def test_a_ref_that_is_checked_out_is_an_obstacle(checked_out: World, tmp_path: Path) -> None:
    w = checked_out
    assert "checked out" in w.target().obstacle(w.objects, w.before, w.after)
    assert w.target(**ALONG).obstacle(w.objects, w.before, w.after) == ""
    w.git("checkout", "-q", "--detach")
    assert w.target().obstacle(w.objects, w.before, w.after) == ""
    w.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
    assert str(tmp_path / "linked") in w.target().obstacle(w.objects, w.before, w.after)
    w.ref = "refs/heads/free"
    assert w.target().obstacle(w.objects, w.before, w.after) == ""
    w.git("symbolic-ref", "HEAD", "refs/heads/unborn")
    w.ref = "refs/heads/unborn"
    assert "no commit yet" in w.target(**ALONG).obstacle(w.objects, w.before, w.after)


def test_a_ref_that_is_checked_out_after_the_preparation_is_not_moved(plain: World, tmp_path: Path) -> None:
    prepared = plain.target().prepare(plain.promotion(), plain.objects)
    plain.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
    with pytest.raises(TargetMoved, match="checked out"):
        plain.target().swap(prepared, plain.objects)
    assert plain.at == plain.base


def _sparse(folder: Path) -> None:
    with (folder / ".git" / "config").open("a") as file:
        file.write("[core]\n\tsparseCheckout = true\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "src" / "m.py").write_text("edited"), "uncommitted"),
        (lambda f: (f / "run.sh").unlink(), "uncommitted"),
        (lambda f: ((f / "new").mkdir(), (f / "new" / "file.txt").write_text("mine")), "in the way"),
        (lambda f: (f / "new").write_text("mine"), ""),
        (lambda f: (f / ".git" / "info" / "attributes").write_text("a.txt filter=lfs\n"), "filter"),
        (_sparse, "sparse"),
    ],
)
def test_a_work_tree_that_cannot_follow_is_an_obstacle(checked_out: World, spoil: Callable[[Path], object], says: str) -> None:
    w = checked_out
    prepared = w.target(**ALONG).prepare(w.promotion(), w.objects)
    spoil(w.path)
    before = files(w.path)
    why = w.target(**ALONG).obstacle(w.objects, w.before, w.after)
    assert why
    assert says in why
    with pytest.raises(TargetMoved):
        w.target(**ALONG).swap(prepared, w.objects)
    assert w.at == w.base
    assert files(w.path) == before


def test_an_edit_that_git_was_told_not_to_look_at_is_not_lost(checked_out: World) -> None:
    w = checked_out
    w.git("update-index", "--assume-unchanged", "a.txt")
    (w.path / "a.txt").write_text("edited")
    assert "in the way: a.txt" in w.target(**ALONG).obstacle(w.objects, w.before, w.after)


# The work tree


def test_a_clean_work_tree_follows_there_and_back(checked_out: World) -> None:
    w = checked_out
    (w.path / "untracked.txt").write_text("mine")
    before = files(w.path)
    promotion = promoted(w, **ALONG)
    assert w.git("status", "--porcelain") == "?? untracked.txt"
    assert (w.path / "a.txt").read_text() == "one\n2\nthree\n"
    assert (w.path / "new" / "file.txt").stat().st_mode & stat.S_IXUSR
    assert not (w.path / "run.sh").exists()
    target = w.target(**ALONG)
    assert target.verify(promotion, w.objects, w.after) == ""
    (w.path / "a.txt").write_text("edited")
    assert "a.txt" in target.verify(promotion, w.objects, w.after)
    standing = target.take_back(promotion, w.objects)
    assert standing.place is Place.OTHER
    assert "edited" in standing.reason
    assert w.at == promotion.details["new"]
    w.git("checkout", "-q", "a.txt")
    (w.path / "src" / "m.py").write_text("edited meanwhile")
    before["src/m.py"] = b"edited meanwhile"
    assert target.take_back(promotion, w.objects).place is Place.OLD
    assert files(w.path) == before
    assert w.git("status", "--porcelain") == "M src/m.py\n?? untracked.txt"
    assert target.verify(promotion, w.objects, w.before) == ""


def test_a_file_that_somebody_cut_off_or_removed_is_an_edit_like_any_other(checked_out: World) -> None:
    w = checked_out
    promotion = promoted(w, **ALONG)
    (w.path / "a.txt").write_bytes(b"one\n")
    (w.path / "new" / "file.txt").unlink()
    before = files(w.path)
    assert w.target(**ALONG).take_back(promotion, w.objects).place is Place.OTHER
    assert files(w.path) == before


def test_a_work_tree_follows_a_commit_that_undoes(checked_out: World) -> None:
    w = checked_out
    promotion = promoted(w, **ALONG)
    (w.path / "b.txt").write_text("theirs\n")
    w.git("add", "-A")
    w.git("commit", "-qm", "theirs")
    assert w.target(**ALONG).take_back(promotion, w.objects).place is Place.OLD
    assert w.git("status", "--porcelain") == ""
    assert files(w.path)["a.txt"] == b"one\ntwo\nthree\n"
    assert files(w.path)["b.txt"] == b"theirs\n"


def test_an_edit_made_while_the_ref_moves_puts_it_back(checked_out: World) -> None:
    w = checked_out
    target = w.target(**ALONG)
    prepared = target.prepare(w.promotion(), w.objects)

    def edit(name: str) -> None:
        if name == "git.ref.after":
            (w.path / "a.txt").write_text("edited")

    with hooked(edit), pytest.raises(TargetMoved, match="edited"):
        target.swap(prepared, w.objects)
    assert w.at == w.base
    assert w.git("status", "--porcelain") == "M a.txt"
    assert (w.path / "a.txt").read_text() == "edited"
    assert (w.path / "run.sh").exists()


def test_what_a_killed_git_left_half_written_is_finished(checked_out: World) -> None:
    w = checked_out
    target = w.target(**ALONG)
    prepared = target.prepare(w.promotion(), w.objects).model_copy(update={"step": Step.PREPARED})
    assert killed_at("git.tree.before", lambda: target.swap(prepared, w.objects))
    (w.path / "a.txt").write_bytes(b"one\n2")
    (w.path / "run.sh").unlink()
    (w.path / "new").mkdir()
    (w.path / "new" / "file.txt").write_bytes(b"new\n")
    (w.path / "new" / "file.txt").chmod(0o755)
    assert target.recover(taken_over(prepared), w.objects).place is Place.NEW
    assert w.git("status", "--porcelain") == ""
    assert target.verify(prepared, w.objects, w.after) == ""


def test_an_index_that_is_locked_puts_the_ref_back_and_names_the_lock(checked_out: World) -> None:
    w = checked_out
    target = w.target(**ALONG)
    prepared = target.prepare(w.promotion(), w.objects)
    lock = w.path / ".git" / "index.lock"
    before = files(w.path)

    def locked(name: str) -> None:
        if name == "git.ref.after":
            lock.write_text("")

    with hooked(locked), pytest.raises(InfrastructureError, match=r"index\.lock") as refused:
        target.swap(prepared, w.objects)
    assert str(lock) in refused.value.hint
    assert w.at == w.base
    assert files(w.path) == before


# Nobody else's programs


def test_no_hook_or_filter_of_the_repository_ever_runs(checked_out: World, tmp_path: Path) -> None:
    w = checked_out
    trace = tmp_path / "ran"
    program = f"#!/bin/sh\necho $0 >> {trace}\ncat\n"
    hooks = w.path / ".git" / "hooks"
    names = (
        "pre-receive update post-receive post-update reference-transaction post-checkout post-index-change pre-push pre-commit fsmonitor"
    )
    for name in names.split():
        (hooks / name).write_text(program)
        (hooks / name).chmod(0o755)
    script = tmp_path / "program"
    script.write_text(program)
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "filter.evil=x.smudge",
        "filter.evil=x.clean",
        "filter.evil=x.process",
        "core.sshCommand",
        "diff.external",
    ):
        w.git("config", key, str(script))
    w.git("config", "core.hooksPath", str(hooks))
    w.git("config", "filter.evil=x.required", "true")
    (w.path / ".git" / "info" / "attributes").write_text("src/* filter=evil=x diff=evil=x\n")
    os.utime(w.path / "src" / "m.py", (1, 1))
    target = w.target(**ALONG)
    assert target.obstacle(w.objects, w.before, w.after) == ""
    promotion = promoted(w, **ALONG)
    assert target.verify(promotion, w.objects, w.after) == ""
    assert target.recover(taken_over(promotion), w.objects).place is Place.NEW
    promotion = taken_over(promotion)
    assert target.take_back(promotion, w.objects).place is Place.OLD
    target.tidy(promotion, w.objects)
    assert not trace.exists(), trace.read_text()


# Whatever dies on the way


MARKERS = (
    "git.commit.made",
    "git.objects.sent",
    "git.objects.synced",
    "git.ref.before",
    "git.ref.after",
    "git.tree.before",
    "git.tree.after",
    "git.push.before",
    "git.push.after",
    "git.back.before",
    "git.back.after",
)


def with_remote(w: World, tmp_path: Path) -> tuple[Path, dict[str, object]]:
    w.git_in(tmp_path, "clone", "-q", "--bare", str(w.source), "remote.git")
    w.git("remote", "add", "up", str(tmp_path / "remote.git"))
    return tmp_path / "remote.git", {**ALONG, "push": {"remote": "up"}}


@pytest.mark.parametrize("marker", MARKERS[:9])
def test_a_promotion_that_dies_on_the_way_ends_old_or_new(checked_out: World, tmp_path: Path, marker: str) -> None:
    w = checked_out
    remote, policy = with_remote(w, tmp_path)
    target = w.target(**policy)
    promotion = w.promotion()
    if MARKERS.index(marker) < 3:
        assert killed_at(marker, lambda: target.prepare(promotion, w.objects) and None)
    else:
        promotion = target.prepare(promotion, w.objects).model_copy(update={"step": Step.PREPARED})
        assert killed_at(marker, lambda: target.swap(promotion, w.objects))
    for fence in (2, 3):
        promotion = promotion.model_copy(update={"fence": fence})
        standing = target.recover(promotion, w.objects)
        expected = Place.OLD if MARKERS.index(marker) < 4 else Place.NEW
        assert standing.place is expected
        assert w.at == (w.base if expected is Place.OLD else promotion.details["new"])
        assert w.git_in(remote, "rev-parse", REF) == w.at
        assert w.git("status", "--porcelain") == ""
        assert target.verify(promotion, w.objects, standing.tree) == ""
        assert w.leftovers() == []
    target.tidy(promotion, w.objects)
    assert w.git("for-each-ref", "refs/seatrial") == ""
    w.git("fsck", "--full")


@pytest.mark.parametrize("on_top", [False, True])
@pytest.mark.parametrize(
    "marker", ["git.push.before", "git.push.after", "git.back.before", "git.back.after", "git.tree.before", "git.tree.after"]
)
def test_taking_back_that_dies_on_the_way_is_finished(checked_out: World, tmp_path: Path, marker: str, *, on_top: bool) -> None:
    w = checked_out
    remote, policy = with_remote(w, tmp_path)
    promotion = promoted(w, **policy).model_copy(update={"step": Step.TAKING_BACK})
    if on_top:
        (w.path / "b.txt").write_text("theirs\n")
        w.git("add", "-A")
        w.git("commit", "-qm", "theirs")
    target = w.target(**policy)
    assert killed_at(marker, lambda: target.take_back(promotion, w.objects) and None)
    promotion = taken_over(promotion)
    target.recover(promotion, w.objects)
    standing = target.take_back(promotion, w.objects)
    assert standing.place is Place.OLD
    assert target.verify(promotion, w.objects, standing.tree) == ""
    assert target.verify(promotion, w.objects, w.before) == ""
    assert w.git("status", "--porcelain") == ""
    assert w.git("diff", "--name-only", w.base, REF) == ("b.txt" if on_top else "")
    assert w.git("rev-list", "--count", REF) == ("4" if on_top else "1")
    assert w.git_in(remote, "rev-parse", REF) == w.base
    assert w.leftovers() == []


@pytest.mark.parametrize("marker", MARKERS[:9])
def test_a_disk_that_fails_on_the_way_is_the_machines_fault(checked_out: World, tmp_path: Path, marker: str) -> None:
    w = checked_out
    _, policy = with_remote(w, tmp_path)
    target = w.target(**policy)
    prepared = w.promotion()

    def broken(name: str) -> None:
        if name == marker:
            raise OSError(5, "Input/output error")

    with hooked(broken), pytest.raises(InfrastructureError) as refused:  # noqa: PT012
        prepared = target.prepare(prepared, w.objects).model_copy(update={"step": Step.PREPARED})
        target.swap(prepared, w.objects)
    assert refused.value.hint
    standing = target.recover(taken_over(prepared), w.objects)
    assert standing.place is not Place.OTHER
    assert target.verify(prepared, w.objects, standing.tree) == ""
    assert w.leftovers() == []


@pytest.mark.parametrize("ending", ["taken over", "others"])
def test_who_was_frozen_before_the_step_does_nothing_when_it_thaws(plain: World, ending: str) -> None:
    target = plain.target()
    prepared = target.prepare(plain.promotion(), plain.objects).model_copy(update={"step": Step.PREPARED})

    def work() -> None:
        try:
            target.swap(prepared, plain.objects)
        except (Fenced, TargetMoved):
            os._exit(3)

    child = in_a_child(work, lambda name: os.kill(os.getpid(), signal.SIGSTOP) if name == "git.ref.before" else None)
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    if ending == "taken over":
        over = taken_over(prepared)
        assert target.recover(over, plain.objects).place is Place.OLD
        target.tidy(over, plain.objects)
    else:
        plain.commit({"b.txt": b"theirs\n"})
    at = plain.at
    os.kill(child, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert plain.at == at
    assert plain.leftovers() == []


@pytest.mark.parametrize(("marker", "pushes"), [("git.ref.after", 2), ("git.push.before", 4)])
def test_who_was_frozen_before_the_push_leaves_nothing_that_was_taken_back(plain: World, tmp_path: Path, marker: str, pushes: int) -> None:
    remote, policy = with_remote(plain, tmp_path)
    (remote / "hooks" / "post-receive").write_text(f"#!/bin/sh\ncat >> {tmp_path}/pushes\n")
    (remote / "hooks" / "post-receive").chmod(0o755)
    target = plain.target(**policy)
    prepared = target.prepare(plain.promotion(), plain.objects).model_copy(update={"step": Step.PREPARED})
    child = in_a_child(
        lambda: target.swap(prepared, plain.objects),
        lambda name: os.kill(os.getpid(), signal.SIGSTOP) if name == marker else None,
    )
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    over = taken_over(prepared)
    assert target.recover(over, plain.objects).place is Place.NEW
    assert target.take_back(over.model_copy(update={"step": Step.TAKING_BACK}), plain.objects).place is Place.OLD
    target.tidy(over, plain.objects)
    os.kill(child, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert plain.git_in(remote, "rev-parse", REF) == plain.at == plain.base
    assert len((tmp_path / "pushes").read_text().splitlines()) == pushes


# Pushing


def test_a_promoted_ref_is_pushed_and_pushed_back(plain: World, tmp_path: Path) -> None:
    remote, policy = with_remote(plain, tmp_path)
    target = plain.target(**policy)
    assert target.obstacle(plain.objects, plain.before, plain.after) == ""
    promotion = promoted(plain, **policy)
    assert plain.git_in(remote, "rev-parse", REF) == plain.at == promotion.details["new"]
    assert target.take_back(promotion, plain.objects).place is Place.OLD
    assert plain.git_in(remote, "rev-parse", REF) == plain.at == plain.base


def test_a_ref_that_is_new_to_the_remote_is_made_and_removed_there(plain: World, tmp_path: Path) -> None:
    remote, policy = with_remote(plain, tmp_path)
    plain.ref = "refs/heads/seatrial/r1"
    promotion = promoted(plain, **policy)
    assert plain.git_in(remote, "rev-parse", plain.ref) == promotion.details["new"]
    assert plain.target(**policy).take_back(promotion, plain.objects).place is Place.OLD
    assert plain.git_in(remote, "for-each-ref", plain.ref) == ""


def test_a_lost_lease_puts_the_ref_back(plain: World, tmp_path: Path) -> None:
    remote, policy = with_remote(plain, tmp_path)
    target = plain.target(**policy)
    prepared = target.prepare(plain.promotion(), plain.objects)
    plain.git_in(remote, "update-ref", REF, plain.git_in(remote, "commit-tree", "-m", "theirs", "-p", REF, f"{REF}^{{tree}}"))
    theirs = plain.git_in(remote, "rev-parse", REF)
    assert "at the remote" in target.obstacle(plain.objects, plain.before, plain.after)
    with pytest.raises(TargetMoved, match="remote"):
        target.swap(prepared, plain.objects)
    assert plain.at == plain.base
    assert plain.git_in(remote, "rev-parse", REF) == theirs


def test_a_remote_that_refuses_puts_the_ref_back(plain: World, tmp_path: Path) -> None:
    remote, policy = with_remote(plain, tmp_path)
    (remote / "hooks" / "pre-receive").write_text("#!/bin/sh\necho no such thing\nexit 1\n")
    (remote / "hooks" / "pre-receive").chmod(0o755)
    prepared = plain.target(**policy).prepare(plain.promotion(), plain.objects)
    with pytest.raises(InfrastructureError, match="declined"):
        plain.target(**policy).swap(prepared, plain.objects)
    assert plain.at == plain.base


def test_a_remote_that_others_went_on_from_is_left_to_a_person(plain: World, tmp_path: Path) -> None:
    remote, policy = with_remote(plain, tmp_path)
    promotion = promoted(plain, **policy)
    plain.git_in(remote, "update-ref", REF, plain.git_in(remote, "commit-tree", "-m", "theirs", "-p", REF, f"{REF}^{{tree}}"))
    standing = plain.target(**policy).take_back(promotion, plain.objects)
    assert standing.place is Place.OTHER
    assert plain.at == promotion.details["new"]


def test_what_others_pushed_on_top_is_undone_there_too(plain: World, tmp_path: Path) -> None:
    remote, policy = with_remote(plain, tmp_path)
    promotion = promoted(plain, **policy)
    plain.commit({"b.txt": b"theirs\n"})
    plain.git("push", "-q", "up", REF)
    assert plain.target(**policy).take_back(promotion, plain.objects).place is Place.OLD
    assert plain.git_in(remote, "rev-parse", REF) == plain.at
    assert plain.git_in(remote, "diff", "--name-only", plain.base, REF) == "b.txt"


def test_a_remote_is_reached_by_no_other_protocol_and_asked_no_question(plain: World, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    plain.git("config", "protocol.ext.allow", "always")
    for remote in (
        f"ext::sh -c touch% {trace}",
        f"--upload-pack=touch {trace}",
        "git://localhost/x",
        "http://127.0.0.1:9/x",
        str(tmp_path / "no"),
    ):
        with pytest.raises((InfrastructureError, UsageError)):
            plain.target(push={"remote": remote}).obstacle(plain.objects, plain.before, plain.after)
    assert not trace.exists()
