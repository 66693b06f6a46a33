"""What answers look like: the same nouns as in reports."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from runner.store.runs import Record


class Answer(BaseModel):
    """What every answer has in common."""

    model_config = ConfigDict(extra="forbid")


class RunSummary(Answer):
    """One run, without its report."""

    run: str
    command: str = Field(description="`check`, `submit` or `restore`.")
    state: str = Field(description="`queued`, `running`, `held` or `ended`.")
    verdict: str | None = Field(description="`accept`, `reject` or `hold`, once there is one.")
    ending: str | None = Field(description="How it ended.")
    reason: str
    exit_code: int | None = Field(description="What `seatrial` would exit with.")
    stage: str = Field(description="The last stage that it came through.")
    repository: str
    target: str
    change: str
    base: str
    started: str
    ended: str | None
    patch_id: str = Field(default="", description="What the same change has upon any base; empty until a worker has read it.")
    policy_digest: str = Field(default="", description="Of the policy that judges it; empty until a worker has read the change.")
    host: str | None = Field(default=None, description="The machine that it was on; its logs are there.")
    joined: str | None = Field(default=None, description="The run that does the same, where this one ended because of it.")
    waits: str = Field(default="", description="Why a person is waited for, in a sentence; empty where nobody is.")
    verbs: list[str] = Field(default=[], description="What a person may say then: `approve` and `deny`, or `confirm` and `rollback`.")


class RunPage(Answer):
    """Runs, newest first; `next` is where to go on."""

    runs: list[RunSummary]
    next: str | None = Field(description="The address of the next page.")


class Accepted(Answer):
    """A request that was taken; its run goes on without whoever asked."""

    run: str
    state: str
    location: str


class Decision(Answer):
    """What a person said to a run."""

    verb: str = Field(description="`approve`, `deny`, `cancel`, `confirm` or `rollback`.")
    who: str = Field(description="By the name of the token, or of who was at the machine.")
    reason: str
    at: str


class Shown(Answer):
    """One run: what it is, its report (`seatrial.report/v1`) once there is one, and what people said to it, oldest first."""

    summary: RunSummary
    report: dict[str, Any] | None
    decisions: list[Decision] = []


def decisions_of(record: Record) -> list[Decision]:
    """What people said to a run, as the API tells it."""
    return [Decision(**said.model_dump()) for said in record.decisions]


def summary_of(record: Record, joined: str = "") -> RunSummary:
    """A run as the API tells it."""
    return RunSummary(
        run=record.id,
        command=record.command,
        state=record.state,
        verdict=record.verdict,
        ending=record.ending,
        reason=record.reason,
        exit_code=record.exit_code,
        stage=record.stage,
        repository=record.repository,
        target=record.target,
        change=record.change_id,
        base=record.base,
        started=record.started,
        ended=record.ended,
        patch_id=record.patch_id,
        policy_digest=record.policy_digest,
        host=record.host,
        joined=joined or None,
        waits=record.waits,
        verbs=list(record.verbs),
    )


def time_of(at: float) -> str:
    """Seconds since 1970 as RFC 3339."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
