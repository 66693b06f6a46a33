"""Repositories that are elsewhere: fetched as objects, within limits, and without a word of what opens them."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InfrastructureError, UsageError
from runner.git.objects import PrivateObjects
from runner.git.repository import open_repository
from runner.model.configuration import Repository
from runner.model.request import Asked
from runner.model.run import Command
from runner.store.places import Places
from runner.wiring.repositories import place_of
from testing.remotes import SECRET, GitServer, basic
from testing.repositories import GitIn, git_in, repository
from testing.served import UNFIT, serving

__all__ = ["git_in", "repository"]


@pytest.fixture
def server(repository: Path, git_in: GitIn, tmp_path: Path) -> Iterator[GitServer]:
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), "remote/app.git")
    made = GitServer(tmp_path / "remote")
    yield made
    made.close()


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache", tmp_path / "state")


def a_request(base: str = "", revision: str = "") -> Asked:
    kind = ("range" if ".." in revision else "revision") if revision else ""
    return Asked(run="abc", command=Command.CHECK, repo="app", base=base, revision=revision, kind=kind, author="anne")  # type: ignore[arg-type]


def fetched(server: GitServer | str, where: Places, base: str = "", revision: str = "", **more: Any) -> Path:
    url = server if isinstance(server, str) else f"{server.url}/app.git"
    return place_of("app", Repository.model_validate({"url": url, **more}), a_request(base, revision), where)


def resolved(folder: Path, revision: str, tmp_path: Path) -> str:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return open_repository(folder, home).resolve(revision)


def pushed(repository: Path, git_in: GitIn, name: str = "main", content: str = "new\n") -> str:
    """A new commit on a branch of the remote."""
    (repository / "a.txt").write_text(content)
    git_in(repository, "commit", "-qam", "more")
    git_in(repository, "push", "-q", str(repository.parent / "remote" / "app.git"), f"HEAD:refs/heads/{name}")
    return git_in(repository, "rev-parse", "HEAD")


# ── what is fetched ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_commits_are_fetched_as_objects_with_branches_tags_and_the_branch_that_is_usual(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    folder, head = fetched(server, where), git_in(repository, "rev-parse", "HEAD")
    assert [resolved(folder, name, tmp_path) for name in ("HEAD", "main", "v1.2.0", head[:10])] == [head] * 4
    with PrivateObjects(folder, tmp_path / "private") as objects:
        tree = objects.tree_of(head)
        assert objects.read(tree, "a.txt") == b"one\ntwo\nthree\n"
        assert objects.describe(head) == "1.2.0"
    assert not (folder / "a.txt").exists()
    assert where.state in folder.parents  # what a run that goes on needs is no cache


def test_a_branch_that_moved_is_what_it_is_now(server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path) -> None:
    fetched(server, where)
    head = pushed(repository, git_in)
    assert resolved(fetched(server, where, base="main"), "main", tmp_path) == head
    git_in(repository, "reset", "-q", "--hard", "HEAD~1")
    other = git_in(repository, "rev-parse", "HEAD")
    git_in(repository, "push", "-qf", str(tmp_path / "remote" / "app.git"), "HEAD:refs/heads/main")
    assert resolved(fetched(server, where), "HEAD", tmp_path) == other


def test_a_branch_that_was_removed_is_gone(server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path) -> None:
    pushed(repository, git_in, "side")
    resolved(fetched(server, where), "side", tmp_path)
    git_in(tmp_path / "remote" / "app.git", "branch", "-D", "side")
    folder = fetched(server, where)
    with pytest.raises(UsageError):
        resolved(folder, "side", tmp_path)


def test_nobody_is_asked_for_a_commit_that_is_there(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    fetched(server, where, base=first)
    asked = len(server.seen)
    fetched(server, where, base=first)
    fetched(server, where, revision=f"{first}..{first}")
    assert len(server.seen) == asked
    second = pushed(repository, git_in)
    assert resolved(fetched(server, where, base=second), second, tmp_path) == second
    assert len(server.seen) > asked


def test_a_change_that_no_branch_has_is_asked_for_by_its_id_and_a_base_is_not(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    lonely = pushed(repository, git_in, "side")
    bare = tmp_path / "remote" / "app.git"
    git_in(bare, "update-ref", "-d", "refs/heads/side")
    git_in(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    for given in ({"base": lonely}, {"revision": f"{lonely}..{first}"}):
        folder = fetched(server, where, **given)
        with pytest.raises(UsageError):
            resolved(folder, lonely, tmp_path)
    assert resolved(fetched(server, where, base=first, revision=lonely), lonely, tmp_path) == lonely


def test_what_is_to_be_promoted_is_measured_by_the_branches_of_this_moment(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    fetched(server, where)
    moved = pushed(repository, git_in)
    asked = a_request(first).model_copy(update={"command": Command.SUBMIT, "target": "app-main"})
    folder = place_of("app", Repository(url=f"{server.url}/app.git"), asked, where)
    assert resolved(folder, "HEAD", tmp_path) == moved


def test_a_branch_is_never_the_usual_one_because_of_its_name(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    bare, first = tmp_path / "remote" / "app.git", git_in(repository, "rev-parse", "HEAD")
    for name in ("main", "master"):
        pushed(repository, git_in, name, f"{name}\n")
    git_in(bare, "symbolic-ref", "HEAD", "refs/heads/none")
    with pytest.raises(UsageError):
        resolved(fetched(server, where), "HEAD", tmp_path)
    git_in(bare, "update-ref", "--no-deref", "HEAD", first)
    assert resolved(fetched(server, where), "HEAD", tmp_path) == first
    git_in(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    assert resolved(fetched(server, where), "HEAD", tmp_path) == git_in(bare, "rev-parse", "main")


def test_a_commit_that_there_is_none_of_is_a_mistake_of_whoever_asked(server: GitServer, where: Places, tmp_path: Path) -> None:
    folder = fetched(server, where, base="1" * 40)
    with pytest.raises(UsageError):
        resolved(folder, "1" * 40, tmp_path)


def test_many_that_ask_at_once_share_one_fetch(server: GitServer, where: Places) -> None:
    fetched(server, where)
    alone = len(server.seen)
    fetched(server, where)
    alone = len(server.seen) - alone
    before, found = len(server.seen), list[Path]()
    crowd = [threading.Thread(target=lambda: found.append(fetched(server, where))) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert len(found) == 8
    assert len(server.seen) - before < 4 * alone


def test_a_url_with_file_and_one_with_ssh_are_fetched(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = git_in(repository, "rev-parse", "HEAD")
    assert resolved(fetched(f"file://{tmp_path}/remote/app.git", where), "main", tmp_path) == head
    key, told = tmp_path / "a key", tmp_path / "told"
    key.touch()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ssh").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{told}"\nfor last; do :; done\nexec sh -c "$last"\n')
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    found = fetched(f"ssh://git@git.example{tmp_path}/remote/app.git", where, credential={"file": str(key)})
    assert resolved(found, "main", tmp_path) == head
    words = told.read_text().splitlines()
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", str(key), "git@git.example"} <= set(words)


# ── what opens it ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def command_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command line of git, and of what git starts to fetch, is in this file afterwards."""
    told, programs, real = tmp_path / "lines", tmp_path / "watched", shutil.which("git")
    programs.mkdir()
    watch = (
        "import glob, os, sys, time\n"
        "while True:\n"
        "    for path in glob.glob('/proc/[0-9]*/cmdline'):\n"
        "        try:\n"
        "            line = open(path, 'rb').read()\n"
        "        except OSError:\n"
        "            continue\n"
        "        if b'git' in line:\n"
        f"            open({str(told)!r}, 'ab').write(line + b'\\n')\n"
        "    time.sleep(0.002)\n"
    )
    (programs / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{told}"\nexec {real} "$@"\n')
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    watcher = subprocess.Popen([sys.executable, "-c", watch])
    yield told
    watcher.kill()
    watcher.wait()


@pytest.mark.parametrize("kind", ["file", "env"])
def test_a_credential_opens_it_and_is_on_no_command_line_and_in_no_file(
    server: GitServer, where: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_lines: Path, kind: str
) -> None:
    server.password = SECRET
    (tmp_path / "password").write_text(SECRET + "\n")
    monkeypatch.setenv("APP_TOKEN", SECRET)
    given = {"file": str(tmp_path / "password")} if kind == "file" else {"env": "APP_TOKEN"}
    folder = fetched(server, where, credential=given)
    assert basic(SECRET) in server.seen
    told = command_lines.read_bytes()
    assert b"remote-http" in told
    assert b"fetch" in told
    for spelling in (SECRET.encode(), b64encode(f"x-access-token:{SECRET}".encode())):
        assert spelling not in told
        assert not [file for file in folder.rglob("*") if file.is_file() and spelling in file.read_bytes()]


def test_a_wrong_credential_is_told_without_saying_it(server: GitServer, where: Places, tmp_path: Path) -> None:
    server.password = "another"
    (tmp_path / "password").write_text(SECRET)
    with pytest.raises(InfrastructureError, match="cannot be fetched") as caught:
        fetched(server, where, credential={"file": str(tmp_path / "password")})
    assert SECRET not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert basic(SECRET).split()[1] not in str(caught.value)


def test_a_server_that_says_the_credential_back_is_not_repeated() -> None:
    from runner.git.fetching import Secret

    secret = Secret("x-access-token", SECRET)
    said = secret.scrubbed(f"remote: {SECRET} {basic(SECRET)} s3cr3t%2FT0ken%2B%25x")
    assert said == "remote: *** Basic *** ***"
    assert SECRET not in repr(secret)


def test_a_credential_goes_to_no_other_place(server: GitServer, where: Places, tmp_path: Path) -> None:
    other = GitServer(tmp_path / "remote")
    other.password = "x"
    server.redirect = other.url
    (tmp_path / "password").write_text(SECRET)
    try:
        with pytest.raises(InfrastructureError):
            fetched(server, where, credential={"file": str(tmp_path / "password")})
        assert other.seen == []
    finally:
        other.close()


@pytest.mark.parametrize("content", [None, "", "two\nlines", "\x1b[2J", "x" * 5000])
def test_a_credential_that_is_none_is_told(server: GitServer, where: Places, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "password").write_text(content)
    with pytest.raises(InfrastructureError, match="credential") as caught:
        fetched(server, where, credential={"file": str(tmp_path / "password")})
    assert not content or content not in str(caught.value)


# ── what may not happen ──────────────────────────────────────────────────────────────────────────────────────────────


def _about(word: str) -> list[bytes]:
    """The command lines of processes that name this, but of this one."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = file.read_bytes()
            if word.encode() in line and file.parent.name != str(os.getpid()):
                found.append(line)
    return found


def test_a_server_that_never_answers_is_given_up_and_nothing_stays_behind(where: Places) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url, seen = f"http://127.0.0.1:{listening.getsockname()[1]}/app.git", list[bytes]()
        look = threading.Timer(0.7, lambda: seen.extend(_about(url)))
        look.start()
        began = time.monotonic()
        with pytest.raises(InfrastructureError, match=r"longer than 1\.5 s"):
            fetched(url, where, timeout="1500ms")
        assert time.monotonic() - began < 6
        look.join()
        assert len(seen) > 1  # git, and what it started
        assert _about(url) == []


def test_more_than_is_allowed_does_not_come(server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path) -> None:
    (repository / "large").write_bytes(os.urandom(3 * 2**20))
    git_in(repository, "add", "-A")
    head = pushed(repository, git_in)
    with pytest.raises(InfrastructureError, match="more would have come"):
        fetched(server, where, largest="1MiB")
    assert not list(where.state.rglob("tmp_*"))
    assert resolved(fetched(server, where, largest="8MiB"), "main", tmp_path) == head
    assert sum(file.stat().st_size for file in where.state.rglob("*") if file.is_file()) < 2 * 4 * 2**20


def test_what_a_killed_fetch_left_is_in_nobodys_way(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    folder = fetched(server, where)
    (folder / "objects" / "pack" / "tmp_pack_x").write_bytes(b"x" * 2**21)
    for name in ("packed-refs.lock", "HEAD.lock", "refs/heads/main.lock"):
        (folder / name).touch()
    beside = folder.with_suffix(".new")
    beside.mkdir()
    head = pushed(repository, git_in)
    assert resolved(fetched(server, where, largest="1MiB"), "HEAD", tmp_path) == head
    shutil.rmtree(folder)
    assert resolved(fetched(server, where), "HEAD", tmp_path) == head
    assert not beside.exists()


def test_nothing_of_what_is_fetched_is_run_and_no_submodule_is_followed(
    server: GitServer, repository: Path, git_in: GitIn, where: Places, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    (repository / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    (repository / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = {server.url}/other.git\n\tupdate = "!touch {proof}"\n')
    (repository / ".gitconfig").write_text(f'[filter "x"]\n\tsmudge = touch {proof}\n[core]\n\tfsmonitor = touch {proof}\n')
    git_in(repository, "add", "-A")
    git_in(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
    pushed(repository, git_in)
    folder = fetched(server, where)
    hook = folder / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    pushed(repository, git_in, content="again\n")
    fetched(server, where)
    assert not proof.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://git.example/a.git",
        "https://u:p@git.example/a.git",
        "ssh://-oProxyCommand=x/a",
        "ext::sh",
        "git://h/a.git",
        "/srv/a.git",
        "https://h/a?b",
    ],
)
def test_a_url_that_is_odd_or_plain_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Repository.model_validate({"url": url})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"path": "/srv/a.git", "url": "https://git.example/a.git"},
        {"path": "/srv/a.git", "credential": {"env": "A"}},
        {"url": "https://git.example/a.git", "credential": {}},
        {"url": "https://git.example/a.git", "credential": {"env": "A", "file": "/b"}},
        {"url": "ssh://git.example/a.git", "credential": {"env": "A"}},
    ],
)
def test_a_repository_is_in_one_place_and_has_one_key(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Repository.model_validate(given)


# ── by HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_judges_changes_of_a_repository_that_is_elsewhere(
    server: GitServer, repository: Path, git_in: GitIn, tmp_path: Path
) -> None:
    server.password = SECRET
    (tmp_path / "password").write_text(SECRET)
    away = {"url": f"{server.url}/app.git", "credential": {"file": str(tmp_path / "password")}}
    home = tmp_path / "served"
    home.mkdir()
    with serving(home, repos={"app": {**away, "policy": str(home / "policy.yaml")}}, targets={}) as served:
        first = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT}, 202)["run"]
        found = served.over(first)
        assert (found["ending"], found["base"]) == ("rejected", git_in(repository, "rev-parse", "HEAD"))
        moved = pushed(repository, git_in)
        second = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT, "base": "main"}, 202)["run"]
        assert served.over(second)["base"] == moved
        server.password = "changed"
        third = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT}, 202)["run"]
        failed = served.over(third)
        assert (failed["ending"], "cannot be fetched" in failed["reason"]) == ("failed", True)
        said = served.log.read_text() + str(served.get("/api/v1/audit")) + failed["reason"]
        assert SECRET not in said
