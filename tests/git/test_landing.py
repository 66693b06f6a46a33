import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import Fenced, InfrastructureError, TargetMoved, UsageError
from runner.git import landing as module
from runner.git.landing import WHO, Fence, Landing, allowed
from runner.git.objects import PrivateObjects
from testing.refs import hooked

GitIn = Callable[..., str]
REF = "refs/heads/main"
FENCE = Fence("r1", 1)


@pytest.fixture
def bare(repository: Path, tmp_path: Path, git_in: GitIn) -> Path:
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    return tmp_path / "bare.git"


@pytest.fixture
def landing(bare: Path, tmp_path: Path) -> Landing:
    (tmp_path / "ours" / "home").mkdir(parents=True)
    landing = Landing(bare, tmp_path / "ours" / "home")
    landing.claim(FENCE)
    return landing


def a_commit(objects: PrivateObjects, parent: str, said: str = "ours") -> str:
    tree = objects.rewrite(objects.tree_of(parent), {b"a.txt": None})
    return objects.commit(tree, parent, said, who=WHO, when=1_700_000_000)


def test_a_repository_is_called_the_same_from_all_its_work_trees(repository: Path, bare: Path, tmp_path: Path, git_in: GitIn) -> None:
    git_in(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    (tmp_path / "alias").symlink_to(repository)
    home = tmp_path / "home"
    home.mkdir()
    assert {Landing(path, home).root for path in (repository, tmp_path / "linked", tmp_path / "alias", repository / ".git")} == {repository}
    assert Landing(bare, home).root == bare
    for inside in (repository / "src", repository / ".git" / "objects"):
        with pytest.raises(UsageError, match="not its top"):
            Landing(inside, home)
    with pytest.raises(UsageError):
        Landing(tmp_path / "nowhere", home)


def test_a_ref_is_read_afresh_and_only_by_its_full_name(landing: Landing, bare: Path, git_in: GitIn) -> None:
    first = landing.at(REF)
    assert first is not None
    git_in(bare, "update-ref", "refs/heads/refs/heads/other", first.commit)
    git_in(bare, "update-ref", "refs/heads/other/below", first.commit)
    assert landing.at("refs/heads/other") is None
    git_in(bare, "update-ref", "-d", REF)
    assert landing.at(REF) is None


def test_what_is_no_commit_of_its_own_is_refused(landing: Landing, bare: Path, git_in: GitIn) -> None:
    git_in(bare, "tag", "-a", "-m", "x", "annotated", REF)
    git_in(bare, "symbolic-ref", "refs/heads/alias", REF)
    git_in(bare, "symbolic-ref", "refs/heads/dangling", "refs/heads/nowhere")
    with pytest.raises(UsageError, match="is a tag"):
        landing.at("refs/tags/annotated")
    with pytest.raises(UsageError, match="only stands for"):
        landing.at("refs/heads/alias")
    assert landing.symbolic("refs/heads/dangling") == "refs/heads/nowhere"
    (bare / "refs" / "heads" / "broken").write_text("no id\n")
    with pytest.raises(InfrastructureError, match="damaged"):
        landing.at("refs/heads/broken")


def test_a_name_that_another_ref_makes_impossible_is_found(landing: Landing) -> None:
    assert landing.in_the_way("refs/heads/main/below") == REF
    assert landing.in_the_way("refs/heads/free") == ""
    assert landing.in_the_way(REF) == ""


def test_only_names_that_git_allows_are_allowed() -> None:
    assert allowed("refs/heads/a/b")
    assert not any(map(allowed, ("refs/heads/a..b", "refs/heads/", "refs/heads/.a", "-x", "")))


def test_a_fence_lets_only_the_last_owner_move(landing: Landing, objects: PrivateObjects) -> None:
    tip = landing.at(REF)
    assert tip is not None
    new = a_commit(objects, tip.commit)
    landing.receive(objects.packed(new, (tip.commit,)), FENCE)
    later = Fence("r1", 12)
    landing.claim(later)
    landing.claim(later)
    for attempt in (lambda: landing.claim(FENCE), lambda: landing.move(REF, tip.commit, new, FENCE, "x"), lambda: landing.release(FENCE)):
        with pytest.raises(Fenced):
            attempt()
    assert landing.at(REF) == tip
    landing.move(REF, tip.commit, new, later, "x")
    landing.release(later)
    assert not landing.git.run("for-each-ref", "refs/seatrial").out
    with pytest.raises(Fenced):
        landing.move(REF, new, tip.commit, later, "x")


def test_the_fence_is_in_the_same_transaction_as_the_move(
    landing: Landing, objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = landing.at(REF)
    assert tip is not None
    new = a_commit(objects, tip.commit)
    landing.receive(objects.packed(new, (tip.commit,)), FENCE)
    looked = landing.symbolic

    def overtaken(ref: str) -> str:
        """Somebody takes over after the last look at the fence."""
        landing.claim(Fence("r1", 2))
        return looked(ref)

    monkeypatch.setattr(landing, "symbolic", overtaken)
    with pytest.raises(Fenced):
        landing.move(REF, tip.commit, new, FENCE, "x")
    assert landing.at(REF) == tip


def test_a_ref_that_is_elsewhere_is_not_moved(landing: Landing, objects: PrivateObjects, bare: Path, git_in: GitIn) -> None:
    tip = landing.at(REF)
    assert tip is not None
    new = a_commit(objects, tip.commit)
    landing.receive(objects.packed(new, (tip.commit,)), FENCE)
    for ref, old in ((REF, ""), (REF, new), ("refs/heads/absent", tip.commit)):
        with pytest.raises(TargetMoved):
            landing.move(ref, old, new, FENCE, "x")
    git_in(bare, "symbolic-ref", "refs/heads/alias", REF)
    with pytest.raises(TargetMoved, match="become a name"):
        landing.move("refs/heads/alias", tip.commit, new, FENCE, "x")
    assert git_in(bare, "symbolic-ref", "refs/heads/alias") == REF
    assert landing.at(REF) == tip
    landing.move("refs/heads/absent", "", new, FENCE, "x")
    landing.move("refs/heads/absent", new, "", FENCE, "x")
    assert landing.at("refs/heads/absent") is None


def test_a_lock_that_somebody_left_is_named(landing: Landing, objects: PrivateObjects, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tip = landing.at(REF)
    assert tip is not None
    lock = bare / "refs" / "heads" / "main.lock"
    lock.write_text("")
    with pytest.raises(InfrastructureError, match=r"main\.lock") as refused:
        landing.move(REF, tip.commit, a_commit(objects, tip.commit), FENCE, "x")
    assert f"rm '{lock}'" in refused.value.hint
    assert landing.at(REF) == tip


def test_a_move_is_logged(landing: Landing, objects: PrivateObjects, bare: Path, git_in: GitIn) -> None:
    tip = landing.at(REF)
    assert tip is not None
    new = a_commit(objects, tip.commit)
    landing.receive(objects.packed(new, (tip.commit,)), FENCE)
    landing.move(REF, tip.commit, new, FENCE, "seatrial: run r1")
    assert "seatrial: run r1" in git_in(bare, "reflog", "show", REF)
    assert not (bare / "logs" / "refs" / "seatrial").exists()


def test_objects_come_in_whole_without_a_link_to_our_store(landing: Landing, objects: PrivateObjects, bare: Path, git_in: GitIn) -> None:
    tip = landing.at(REF)
    assert tip is not None
    new = a_commit(objects, tip.commit)
    assert not landing.complete(new, tip.commit)
    landing.receive(objects.packed(new, (tip.commit,)), FENCE)
    assert landing.complete(new, tip.commit)
    assert landing.complete(new)
    assert not (bare / "objects" / "info" / "alternates").exists()
    assert not list((bare / "objects").glob("tmp_*"))
    git_in(bare, "fsck", "--full")


@pytest.mark.parametrize("at", ["git.objects.sent", "git.objects.synced"])
def test_what_fails_on_its_way_in_leaves_nothing_behind(landing: Landing, objects: PrivateObjects, bare: Path, at: str) -> None:
    tip = landing.at(REF)
    assert tip is not None

    def full(name: str) -> None:
        if name == at:
            raise OSError(28, "no space")

    with hooked(full), pytest.raises(OSError, match="no space"):
        landing.receive(objects.packed(a_commit(objects, tip.commit), (tip.commit,)), FENCE)
    assert not list((bare / "objects").glob("tmp_*"))


def test_a_pack_that_breaks_off_is_not_taken(landing: Landing, objects: PrivateObjects, bare: Path) -> None:
    tip = landing.at(REF)
    assert tip is not None
    whole = b"".join(objects.packed(a_commit(objects, tip.commit), (tip.commit,)))
    packs = sorted((bare / "objects" / "pack").iterdir())
    for broken in (whole[:-7], b"", b"no pack", whole[:40] + b"\0" + whole[41:]):
        with pytest.raises(InfrastructureError, match="cannot take the objects"):
            landing.receive((broken,), FENCE)
    assert sorted((bare / "objects" / "pack").iterdir()) == packs
    assert not list((bare / "objects").glob("tmp_*"))


def test_sweeping_takes_only_what_this_owner_or_an_earlier_one_left(landing: Landing, bare: Path) -> None:
    names = [f"tmp_objdir-seatrial-{name}" for name in ("r1-1", "r1-2", "r1-3", "r10-1", "r1-x")]
    for name in names:
        (bare / "objects" / name / "pack").mkdir(parents=True)
    landing.sweep(Fence("r1", 2))
    assert sorted(p.name for p in (bare / "objects").glob("tmp_*")) == sorted(names[2:])


def test_the_commits_that_a_ref_leads_to_are_held(landing: Landing, objects: PrivateObjects) -> None:
    tip = landing.at(REF)
    assert tip is not None
    new = a_commit(objects, tip.commit)
    assert landing.holds(tip.commit)
    assert not landing.holds(new)
    landing.receive(objects.packed(new, (tip.commit,)), FENCE)
    assert not landing.holds(new), "it lies there, and nothing keeps what belongs to it"
    assert landing.descends(new, tip.commit)
    assert not landing.descends(tip.commit, new)
    assert not landing.descends(tip.commit, "")


def test_objects_and_refs_are_synced_before_they_have_their_names(repository: Path, bare: Path, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("NOT RUN, it needs strace")
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from runner.git.landing import WHO, Fence, Landing
        from runner.git.objects import PrivateObjects
        source, bare, private = map(Path, sys.argv[1:])
        with PrivateObjects(source, private, others=(bare,)) as objects:
            landing, fence = Landing(bare, objects.home), Fence("r1", 1)
            landing.claim(fence)
            tip = landing.at("refs/heads/main")
            tree = objects.rewrite(tip.tree, {b"a.txt": None})
            new = objects.commit(tree, tip.commit, "x", who=WHO, when=1)
            landing.receive(objects.packed(new, (tip.commit,)), fence)
            landing.move("refs/heads/main", tip.commit, new, fence, "x")
    """)
    log = tmp_path / "calls"
    traced = [strace, "-f", "-y", "-o", str(log), "-e", "trace=fsync,fdatasync,rename,renameat,renameat2,link"]
    done = subprocess.run(
        [*traced, sys.executable, "-c", program, str(repository), str(bare), str(tmp_path / "p")],
        cwd=Path(module.__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    if b"ptrace" in done.stderr:
        pytest.skip("NOT RUN, nothing may be traced here")
    assert done.returncode == 0, done.stderr
    calls = [line.split(None, 1)[1] for line in log.read_text().splitlines()]

    def first(*words: str, after: int = -1) -> int:
        return next(at for at, call in enumerate(calls) if at > after and all(word in call for word in words))

    for suffix in (".pack", ".idx"):
        named = first("rename", f"{suffix}", str(bare / "objects" / "pack"))
        assert any("sync(" in call and "objdir" in call for call in calls[:named])
        assert first("fsync", f"<{bare}/objects/pack>", after=named)
    moved = first("rename", "refs/heads/main.lock")
    assert first("fsync", "refs/heads/main.lock") < moved
    assert first("fsync", f"<{bare}/refs/heads>", after=moved)
    fenced = first("rename", "refs/seatrial/fence/r1.lock")
    assert first("fsync", "refs/seatrial/fence/r1.lock") < fenced < moved
