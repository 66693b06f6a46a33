"""What a server answers, as far as this client reads it; what newer servers add is left out."""

from typing import Annotated, Any

from pydantic import ConfigDict, StringConstraints

from runner.model.value import Value

RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")]
"""Becomes a part of paths and of commands to type, so it is nothing else."""
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{0,64}$")]
_Digits = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,64}$")]
_Time = Annotated[str, StringConstraints(pattern=r"^[0-9T:.+Z -]{10,40}$")]


class _Told(Value):
    """Hostile text: what is no more than a word is checked here, the rest is written by nothing but a renderer."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Summary(_Told):
    """One run without its report; see `runner.api.answers.RunSummary` for the words."""

    run: RunId
    command: _Word
    state: _Word
    verdict: _Word | None
    ending: _Word | None
    reason: str
    exit_code: int | None
    stage: _Word
    repository: str
    target: str
    change: _Digits
    base: _Digits
    started: _Time
    ended: _Time | None
    patch_id: _Digits = ""
    policy_digest: _Digits = ""
    host: str | None = None
    """What servers did not tell at first."""
    joined: RunId | None = None
    """The run that does the same, where this one ended because of it."""
    waits: str = ""
    """Why a person is waited for; empty where nobody is."""
    verbs: tuple[_Word, ...] = ()
    """What a person may say then."""

    @property
    def over(self) -> bool:
        """Whether it is held or has ended: nothing happens any more unless somebody asks for it."""
        return self.state not in ("queued", "running")


class Decision(_Told):
    """What a person said to a run; see `runner.model.said.Said`."""

    verb: _Word
    who: str
    reason: str
    at: str


class Shown(_Told):
    """One run, its report as JSON once there is one, and what people said to it."""

    summary: Summary
    report: dict[str, Any] | None
    decisions: tuple[Decision, ...] = ()


class Page(_Told):
    """Runs, newest first; `next` is the address of the next page, of which only the cursor is used."""

    runs: tuple[Summary, ...]
    next: str | None


class Accepted(_Told):
    """What was taken: the run that it is, and where that is now."""

    run: RunId
    state: _Word
