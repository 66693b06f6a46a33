"""The command to type after a run."""

import os
import shlex
from pathlib import Path
from typing import Final

from runner.model.promotion import Step
from runner.model.result import Ending, Outcome
from runner.model.run import Command, Run, State

_WAITING: Final = {"breaker": "seatrial breaker list", "rate": "seatrial limits", "health": "seatrial health"}
"""What tells more of a gate that refuses, by its name."""
_BY_POLICY: Final = ("rate", "health")
"""Those whose answer is another under another policy."""


def next_step(run: Run, here: Path | None = None) -> str:
    """The command that takes an accepted change, or else the one that explains.

    `here` is the directory it will be typed in; `None` means the root of the repository.
    """
    ending = run.decision.ending if run.decision else None
    if run.command is not Command.CHECK and (step := _landing(run)):
        return step
    if ending is Ending.ACCEPTED:
        return _take(run, here) or f"seatrial run show {run.id}"
    if ending in (Ending.FAILED, Ending.REFUSED):
        return "seatrial doctor" if ending is Ending.FAILED else _wait(run)
    if ending is Ending.REJECTED and run.tests is not None:
        return f"seatrial run logs {run.id}"
    if any(result.check == "base" and result.outcome is Outcome.UNKNOWN for result in run.results):
        return _correct(run, here)
    return f"seatrial run show {run.id}"


def _landing(run: Run) -> str:
    """What a person does about a submitted run; empty where it is as with a check."""
    if run.state is State.HELD:
        promoted = run.promotion is not None and run.promotion.step is Step.PROMOTED
        return f'seatrial confirm {run.id} --reason "..."' if promoted else f'seatrial run approve {run.id} --reason "..."'
    if run.state is State.RUNNING:
        return f"seatrial run wait {run.id}"
    if run.decision is not None and run.decision.ending is Ending.STUCK:
        return f'seatrial rollback {run.id} --reason "..."'
    if run.promotion is None:
        return ""
    if run.promotion.step is Step.CONFIRMED:
        return f'seatrial rollback {run.id} --reason "..."'
    return f"seatrial run logs {run.id}"


def _wait(run: Run) -> str:
    """What tells more of the gate that refused, by the policy that it refused by."""
    gate = next((result.check for result in run.results if result.outcome is Outcome.REFUSE), "")
    source = run.policy.source
    named = gate in _BY_POLICY and not source.startswith(("builtin:", ".seatrial/policy.yaml of "))
    return _WAITING.get(gate, f"seatrial run show {run.id}") + (f" --policy {shlex.quote(source)}" if named else "")


def _correct(run: Run, here: Path | None) -> str:
    """What helps where the base's own suite is no measure: writing down how it is run, or reading what it printed."""
    root = _root(Path(run.repository))
    if run.policy.source.startswith("builtin:") and (root / ".git").exists():
        return "seatrial init" if here is None or here == root else f"seatrial init --repo {shlex.quote(str(root))}"
    return f"seatrial run logs {run.id}"


def _take(run: Run, here: Path | None) -> str:
    """How a person takes the change into the work tree; empty when that needs what only the caller has."""
    change = run.change
    if change.source.startswith("-"):
        return ""
    root = _root(Path(run.repository))
    elsewhere = here is not None and here != root
    git = f"git -C {shlex.quote(str(root))}" if elsewhere else "git"
    source = shlex.quote(change.source)
    if change.kind == "revision":
        return f"{git} cherry-pick {source}" if change.base_label.startswith(f"{change.source}^") else f"{git} merge {source}"
    if change.kind == "work" and change.head_label.endswith(" + uncommitted work"):
        return f"{git} add --all && {git} commit"
    if change.kind == "range":
        return f"{git} diff --binary {source} | {git} apply --index"
    if change.kind == "diff":
        return f"{git} apply --index {shlex.quote(os.path.abspath(change.source)) if elsewhere else source}"  # noqa: PTH100 - leaves `..` as it was typed
    return ""


def _root(start: Path) -> Path:
    """The root of the work tree: below it, `git apply` leaves out the rest in silence."""
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
