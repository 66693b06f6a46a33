"""Puts what a target once was into it again: a promotion like any other, backed up first, but judged by nobody than the person who asks."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from runner.errors import InfrastructureError, UsageError
from runner.git.objects import PrivateObjects
from runner.git.trees import Entry
from runner.model.change import Change
from runner.model.run import Author, Command, Gates, PolicyFacts, Run, run_id
from runner.model.submission import Submission
from runner.policy.load import Loaded, load_policy
from runner.policy.stored import restored, stored
from runner.ports import BackupRecord, Progress
from runner.stages.aim import edited
from runner.store.executors import SUBMIT
from runner.store.places import claim, places
from runner.targets.spec import parse
from runner.vault.vault import FileVault
from runner.wiring.carrying import Stores, stores
from runner.wiring.filing import label_of, opened
from runner.wiring.process import carrying
from runner.wiring.target import target_of
from runner.wiring.voice import Voice

_LINK, _FILE, _PROGRAM = "120000", "100644", "100755"


def restore(name: str, *, target: str | None, policy: Path | None, who: str, reason: str, progress: Progress, dry: bool = False) -> Run:
    """Make a target what the backup `name` holds and wait; with `dry` only say what would change.

    Raises UsageError, PolicyInvalid, InfrastructureError, among others when the backup is damaged.
    """
    where = places()
    claim(where.cache)
    with stores(where) as kept:
        submission = restoration(record_of(name, target, kept), policy=policy, who=who, reason=reason, kept=kept)
        if dry:
            return submission.run
        run = kept.submissions.file(submission)
        leg = kept.submissions.load(run).leg
    with carrying(SUBMIT, Voice(progress, run)) as process:
        process.executor.carry(run, leg)
        return process.follow(run)


def record_of(name: str, target: str | None, kept: Stores, sees: Callable[[str], bool] = lambda _target: True) -> BackupRecord:
    """The record of the backup `name`, of that target where it is of several. Raises UsageError.

    Those of targets that are not seen are none.
    """
    found = kept.backups.find(name)
    records = [one for one in kept.backups.all()[0] if one.id == found and target in (None, one.target) and sees(one.target)]
    if not records:
        raise UsageError(f"backup {found[:12]} is not of {target}", hint="`seatrial backup list` shows what it is of.")
    if len({one.target for one in records}) > 1:
        raise UsageError(f"backup {found[:12]} is of several targets", hint=f"--target {records[0].target}")
    return records[0]


def restoration(record: BackupRecord, *, policy: Path | None, who: str, reason: str, kept: Stores) -> Submission:
    """What the target holds now, and what it is to hold, as a change; by the policy of the run that made the backup unless one is named.

    It is on no file yet, and nothing of the target is touched. Raises as `restore` does.
    """
    where = places()
    earlier = kept.submissions.load(record.run).submission
    loaded = load_policy(policy) if policy is not None else restored(earlier.policy)
    vault = FileVault(where.state, kept.backups, loaded.policy.backup)
    if wrong := vault.verify(record.id):
        raise InfrastructureError(f"backup {record.id[:12]} is damaged: {wrong}", hint="`seatrial backup list` shows others.")
    spec = parse(record.target)
    with opened(Path(earlier.run.repository), spec, where.state) as objects:
        place = target_of(spec, objects, loaded.policy.promote, earlier.run.id)
        last = kept.promotions.last(record.target)
        known = (*((last.after, last.before) if last else ()), earlier.run.change.base_tree)
        look = place.look(objects, tuple(dict.fromkeys(known)))
        if not look.tree or look.absent:
            raise UsageError(edited(look), hint="Nothing was touched. `--to FOLDER` lays the backup out elsewhere.")
        tree = _tree(vault, record.id, objects, look.tree)
        if tree == look.tree:
            raise UsageError(f"{record.target} is as backup {record.id[:12]} already")
        base = look.commit or (last.base if last else earlier.run.change.base_commit)
        change = _change(objects, base, look.tree, tree, label_of(place, look), record.id)
        if obstacle := place.obstacle(objects, change.base_tree, change.tree):
            raise UsageError(obstacle, hint="Nothing was touched.")
        objects.sync()
    return Submission(run=_run(change, record.target, earlier.run, loaded, who, reason), policy=stored(loaded), target=record.target)


def _tree(vault: FileVault, backup: str, objects: PrivateObjects, now: str) -> str:
    """The tree that the backup holds, by git's id; only its files and links, as any tree."""
    wanted: dict[bytes, Entry | None] = {entry.path: None for entry in objects.entries(now)}
    for item in vault.items(backup):
        if item.kind != "folder":
            mode = _LINK if item.kind == "link" else _PROGRAM if item.mode & 0o100 else _FILE
            wanted[item.path] = Entry(mode, objects.write_blob(item.read()))
    return objects.rewrite(now, wanted)


def _change(objects: PrivateObjects, base: str, before: str, after: str, label: str, backup: str) -> Change:
    return Change(
        base_commit=base,
        base_tree=before,
        tree=after,
        patch_id=objects.patch_id(objects.patch(before, after)),
        source=f"backup {backup[:12]}",
        kind="restore",
        base_label=label,
        head_label=f"backup {backup[:12]}",
        files=objects.diff(before, after),
    )


def _run(change: Change, target: str, earlier: Run, policy: Loaded, who: str, reason: str) -> Run:
    """Gates are not asked: whoever restores does not wait for a breaker that opened because of what is to be undone."""
    return Run(
        id=run_id(change, target, policy.digest, f"{time.time_ns()}-{os.getpid()}"),
        started=datetime.now(UTC),
        repository=earlier.repository,
        policy=PolicyFacts(source=policy.source, digest=policy.digest),
        change=change,
        target=target,
        author=Author(name=who),
        gates=Gates.INFORM,
        command=Command.RESTORE,
        notes=(f"{who} asked for it: {reason}",),
    )
