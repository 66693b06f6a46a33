"""Fetches commits as objects from where an operator says they are: nothing of them is checked out or run, and what opens the place is told to git alone."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import tempfile
import threading
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from runner.errors import InfrastructureError
from runner.git.command import Answer, Git, ProcessLimits, confine, ended, pipes

_MEMORY: Final = 2 * 2**30
_PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_SETTINGS: Final = (
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "fetch.unpackLimit=1",  # always one pack: the limit for one file is the limit for all that comes
    "transfer.unpackLimit=1",
    "fetch.fsckObjects=false",  # old repositories have odd commits; everything read from here is taken for hostile anyway
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "remote.origin.promisor=false",
)
_NOWHERE: Final = "refs/seatrial/none"
"""What HEAD stands for before anybody said: git's own choice is a branch that whoever may push could make."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_USER, _PASSWORD = "SEATRIAL_FETCH_USER", "SEATRIAL_FETCH_PASSWORD"
_HELPER: Final = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""
"""Holds the names of two variables, not what they hold: a command line can be read by everybody on the machine."""
_TOO_LARGE: Final = "more would have come than it may bring"
_SHOWN: Final = 64 * 2**10
_MOST_OUT: Final = 2**20
HIDDEN: Final = "***"


@dataclass(frozen=True)
class Secret:
    """What opens a place: a user with a password or token, or for ssh a file with a private key."""

    user: str = ""
    password: str = field(default="", repr=False)
    key: Path | None = None

    def scrubbed(self, text: str) -> str:
        """`text` without the password, in whatever form a server may have sent it back."""
        if not self.password:
            return text
        pair = b64encode(f"{self.user}:{self.password}".encode()).decode()
        for told in (pair, self.password, quote(self.password, safe="")):
            text = text.replace(told, HIDDEN)
        return text


@dataclass(frozen=True)
class Remote:
    """A place to fetch from, what opens it, and what one fetch may take: seconds, and bytes that come."""

    url: str
    secret: Secret | None
    seconds: float
    largest: int


class Bare:
    """A bare repository in a folder of its own, with the branches and tags of a remote; made when missing."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self.folder, self._remote = folder, remote

    def fetch(self, commits: Sequence[str] = ()) -> None:
        """Get all branches and tags as they are now, or these commits alone where the remote gives them. Raises InfrastructureError.

        Whoever calls sees to it that nobody else fetches into the same folder.
        """
        with tempfile.TemporaryDirectory(prefix="seatrial-git-") as home:
            git = self._made(Path(home))
            specs = tuple(commits) or ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            options = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--force", "--quiet")
            pruned = () if commits else ("--prune", "--update-head-ok")
            answer = self._run(git, "fetch", *options, *pruned, "--stdin", self._remote.url, told="".join(f"{spec}\n" for spec in specs))
            largest = self._swept()
            if not answer.ok and largest >= self._remote.largest:
                answer = replace(answer, cut=answer.cut or _TOO_LARGE)
            if not answer.ok:
                raise self._failed(answer)
            if not commits:
                self._set_head(git)

    def has(self, commit: str) -> bool:
        """Whether a commit of this whole id is there."""
        if not self.folder.exists():
            return False
        with tempfile.TemporaryDirectory(prefix="seatrial-git-") as home:
            return self._git(Path(home)).run("cat-file", "-e", f"{commit}^{{commit}}").ok

    def _made(self, home: Path) -> Git:
        """Git over the repository, which is whole where it is there; locks of a process that was killed are removed."""
        if not self.folder.exists():
            beside = self.folder.with_suffix(".new")
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(mode=0o700, parents=True)
            made = Git(beside, home).run("init", "--quiet", "--bare", "--template=", ".")
            made = Git(beside, home).run("symbolic-ref", "HEAD", _NOWHERE) if made.ok else made
            if not made.ok:
                raise InfrastructureError(f"a repository cannot be made: {made.reason}", hint="Is the disk full?")
            beside.rename(self.folder)
        for lock in (*self.folder.glob("*.lock"), *self.folder.glob("refs/**/*.lock")):
            lock.unlink(missing_ok=True)
        return self._git(home)

    def _git(self, home: Path) -> Git:
        """Git with what it needs for this remote, and for no other."""
        parts, secret = urlsplit(self._remote.url), self._remote.secret
        env = {name: os.environ[name] for name in _PROXIES if name in os.environ}
        env |= {"GIT_DIR": str(self.folder.absolute()), "GIT_ALLOW_PROTOCOL": parts.scheme}
        settings = [*_SETTINGS]
        if parts.scheme == "ssh":
            env["GIT_SSH_COMMAND"], env["GIT_SSH_VARIANT"] = _ssh(secret), "ssh"
            env |= {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ and not (secret and secret.key)}
        elif secret is not None:
            env |= {_USER: secret.user, _PASSWORD: secret.password}
            settings.append(f"credential.{parts.scheme}://{parts.netloc}.helper={_HELPER}")
        return Git(self.folder, home, tuple(env.items()), tuple(settings))

    def _set_head(self, git: Git) -> None:
        """Let HEAD be the branch or commit that it is at the remote, and nothing where it is none that came."""
        answer = self._run(git, "ls-remote", "--symref", self._remote.url, "HEAD")
        if not answer.ok:
            raise self._failed(answer)
        line = answer.out.partition(b"\n")[0]
        name = line.removeprefix(b"ref: ").partition(b"\t")[0].decode("utf-8", "surrogateescape")
        if line.startswith(b"ref: refs/heads/") and git.run("show-ref", "--verify", "--quiet", name).ok:
            done = git.run("symbolic-ref", "HEAD", name)
        elif _COMMIT.fullmatch(name) and git.run("cat-file", "-e", f"{name}^{{commit}}").ok:
            done = git.run("update-ref", "--no-deref", "HEAD", name)
        else:
            done = git.run("symbolic-ref", "HEAD", _NOWHERE)
        if not done.ok:
            raise self._failed(done)

    def _swept(self) -> int:
        """Remove what a fetch left that did not come to its end; the size of the largest file among it, 0 for none."""
        largest = 0
        for left in (self.folder / "objects" / "pack").glob("tmp_*"):
            with contextlib.suppress(OSError):
                largest = max(largest, left.stat().st_size)
                left.unlink()
        return largest

    def _failed(self, answer: Answer) -> InfrastructureError:
        said = answer.reason if self._remote.secret is None else self._remote.secret.scrubbed(answer.reason)
        what = f"the repository at {self._remote.url} cannot be fetched: {said}"
        return InfrastructureError(what, hint="Is it there, does its credential open it, and is it within its limits of size and time?")

    def _run(self, git: Git, *words: str, told: str = "") -> Answer:
        """Git within the limits of the remote; when its time is over all that it started ends with it. Raises InfrastructureError."""
        late, remote = threading.Event(), self._remote
        with tempfile.TemporaryFile() as errors, ended(git.start(*words, stderr=errors)) as process:
            confine(process.pid, ProcessLimits(cpu=int(remote.seconds) + 1, memory=_MEMORY, file=remote.largest))

            def stop() -> None:
                if process.returncode is None:
                    late.set()
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)

            clock = threading.Timer(remote.seconds, stop)
            clock.daemon = True
            clock.start()
            to_git, from_git = pipes(process)
            try:
                with contextlib.suppress(OSError):
                    to_git.write(told.encode())
                    to_git.close()
                out = from_git.read(_MOST_OUT)
                if len(out) == _MOST_OUT:
                    stop()
                status = process.wait()
            except BaseException:
                stop()
                raise
            finally:
                clock.cancel()
            errors.seek(0)
            return Answer(status, out, errors.read(_SHOWN), f"it took longer than {remote.seconds:g} s" if late.is_set() else "")


def _ssh(secret: Secret | None) -> str:
    """How git starts ssh: without the settings of whoever serves, asking nobody, and only to hosts that are known."""
    words = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=30"]
    if secret is not None and secret.key is not None:
        words += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i", str(secret.key)]
    return shlex.join(words)
