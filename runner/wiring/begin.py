"""What a request becomes: a run before its first stage."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from runner.changes.author import claimed_by
from runner.changes.caps import Caps
from runner.changes.kinds import Kind
from runner.changes.read import kind_given, read_change
from runner.changes.sides import Base, spelled
from runner.changes.start import start_of
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change
from runner.model.run import Author, Gates, PolicyFacts, Run, run_id
from runner.model.text import shown
from runner.pipeline import refuse
from runner.policy.load import Loaded
from runner.ports import Progress


@dataclass(frozen=True)
class Request:
    """What a person or a CI job asks: may this change go in?"""

    repo: Path
    change: str | None
    """As it was typed; `None` for the work tree."""
    base: str | None = None
    policy: Path | None = None
    stdin: bytes | None = None
    kind: str | None = None
    """What `change` is, where that was said."""
    author: str = ""
    """Who made the change, by the word of the caller, who is trusted."""
    gates: Gates = Gates.INFORM
    run: str = ""
    """The id that its run has already; empty to give it one."""
    called: str = ""
    """What people call what is in `stdin`: for them alone, and anybody's text."""
    by_client: bool = False
    """Whether a server was asked: what it names, its base above all, is then the word of somebody who may have made it up for this."""

    @property
    def forced(self) -> Kind | None:
        """The same, as the change sources know it."""
        return Kind(self.kind) if self.kind else None


def base_asked(request: Request, objects: PrivateObjects) -> Base:
    """Where the change starts. Raises UsageError where there is no such commit, or it is of a client's choice and nobody has taken it in."""
    start = start_of(request.change, objects=objects, base=request.base, kind=request.forced)
    if request.by_client and not objects.repository.is_published(start.commit):
        hint = "Its policy and its build files count, so it must be in the history of one. Push it, or leave the base out."
        raise UsageError(f"the base {start.label} is in no branch or tag of the repository", hint=hint)
    return start


def begin(request: Request, objects: PrivateObjects, policy: Loaded, progress: Progress) -> Run:
    """The run before its first stage; a change that cannot be read is rejected by the intake, whose answer this is."""
    intake = policy.policy.validation.intake
    caps = Caps(max_patch=intake.max_patch, max_files=intake.max_files)
    refusal: ChangeRefused | None = None
    notes: list[str] = []
    try:
        change = read_change(
            request.change,
            objects=objects,
            base=request.base,
            stdin=request.stdin,
            limits=caps,
            note=notes.append,
            kind=request.forced,
            called=request.called,
        )
    except ChangeRefused as refused:
        change, refusal = unreadable(request, objects), refused
    except UsageError:
        for text in notes:  # they may be the reason
            progress.note(text)
        raise
    progress.note(f"{change.head_label} onto {change.base_label}")  # the first line that anybody sees
    for text in (*notes, *policy.warnings):
        progress.note(text)
    target = f"repo:{shown(bytes(objects.repository.root))}"
    attempt = f"{time.time_ns()}-{os.getpid()}"
    run = Run(
        id=request.run or run_id(change, target, policy.digest, attempt),
        started=datetime.now(UTC),
        repository=shown(bytes(request.repo.resolve())),
        policy=PolicyFacts(source=policy.source, digest=policy.digest),
        change=change,
        target=target,
        author=Author(name=request.author, claim=claimed_by(request.change, objects=objects, kind=request.forced)),
        gates=request.gates,
    )
    return refuse(run, refusal, policy) if refusal else run


def unreadable(request: Request, objects: PrivateObjects) -> Change:
    """Stands for a change that has no patched tree: it is named by what was given."""
    start = start_of(request.change, objects=objects, base=request.base, kind=request.forced)
    source = "work tree" if request.change is None else spelled(request.change)
    given = request.stdin if request.stdin is not None else source.encode()
    return Change(
        base_commit=start.commit,
        base_tree=objects.tree_of(start.commit),
        tree="",
        patch_id=sha256(given).hexdigest(),
        source=source,
        kind=str(kind_given(request.change, stdin=request.stdin, kind=request.forced)),
        base_label=start.label,
        head_label=(request.called or "standard input") if source == "-" else "the work tree" if request.change is None else source,
    )
