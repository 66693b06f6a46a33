"""The named places where this program may die: what recovery must be able to start from, and where the fault tests make it die.

A marker does nothing unless a test has put a function into `hook`; no setting, variable or file can arm one.
"""

from collections.abc import Callable
from typing import Final

MARKERS: Final[tuple[str, ...]] = (
    # a submission is put on file, and taken over from the dead
    "submit.filing",
    "submit.filed",
    "engine.resumed",
    "run.set_out",
    "run.stage.kept",
    # the backup
    "vault.object.written",
    "vault.object.synced",
    "vault.object.renamed",
    "vault.folders.synced",
    "vault.manifest.written",
    "vault.manifest.renamed",
    "vault.verified",
    "vault.recorded",
    # the intent, also one that another process had
    "promote.taken",
    "promote.recovered",
    "promote.intending",
    "promote.intended",
    # preparation: a commit in the target's repository, or a folder beside the live one
    "git.commit.made",
    "git.objects.sent",
    "git.objects.synced",
    "folder.staged.half",
    "folder.staged.files",
    "folder.staged.synced",
    "folder.carried.first",
    "folder.journal.listed",
    "promote.prepared",
    "promote.armed",
    "promote.rechecked",
    # the step itself
    "git.ref.before",
    "git.ref.after",
    "git.tree.before",
    "git.tree.after",
    "git.push.before",
    "git.push.after",
    "folder.carried.last",
    "folder.swap.before",
    "folder.swap.after",
    "folder.swap.synced",
    "folder.carried.back",
    "folder.journal.file",
    "folder.journal.done",
    "promote.swapped",
    "promote.recorded",
    "promote.tidied",
    "promote.abandoned",
    # the operator's command, and watching
    "promote.after.before",
    "promote.after.done",
    "monitor.begins",
    "monitor.reading.taken",
    "monitor.reading.kept",
    "monitor.judged",
    "monitor.decided",
    # confirmed, or taken back
    "settle.confirmed",
    "settle.taking_back",
    "folder.recover.renamed",
    "git.back.before",
    "git.back.after",
    "folder.back.carried",
    "folder.back.swap.before",
    "folder.back.swap.after",
    "folder.back.synced",
    "settle.taken_back",
    "settle.after.done",
    "settle.verified",
    "settle.rolled_back",
    "settle.stuck",
    # what lies beside is removed, and the end recorded
    "folder.tidy.renamed",
    "folder.tidy.removed",
    "settle.tidied",
    "run.recording",
    "run.told",
    "run.recorded",
    # by hand
    "vault.restore.staged",
    "vault.restore.swapped",
    "vault.prune.marked",
    "vault.prune.deleting",
    "vault.prune.deleted",
)
"""Every marker, about in the order of the line; a test finds each of them in the code, and sees each of them reached."""

hook: Callable[[str], None] | None = None


def crashpoint(name: str) -> None:
    """Here this program may die, or the operation around it fail."""
    if hook is not None:
        hook(name)
