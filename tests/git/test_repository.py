import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.git.repository import open_repository, version_of

GitIn = Callable[..., str]


def test_a_folder_that_is_no_repository_is_a_usage_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not in a git repository") as refused:
        PrivateObjects(tmp_path, tmp_path / "private")
    assert "--repo" in refused.value.hint


def test_a_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a directory"):
        PrivateObjects(tmp_path / "nowhere", tmp_path / "private")


@pytest.mark.parametrize("revision", ["--upload-pack=touch x", "-h", "", "a\nb", "no-such-branch", "HEAD:a.txt", "0" * 40, "v1.2.0^{tree}"])
def test_what_is_no_commit_is_a_usage_error(objects: PrivateObjects, revision: str) -> None:
    with pytest.raises(UsageError):
        objects.resolve(revision)


def test_branch_tag_and_short_id_name_the_same_commit(objects: PrivateObjects) -> None:
    commit = objects.resolve("main")
    assert objects.resolve("v1.2.0") == objects.resolve(commit[:8]) == objects.resolve("HEAD") == commit


def test_a_repository_without_a_commit_says_so(tmp_path: Path, git_in: GitIn) -> None:
    git_in(tmp_path, "init", "-q")
    with PrivateObjects(tmp_path, tmp_path / "private") as objects, pytest.raises(UsageError, match="no commit yet"):
        objects.resolve("HEAD")


def test_a_shallow_clone_that_lacks_the_commit_says_how_to_get_it(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    (repository / "a.txt").write_text("later\n")
    git_in(repository, "commit", "-qam", "second")
    git_in(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    with PrivateObjects(tmp_path / "shallow", tmp_path / "private") as objects:
        assert objects.tree_of(objects.resolve("HEAD"))
        for revision in (first, "HEAD^", "HEAD~3"):
            with pytest.raises(UsageError, match="shallow") as refused:
                objects.resolve(revision)
            assert "--unshallow" in refused.value.hint


def test_a_linked_work_tree_a_bare_clone_a_subfolder_and_a_shared_clone_all_work(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    git_in(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    git_in(tmp_path, "clone", "-q", "--shared", str(repository), "shared")
    git_in(tmp_path, "clone", "-q", "--shared", str(tmp_path / "shared"), "shared-twice")
    folders = [repository / "src", tmp_path / "tree", tmp_path / "bare.git", tmp_path / "shared", tmp_path / "shared-twice"]
    for number, folder in enumerate(folders):
        with PrivateObjects(folder, tmp_path / f"private{number}") as objects:
            tree = objects.tree_of(objects.resolve("HEAD"))
            assert objects.read(tree, "src/m.py") == b"def f(x):\n    return x + 1\n"


def test_a_repository_in_a_folder_with_an_odd_name_works(repository: Path, tmp_path: Path) -> None:
    for number, name in enumerate(["#hash", '"quoted"', "new\nline", "back\\slash", "ünï"]):
        odd = repository.rename(tmp_path / name)
        with PrivateObjects(odd, tmp_path / f"private{number}") as objects:
            assert objects.read(objects.tree_of(objects.resolve("HEAD")), "a.txt") == b"one\ntwo\nthree\n"
        repository = odd


def test_a_sha256_repository_works(tmp_path: Path, git_in: GitIn) -> None:
    folder = tmp_path / "sha256"
    folder.mkdir()
    git_in(folder, "init", "-q", "--object-format=sha256")
    (folder / "a.txt").write_text("one\n")
    git_in(folder, "add", "-A")
    git_in(folder, "commit", "-qm", "first")
    with PrivateObjects(folder, tmp_path / "private") as objects:
        base = objects.tree_of(objects.resolve("HEAD"))
        tree = objects.apply(base, b"--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n")
        assert len(tree) == 64
        assert objects.read(tree, "a.txt") == b"two\n"


def test_git_variables_of_the_caller_are_not_inherited(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert objects.read(objects.tree_of(objects.resolve("HEAD")), "a.txt") == b"one\ntwo\nthree\n"


def test_replace_refs_do_not_change_what_is_read(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    blob = git_in(repository, "rev-parse", "HEAD:a.txt")
    other = git_in(repository, "hash-object", "-w", "--stdin", stdin=b"replaced\n")
    git_in(repository, "replace", blob, other)
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert objects.read(objects.tree_of(objects.resolve("HEAD")), "a.txt") == b"one\ntwo\nthree\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else_is_read_only_if_the_users_own_configuration_trusts_it(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "not-asked"))
    for trusted in ("/somewhere/else", f"{repository}-not"):
        (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {trusted}\n")
        with pytest.raises(UsageError, match="distrusts") as refused:
            PrivateObjects(repository, tmp_path / "private")
        assert str(repository) in refused.value.hint
    for trusted in (str(repository), "*", f"{repository.parent}/*"):
        (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {trusted}\n")
        with PrivateObjects(repository, tmp_path / "private") as objects:
            assert objects.resolve("HEAD")
            assert any("safe.directory" in setting and "*" not in setting for setting in objects.repository.git.config)


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.3", "1.2.3"),
        ("1.2", "1.2"),
        ("release-2.0.0", "2.0.0"),
        ("release_1_2_3", "1.2.3"),
        ("pkg/v3.1", "3.1"),
        ("py3-v1.0.post2", "1.0.post2"),
        ("v2.0RC1", "2.0rc1"),
        ("v2.0.dev1", "2.0.dev1"),
        ("v1.2.3-rc.1", "1.2.3"),
        ("2024", "2024"),
        ("nightly-2024-build", "0.0.0"),
        ("latest; rm -rf", "0.0.0"),
        ("", "0.0.0"),
    ],
)
def test_the_version_is_the_tags_as_packaging_accepts_it(tag: str, version: str) -> None:
    assert version_of(tag) == version


def test_every_commit_up_to_the_next_tag_has_the_release_before_it(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    git_in(repository, "commit", "-q", "--allow-empty", "-m", "second")
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert objects.describe(first) == "1.2.0"
        assert objects.describe(objects.resolve("HEAD")) == "1.2.0"
    git_in(repository, "tag", "-d", "v1.2.0")
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert objects.describe(first) == "0.0.0"


def test_a_hook_and_a_file_system_monitor_of_the_repository_do_not_run(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.editor", "diff.external", "core.sshCommand", "uploadpack.packObjectsHook"):
        git_in(repository, "config", key, str(trap))
    for hook in ("post-index-change", "reference-transaction", "post-applypatch", "pre-applypatch"):
        (repository / ".git" / "hooks" / hook).write_text(trap.read_text())
        (repository / ".git" / "hooks" / hook).chmod(0o755)
    with PrivateObjects(repository, tmp_path / "private") as objects:
        base = objects.tree_of(objects.resolve("HEAD"))
        tree = objects.apply(base, b"--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n")
        objects.patch_id(objects.patch(base, tree))
        objects.describe(objects.resolve("HEAD"))
    assert not (tmp_path / "sprung").exists()


def test_an_empty_repository_can_be_opened(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "new")], check=True)
    home = tmp_path / "home"
    home.mkdir()
    assert open_repository(tmp_path / "new", home).object_format == "sha1"


def test_published_is_what_head_a_branch_or_a_tag_has_and_nothing_of_forks(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    def commit(message: str) -> str:
        git_in(repository, "commit", "-q", "--allow-empty", "-m", message)
        return git_in(repository, "rev-parse", "HEAD")

    first, made = git_in(repository, "rev-parse", "HEAD"), {}
    for name in ("heads/side", "tags/v2", "remotes/origin/far", "remotes/fork/theirs", "pull/1/head"):
        git_in(repository, "checkout", "-q", "--detach", first)
        made[name] = (commit(f"before {name}"), commit(name))
        git_in(repository, "update-ref", f"refs/{name}", made[name][1])
    git_in(repository, "tag", "-am", "noted", "v2-noted", "v2")
    git_in(repository, "update-ref", "-d", "refs/tags/v2")
    detached = commit("checked out")
    (tmp_path / "home").mkdir()
    found = open_repository(repository, tmp_path / "home")
    assert found.is_published(first)
    assert found.is_published(detached)
    published = {name: {found.is_published(one) for one in both} for name, both in made.items() if name != "pull/1/head"}
    assert published == {"heads/side": {True}, "tags/v2": {True}, "remotes/origin/far": {True}, "remotes/fork/theirs": {False}}
    git_in(repository, "checkout", "-q", "main")
    assert not any(map(found.is_published, (*made["pull/1/head"], detached, "1" * 40)))
    assert found.is_behind(first, made["heads/side"][1])
    assert not found.is_behind(made["heads/side"][1], first)
