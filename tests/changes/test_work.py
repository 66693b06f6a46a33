"""Uncommitted work: what is in the work tree, against where the branch left its upstream; the repository is only read."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from runner.changes import caps as limits
from runner.changes import work as module
from runner.changes.caps import Caps
from runner.changes.kinds import Kind
from runner.changes.read import read_change
from runner.changes.start import start_of
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change

GitIn = Callable[..., str]
Read = Callable[..., Change]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The change of a folder's work, its trees given back as `name -> (mode, content)`."""
    count = 0

    def of(folder: Path, **given: object) -> Change:
        nonlocal count
        count += 1
        with PrivateObjects(folder, tmp_path / f"p{count}") as objects:
            change = read_change(None, objects=objects, **given)
            assert start_of(None, objects=objects, base=given.get("base")).commit == change.base_commit
            of.content = {e.path: (e.mode, objects.read(change.tree, os.fsdecode(e.path))) for e in objects.entries(change.tree)}
        return change

    return of


def paths(change: Change) -> dict[str, str]:
    return {file.path: file.status.value for file in change.files}


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path): f"{path.lstat().st_mtime_ns} {sha256(path.read_bytes()).hexdigest() if path.is_file() else ''}"
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


def test_staged_unstaged_and_untracked_work_is_the_change_and_ignored_files_are_not(repository: Path, read: Read, git_in: GitIn) -> None:
    (repository / ".gitignore").write_text("*.log\n")
    (repository / "a.txt").write_text("staged\n")
    git_in(repository, "add", "-A")
    (repository / "a.txt").write_text("staged, and changed again\n")
    (repository / "src" / "m.py").unlink()
    (repository / "src" / "new.py").write_text("x = 1\n")
    (repository / "noise.log").write_text("x")
    before = fingerprint(repository)
    change = read(repository)
    assert paths(change) == {".gitignore": "A", "a.txt": "M", "src/m.py": "D", "src/new.py": "A"}
    assert read.content[b"a.txt"] == ("100644", b"staged, and changed again\n")
    assert (change.kind, change.source, change.head_label) == ("work", "work tree", "main + uncommitted work")
    assert change.base_label == f"main ({change.base_commit[:7]})"
    assert fingerprint(repository) == before, "index, objects and files are only read"


def test_the_commits_of_the_branch_count_from_where_it_left_its_upstream(
    repository: Path, tmp_path: Path, read: Read, git_in: GitIn
) -> None:
    git_in(tmp_path, "clone", "-q", str(repository), "clone")
    clone = tmp_path / "clone"
    (repository / "a.txt").write_text("later upstream\n")
    git_in(repository, "commit", "-qam", "later")
    git_in(clone, "fetch", "-q")
    git_in(clone, "checkout", "-q", "-b", "feature", "--track", "origin/main")
    git_in(clone, "reset", "-q", "--hard", "v1.2.0")
    (clone / "run.sh").write_text("committed\n")
    git_in(clone, "commit", "-qam", "mine")
    said: list[str] = []
    change = read(clone, note=said.append)
    fork = git_in(clone, "rev-parse", "v1.2.0")
    assert (paths(change), change.base_commit) == ({"run.sh": "M"}, fork)
    assert change.head_label == f"feature ({git_in(clone, 'rev-parse', 'HEAD')[:7]})"
    assert change.base_label == f"origin/main ({fork[:7]})"
    assert said == [f"compared with where it left origin/main (the upstream of feature), at {fork[:7]}"]


@pytest.mark.parametrize(
    ("prepare", "base", "says"),
    [
        ((), "main", "only uncommitted work is judged"),
        ((("checkout", "-qb", "topic"),), "main", "topic has no upstream"),
        ((("branch", "-qm", "trunk"),), "trunk", "no other branch main or master: only uncommitted work"),
        (
            (("update-ref", "refs/remotes/origin/dev", "HEAD"), ("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/dev")),
            "origin/dev",
            "no upstream",
        ),
        ((("checkout", "-q", "--detach"),), "main", "HEAD has no upstream"),
    ],
)
def test_without_an_upstream_the_next_best_base_is_taken_and_said(
    repository: Path, read: Read, git_in: GitIn, prepare: tuple[tuple[str, ...], ...], base: str, says: str
) -> None:
    for words in prepare:
        git_in(repository, *words)
    (repository / "new.txt").write_text("x")
    said: list[str] = []
    change = read(repository, note=said.append)
    assert (change.base_label, paths(change)) == (f"{base} ({change.base_commit[:7]})", {"new.txt": "A"})
    assert says in said[0]


def test_a_tag_called_like_the_branch_does_not_hide_its_upstream(repository: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "update-ref", "refs/remotes/origin/dev", "HEAD")
    git_in(repository, "config", "remote.origin.url", "nowhere")
    git_in(repository, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    git_in(repository, "config", "branch.main.remote", "origin")
    git_in(repository, "config", "branch.main.merge", "refs/heads/dev")
    (repository / "a.txt").write_text("committed\n")
    git_in(repository, "commit", "-qam", "mine")
    git_in(repository, "tag", "main")
    change = read(repository)
    assert (paths(change), change.base_label[:10], change.head_label[:5]) == ({"a.txt": "M"}, "origin/dev", "main ")


def test_a_branch_on_main_is_not_compared_with_itself_because_of_a_tag(repository: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "update-ref", "refs/heads/master", "HEAD")
    (repository / "a.txt").write_text("committed\n")
    git_in(repository, "commit", "-qam", "mine")
    git_in(repository, "tag", "main")
    assert paths(read(repository)) == {"a.txt": "M"}


def test_an_upstream_whose_name_is_not_utf_8_is_a_base_like_others(repository: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "update-ref", os.fsdecode(b"refs/remotes/origin/caf\xe9"), "HEAD")
    git_in(repository, "symbolic-ref", "refs/remotes/origin/HEAD", os.fsdecode(b"refs/remotes/origin/caf\xe9"))
    git_in(repository, "checkout", "-qb", "topic")
    (repository / "a.txt").write_text("mine\n")
    said: list[str] = []
    change = read(repository, note=said.append)
    assert change.base_label == f"origin/caf\\xe9 ({change.base_commit[:7]})"
    assert "origin/caf\\xe9" in said[0]
    assert change.model_dump_json().isascii()


def test_a_base_that_is_named_is_left_where_the_branch_left_it(repository: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "checkout", "-qb", "topic")
    (repository / "a.txt").write_text("topic\n")
    git_in(repository, "commit", "-qam", "topic")
    git_in(repository, "checkout", "-q", "main")
    (repository / "run.sh").write_text("main went on\n")
    git_in(repository, "commit", "-qam", "main")
    git_in(repository, "checkout", "-q", "topic")
    assert paths(read(repository, base="main")) == {"a.txt": "M"}
    with pytest.raises(UsageError, match="nothing to judge: 'topic'"):
        read(repository, base="HEAD")
    with pytest.raises(UsageError, match="no revision 'nowhere'"):
        read(repository, base="nowhere")


def test_nothing_changed_is_a_usage_error_that_says_what_to_do(repository: Path, read: Read) -> None:
    (repository / "a.txt").touch()
    with pytest.raises(UsageError, match=r"nothing to judge: 'main' and its work tree do not differ from main \(\w{7}\)") as refused:
        read(repository)
    assert "--base" in refused.value.hint


def test_a_subdirectory_and_a_linked_work_tree_are_judged_whole(repository: Path, tmp_path: Path, read: Read, git_in: GitIn) -> None:
    (repository / "a.txt").write_text("x\n")
    (repository / "untracked").write_text("x\n")
    assert paths(read(repository / "src")) == {"a.txt": "M", "untracked": "A"}
    git_in(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    (tmp_path / "tree" / "run.sh").unlink()
    change = read(tmp_path / "tree")
    assert (paths(change), change.head_label) == ({"run.sh": "D"}, "side + uncommitted work")


def test_a_bare_repository_and_one_without_a_commit_say_so(repository: Path, tmp_path: Path, read: Read, git_in: GitIn) -> None:
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    for folder in (tmp_path / "bare.git", repository / ".git"):
        with pytest.raises(UsageError, match="no work tree"):
            read(folder)
    git_in(tmp_path, "init", "-q", "fresh")
    with pytest.raises(UsageError, match="no commit yet"):
        read(tmp_path / "fresh")


def test_a_shallow_clone_whose_history_ends_too_early_says_so(repository: Path, tmp_path: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "checkout", "-qb", "topic")
    (repository / "a.txt").write_text("x\n")
    git_in(repository, "commit", "-qam", "x")
    git_in(tmp_path, "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    with pytest.raises(UsageError, match="no commit in common with origin/main") as refused:
        read(shallow, base="origin/main")
    assert "fetch more" in refused.value.hint


def test_an_unresolved_merge_is_refused(repository: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "checkout", "-qb", "side")
    (repository / "a.txt").write_text("side\n")
    git_in(repository, "commit", "-qam", "side")
    git_in(repository, "checkout", "-q", "main")
    (repository / "a.txt").write_text("main\n")
    git_in(repository, "commit", "-qam", "main")
    with pytest.raises(Exception, match="merge"):
        git_in(repository, "merge", "-q", "side")
    with pytest.raises(UsageError, match=r"not resolved: 'a\.txt'"):
        read(repository)


def test_a_change_of_the_same_size_at_the_same_time_is_seen(repository: Path, read: Read, git_in: GitIn) -> None:
    before = (repository / "a.txt").stat()
    (repository / "a.txt").write_text("ONE\ntwo\nthree\n")
    os.utime(repository / "a.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert paths(read(repository)) == {"a.txt": "M"}


def test_a_file_that_git_has_seen_equal_is_not_read(repository: Path, read: Read, git_in: GitIn, monkeypatch: pytest.MonkeyPatch) -> None:
    read_too: list[bytes] = []
    original = module.Folder.read
    monkeypatch.setattr(module.Folder, "read", lambda self, name: read_too.append(name) or original(self, name))
    later = (repository / "a.txt").stat().st_mtime + 10
    os.utime(repository / ".git" / "index", (later, later))
    (repository / "new").write_text("x")
    read(repository)
    assert read_too == [b"new"]


@pytest.mark.parametrize(
    "attributes", ["* text=auto\n", "* text eol=crlf\n", "*.txt filter=evil\n", "*.txt ident working-tree-encoding=UTF-16\n"]
)
def test_bytes_are_taken_as_they_stand_and_no_filter_runs(
    repository: Path, tmp_path: Path, read: Read, git_in: GitIn, attributes: str
) -> None:
    (repository / ".gitattributes").write_text(attributes)
    git_in(repository, "config", "core.autocrlf", "true")
    git_in(repository, "config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    git_in(repository, "config", "filter.evil.required", "true")
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
        (repository / ".git" / "hooks" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (repository / ".git" / "hooks" / name).chmod(0o755)
    git_in(repository, "config", "core.fsmonitor", str(repository / ".git" / "hooks" / "fsmonitor-watchman"))
    (repository / "a.txt").write_bytes(b"one\r\n$Id$ two\r\nlast")
    (repository / "run.sh").write_bytes(b"#!/bin/sh\r\necho hello\r\n")
    said: list[str] = []
    read(repository, note=said.append)
    assert read.content[b"a.txt"] == ("100644", b"one\r\n$Id$ two\r\nlast")
    assert read.content[b"run.sh"] == ("100755", b"#!/bin/sh\r\necho hello\r\n")
    assert [text for text in said if "Windows" in text] == [
        "'run.sh' differs only by its Windows line endings; it was taken as it is on disk"
    ]
    assert not (tmp_path / "ran").exists()


def test_links_are_recorded_and_never_followed(repository: Path, tmp_path: Path, read: Read) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "m.py").write_text("secret")
    (repository / "src" / "m.py").unlink()
    (repository / "src").rmdir()
    (repository / "src").symlink_to(secret)
    (repository / "a.txt").unlink()
    (repository / "a.txt").symlink_to(secret / "m.py")
    (repository / "fresh").symlink_to("/etc/passwd")
    change = read(repository)
    assert paths(change) == {"a.txt": "T", "fresh": "A", "src": "A", "src/m.py": "D"}
    assert read.content[b"fresh"] == ("120000", b"/etc/passwd")
    assert read.content[b"a.txt"] == ("120000", os.fsencode(secret / "m.py"))
    assert not any(content == b"secret" for _, content in read.content.values())


def test_files_become_directories_and_directories_files(repository: Path, read: Read) -> None:
    (repository / "a.txt").unlink()
    (repository / "a.txt").mkdir()
    (repository / "a.txt" / "below").write_text("x")
    (repository / "src" / "m.py").unlink()
    (repository / "src").rmdir()
    (repository / "src").write_text("a file now")
    assert paths(read(repository)) == {"a.txt": "D", "a.txt/below": "A", "src": "A", "src/m.py": "D"}


@pytest.mark.timeout(60)
def test_pipes_are_not_waited_for_and_repositories_inside_are_left_out(repository: Path, read: Read, git_in: GitIn) -> None:
    os.mkfifo(repository / "pipe")
    (repository / "a.txt").unlink()
    os.mkfifo(repository / "a.txt")
    git_in(repository, "init", "-q", "inner")
    (repository / "inner" / "x").write_text("x")
    said: list[str] = []
    assert paths(read(repository, note=said.append)) == {"a.txt": "D"}
    assert "'inner/' is a repository of its own; it was left out" in said
    assert "'a.txt' is neither a file nor a link any more; it counts as deleted" in said


def test_a_submodule_is_taken_as_it_is_staged(repository: Path, tmp_path: Path, read: Read, git_in: GitIn) -> None:
    git_in(tmp_path, "clone", "-q", str(repository), "other")
    git_in(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    (repository / "sub" / "a.txt").write_text("dirty in the submodule")
    said: list[str] = []
    assert paths(read(repository, note=said.append)) == {".gitmodules": "A", "sub": "A"}
    assert any("submodule 'sub' is taken as it is staged" in text for text in said)


def test_names_that_are_not_utf8_and_empty_files_are_exact(repository: Path, read: Read, git_in: GitIn) -> None:
    (repository / "caf\udce9.txt").write_bytes(b"latin")
    (repository / "empty").touch()
    git_in(repository, "add", "-N", "empty")
    assert paths(read(repository)) == {"caf\\xe9.txt": "A", "empty": "A"}
    assert (read.content[b"caf\xe9.txt"], read.content[b"empty"]) == (("100644", b"latin"), ("100644", b""))


def test_what_git_was_told_to_overlook_is_as_the_index_has_it(repository: Path, read: Read, git_in: GitIn) -> None:
    git_in(repository, "update-index", "--assume-unchanged", "a.txt")
    git_in(repository, "update-index", "--skip-worktree", "src/m.py")
    (repository / "a.txt").write_text("only here")
    (repository / "src" / "m.py").unlink()
    git_in(repository, "config", "core.fileMode", "false")
    (repository / "run.sh").chmod(0o644)
    (repository / "new").write_text("x")
    assert paths(read(repository)) == {"new": "A"}


def test_the_users_own_ignore_file_counts(repository: Path, tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config" / "git").mkdir(parents=True)
    (tmp_path / "config" / "git" / "ignore").write_text(".idea/\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (repository / ".idea").mkdir()
    (repository / ".idea" / "x.xml").write_text("x")
    (repository / "new").write_text("x")
    assert paths(read(repository)) == {"new": "A"}


def test_what_is_too_much_is_refused_before_it_is_read(repository: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    with (repository / "core.dump").open("wb") as huge:
        huge.truncate(limits.HARDEST + 1)
    with monkeypatch.context() as patch:
        patch.setattr(module.Folder, "read", lambda self, name: pytest.fail(f"{name!r} was read"))
        with pytest.raises(ChangeRefused, match=r"'core\.dump' is 64MiB|may hold 64MiB") as refused:
            read(repository)
    assert ".gitignore" in refused.value.hint
    (repository / "core.dump").unlink()
    for number in range(12):
        (repository / f"f{number}").write_text("x" * 200)
    with pytest.raises(ChangeRefused, match="12 untracked files"):
        read(repository, limits=Caps(max_files=10))
    with pytest.raises(ChangeRefused, match="larger than 1KiB"):
        read(repository, limits=Caps(max_patch=1024))
    monkeypatch.setattr(module, "HARDEST", 1000)
    with pytest.raises(ChangeRefused, match="changed files may hold"):
        read(repository)


def test_a_large_tracked_file_that_did_not_change_is_no_matter(
    repository: Path, read: Read, git_in: GitIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "large").write_bytes(b"x" * 5000)
    git_in(repository, "add", "large")
    git_in(repository, "commit", "-qm", "large")
    (repository / "large").touch()
    (repository / "new").write_text("x")
    monkeypatch.setattr(module, "HARDEST", 1000)
    assert paths(read(repository)) == {"new": "A"}
    (repository / "large").write_bytes(b"y" * 5000)
    with pytest.raises(ChangeRefused, match="'large' is"):
        read(repository)


def test_work_takes_no_change_and_the_other_kinds_need_one(objects: PrivateObjects) -> None:
    with pytest.raises(UsageError, match="takes no CHANGE"):
        read_change("main", objects=objects, kind=Kind.WORK)
    with pytest.raises(UsageError, match="needs a CHANGE"):
        read_change(None, objects=objects, kind=Kind.DIFF)


def test_a_repository_with_longer_ids_works_the_same(tmp_path: Path, read: Read, git_in: GitIn) -> None:
    git_in(tmp_path, "init", "-q", "--object-format=sha256", "long")
    (tmp_path / "long" / "a").write_text("x")
    git_in(tmp_path / "long", "add", "-A")
    git_in(tmp_path / "long", "commit", "-qm", "one")
    (tmp_path / "long" / "a").write_text("y")
    assert paths(read(tmp_path / "long")) == {"a": "M"}
    assert read.content[b"a"] == ("100644", b"y")


def test_three_dots_start_where_the_two_sides_parted(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    git_in(repository, "checkout", "-qb", "topic")
    (repository / "a.txt").write_text("topic\n")
    git_in(repository, "commit", "-qam", "topic")
    git_in(repository, "checkout", "-q", "main")
    (repository / "run.sh").write_text("main went on\n")
    git_in(repository, "commit", "-qam", "main")
    git_in(repository, "checkout", "-q", "--orphan", "alone")
    git_in(repository, "commit", "-qm", "alone")
    git_in(repository, "checkout", "-q", "main")
    with PrivateObjects(repository, tmp_path / "p") as objects:
        change = read_change("main...topic", objects=objects)
        fork, tip = objects.resolve("v1.2.0"), objects.resolve("topic")
        assert (change.base_commit, paths(change), change.base_label) == (fork, {"a.txt": "M"}, f"main ({fork[:7]})")
        assert (change.kind, change.head_label) == ("range", f"topic ({tip[:7]})")
        assert start_of("main...topic", objects=objects, base=None).commit == fork
        assert paths(read_change("...topic", objects=objects)) == {"a.txt": "M"}
        assert paths(read_change("topic...", objects=objects)) == {"run.sh": "M"}
        assert paths(read_change("main..topic", objects=objects)) == {"a.txt": "M", "run.sh": "M"}
        with pytest.raises(UsageError, match="no commit in common"):
            read_change("main...alone", objects=objects)
