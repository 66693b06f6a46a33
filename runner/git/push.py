"""Pushes one ref to the operator's remote, with a lease on what it was: the only git that sees the operator's configuration and credentials."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import IO, Final, NamedTuple

from runner.errors import InfrastructureError, TargetMoved, UsageError
from runner.git.command import Answer, executable, plain
from runner.git.landing import Landing

_OWN: Final = ("GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_ASKPASS", "GIT_CONFIG_")
"""Variables by which an operator tells git how to reach a remote."""
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsync=all",
    "core.pager=cat",
    "gc.auto=0",
    "maintenance.auto=false",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
    "push.pushOption=",
    "push.useForceIfIncludes=false",
)
_PROTOCOLS: Final = "file:ssh:https"
_MOST = 2**20
_DRAIN = 2.0
_LINE: Final = re.compile(rb"([0-9a-f]{40,64})\t(.+)")


class Remote(NamedTuple):
    """A remote of a repository by name, or an address, and how long in seconds one word with it may take."""

    landing: Landing
    name: str
    timeout: float

    def address(self) -> str:
        """Where a push goes. Raises UsageError when that is nowhere or to several places."""
        if self.name.startswith("-") or not self.name.isprintable():
            raise UsageError(f"{self.name!a} is no remote", hint="Name a remote of the repository, or an address.")
        answer = self._git("remote", "get-url", "--push", "--all", "--", self.name)
        if not answer.ok:
            return self.name
        found = answer.out.decode("utf-8", "surrogateescape").splitlines()
        if len(found) != 1:
            raise UsageError(f"the remote '{plain(self.name.encode())}' has {len(found)} addresses to push to", hint="Name one address.")
        return found[0]

    def at(self, ref: str) -> str:
        """The commit that a ref is at there; empty when it is not there. Raises InfrastructureError when the remote cannot be asked."""
        answer = self._git("ls-remote", "--quiet", "--", self.address(), ref)
        if not answer.ok:
            raise InfrastructureError(f"the remote '{plain(self.name.encode())}' cannot be asked: {answer.reason}", hint=_HINT)
        lines = (_LINE.fullmatch(line) for line in answer.out.splitlines())
        return next((found[1].decode() for found in lines if found and found[2] == os.fsencode(ref)), "")

    def move(self, ref: str, old: str, new: str) -> None:
        """Move a ref there from one commit to another; an empty id is for no ref at all.

        Raises TargetMoved when it was elsewhere, InfrastructureError when the remote refuses or cannot be reached; then it was not moved,
        unless it cannot be asked either.
        """
        lease = f"--force-with-lease={ref}:{old}"
        options = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no", lease)
        answer = self._git("push", *options, "--", self.name, f"{new}:{ref}")
        if answer.ok:
            return
        found = self.at(ref)
        if found == new:
            return
        if found != old:
            raise TargetMoved(
                f"{plain(os.fsencode(ref))} of the remote is at {found[:12] or 'nothing'} now, and was at {old[:12] or 'nothing'}"
            )
        reason = next((plain(line) for line in answer.out.splitlines() if line.startswith(b"!")), answer.reason)
        raise InfrastructureError(f"the remote '{plain(self.name.encode())}' does not take the push: {reason}", hint=_HINT)

    def _git(self, *args: str) -> Answer:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        try:
            process = subprocess.Popen(
                [executable(), "--no-replace-objects", "--no-optional-locks", *settings, *args],
                cwd=self.landing.root,
                env=_environment(self.landing.folder, own_ssh=self._own_ssh() if args[0] != "config" else True),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # without a terminal nothing can ask for a password
            )
        except OSError as problem:
            raise InfrastructureError(f"git cannot be started: {problem.strerror}") from problem
        return self._ended(process, args[0])

    def _own_ssh(self) -> bool:
        return bool(self._git("config", "core.sshCommand").out.strip())

    def _ended(self, process: subprocess.Popen[bytes], what: str) -> Answer:
        said: dict[str, bytes] = {}
        readers = [
            threading.Thread(target=_drain, args=(pipe, name, said), daemon=True)
            for name, pipe in (("out", process.stdout), ("err", process.stderr))
        ]
        for reader in readers:
            reader.start()
        try:
            process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise InfrastructureError(
                f"git {what} took longer than {self.timeout:g} s with the remote '{plain(self.name.encode())}'", hint=_HINT
            ) from None
        finally:
            for reader in readers:  # what ssh leaves in the background may keep a pipe open
                reader.join(_DRAIN)
        return Answer(process.returncode, said.get("out", b""), said.get("err", b""))


_HINT: Final = "`git push` there, by hand and without a terminal, tells more; credentials must need no question."


def _environment(folder: Path, *, own_ssh: bool) -> dict[str, str]:
    """The operator's own, but for what would lead git to another repository, ask a question, or speak another protocol."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or (name.startswith(_OWN) and name != "GIT_CONFIG_PARAMETERS")
    }
    asks = {"GIT_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "never"} | ({} if own_ssh else {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"})
    return {
        **asks,
        **kept,
        "LC_ALL": "C",
        "GIT_DIR": str(folder),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_PAGER": "cat",
    }


def _drain(pipe: IO[bytes] | None, name: str, said: dict[str, bytes]) -> None:
    """Keep the first of what is said, and read the rest so that nobody waits for us."""
    if pipe is None:
        return
    kept = b""
    while piece := pipe.read1(2**16):  # type: ignore[attr-defined]
        kept = (kept + piece)[:_MOST]
    said[name] = kept
    pipe.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started: nothing of ours speaks to the remote any more."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
