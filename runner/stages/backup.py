"""Backup: a verified copy of what the target is, without which nothing is promoted."""

from typing import Final

from runner.errors import InfrastructureError, TargetMoved, UsageError
from runner.model.result import Cause, Outcome, Result
from runner.model.run import Kept, Run
from runner.model.units import show_size
from runner.policy.load import Loaded
from runner.ports import LandingPorts
from runner.stages.aim import edited

CHECK: Final = "backup"


def backup(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
    """Copy what the target holds into the vault and read it back; each file is compared with the old tree on the way."""
    ports.progress.stage(CHECK)
    try:
        kept = ports.vault.keep(run.target, run.id, ports.target.items(ports.trees, run.change.base_tree))
    except TargetMoved as moved:
        return run.with_(moved=str(moved))
    except InfrastructureError as problem:
        if why := _moved(run, ports):
            return run.with_(moved=why)
        reason = f"{problem} ({problem.hint})" if problem.hint else str(problem)
        answer = Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.INFRASTRUCTURE, reason=reason, policy=policy.where(CHECK))
        return run.with_(results=(*run.results, answer))
    reason = f"{kept.files} files ({show_size(kept.size)}, {show_size(kept.added)} of it new) were kept and read back"
    answer = Result(check=CHECK, outcome=Outcome.PASS, reason=reason, policy=policy.where(CHECK))
    return run.with_(results=(*run.results, answer), backup=Kept(id=kept.id, files=kept.files, size=kept.size, added=kept.added))


def _moved(run: Run, ports: LandingPorts) -> str:
    """Why it could not be read, where that is somebody else's doing: the target is not the base any more; empty when it is, or cannot be asked."""
    try:
        look = ports.target.look(ports.trees, (run.change.base_tree,))
    except (InfrastructureError, UsageError):
        return ""
    return "" if look.tree == run.change.base_tree else f"{run.target} was changed before it was kept: {edited(look)}"
