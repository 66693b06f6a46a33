"""What must hold after a crash, after recovery, and after a second recovery; numbered as the design's invariants are. Empty when all of it does."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from runner.gates.breaker.fold import dump, fold
from runner.gates.breaker.log import GATE
from runner.model.promotion import Promotion, Step
from runner.ports import BackupRecord
from runner.store.audit import AuditLog
from runner.store.backups import SqlBackups
from runner.store.ledger import SqlLedger
from runner.vault.options import Options
from runner.vault.vault import FileVault
from testing.faults.scenarios import DATA, REF, Files, World, held

_NEXT: Final[dict[str, frozenset[str]]] = {
    "": frozenset(("intended",)),
    "intended": frozenset(("prepared", "abandoned", "stuck")),
    "prepared": frozenset(("promoted", "abandoned", "stuck")),
    "promoted": frozenset(("confirmed", "taking_back", "stuck")),
    "confirmed": frozenset(("taking_back",)),
    "taking_back": frozenset(("rolled_back", "stuck")),
    "abandoned": frozenset(("intended",)),
    "rolled_back": frozenset(),
    "stuck": frozenset(("taking_back", "confirmed")),
}
_RUN: Final[dict[str, frozenset[str]]] = {
    "": frozenset(("began",)),
    "began": frozenset(("ended", "held", "resumed")),
    "held": frozenset(("resumed",)),
    "ended": frozenset(("resumed",)),
    "resumed": frozenset(("ended", "held", "resumed")),
}
_ENDINGS: Final[dict[str | None, frozenset[str]]] = {
    "confirmed": frozenset(("confirmed",)),
    "rolled_back": frozenset(("rolled_back",)),
    "failed": frozenset(("", "abandoned")),
    "cancelled": frozenset(("", "abandoned")),
    None: frozenset(("", "abandoned", "promoted")),
}
"""What a run that ended so, or is held, can have for a promotion."""
_LIVE: Final = (Step.PROMOTED, Step.CONFIRMED)
_LISTED: Final = ("runs", "submissions", "approvals", "promotions", "backups", "backup_uses", "gate_log", "gate_state", "audit")
_UNSTABLE: Final = {"executors": ("at",)}


class Unrecorded:
    """The record of a vault that is only read."""

    def __init__(self, state: Path) -> None:
        self._inner = SqlBackups(state)

    def all(self) -> tuple[tuple[BackupRecord, ...], float]:
        """As it is."""
        return self._inner.all()

    def restored(self, backup: str, place: str, run: str = "") -> None:
        """Is not written down."""

    def checked(self, backup: str, problem: str) -> None:
        """Is not written down."""


def at_any_moment(world: World, reader: int | None) -> Iterator[str]:
    """Right after a crash: `reader` is a folder that somebody opened before the run."""
    promotion = newest(world)
    step = promotion.step if promotion else None
    found = name_of(world, content(world))
    mixed = world.scenario.method == "journal" and step in (Step.PREPARED, Step.TAKING_BACK)
    if not found and not mixed:
        yield f"I1: the target is neither old nor new: {_difference(world, content(world))}"
    came = found not in ("", "old") and (promotion is None or world.trees[found].id == promotion.after)
    if came and step in (None, Step.INTENDED, Step.ABANDONED):
        yield f"I2: the target is new, and the record says {step or 'nothing'}"
    if found == "old" and step in _LIVE and not len(world.trees) > 2:
        yield f"I2: the target is old, and the record says {step}"
    if reader is not None and world.scenario.method in ("exchange", "symlink"):
        seen = managed(held(reader))
        if seen and not name_of(world, seen) and step in (None, Step.INTENDED, Step.PREPARED, Step.PROMOTED, Step.TAKING_BACK):
            yield f"I1: whoever has the folder open sees a mix: {_difference(world, seen)}"
    yield from _outside(world)
    yield from _rows(world)
    yield from _audited(world)


def after_recovery(world: World) -> Iterator[str]:
    """Once nobody works any more."""
    yield from _outside(world)
    yield from _rows(world)
    yield from _agree(world)
    yield from _folders(world)
    yield from _backed_up(world)
    yield from _audited(world)
    yield from _histories(world)
    yield from _breakers(world)
    yield from _orphans(world)


def snapshot(world: World) -> dict[str, Any]:
    """Everything that a second recovery must leave as it is."""
    kept: dict[str, Any] = {"target": held(world.target, hidden=True) if world.scenario.kind == "dir" else refs(world.target)}
    kept["beside"] = sorted(path.name for path in world.target.parent.iterdir())
    if world.scenario.worktree:
        kept["work tree"] = {path: one for path, one in held(world.target).items() if not path.startswith(b".git/")}
    if world.scenario.remote:
        kept["remote"] = refs(world.remote)
    kept |= {name: rows(world, "state.db", f"select * from {name} order by 1, 2") for name in _LISTED}
    kept["workflows"] = rows(
        world, "engine.db", "select workflow_uuid, status from workflow_status where status not in ('SUCCESS', 'ERROR') order by 1"
    )
    return kept


# ── the target ──────────────────────────────────────────────────────────────────────────────────────────────────────


def content(world: World) -> Files:
    """The managed files of the target, as a reader finds them by its path; for a ref those of its commit."""
    if world.scenario.kind == "dir":
        return managed(held(Path(os.path.realpath(world.target))))
    return committed(world.target, REF)


def managed(files: Files) -> Files:
    """Without what is the service's."""
    return {path: one for path, one in files.items() if not path.startswith(b"data/")}


def committed(repository: Path, ref: str) -> Files:
    """The files of a commit."""
    listed = git(repository, "ls-tree", "-r", "-z", "--full-tree", ref).split(b"\0")[:-1]
    entries = [line.partition(b"\t") for line in listed]
    ids = [about.split()[2] for about, _, _ in entries]
    told = git(repository, "cat-file", "--batch", stdin=b"\n".join(ids) + b"\n")
    files: Files = {}
    for about, _, path in entries:
        head, _, told = told.partition(b"\n")
        size = int(head.split()[2])
        kind = {b"120000": "link", b"100755": "exec"}.get(about.split()[0], "file")
        files[path] = (kind, told[:size])
        told = told[size + 1 :]
    return files


def name_of(world: World, files: Files) -> str:
    """Which of the trees that a target may be these files are; empty for none."""
    return next((name for name, tree in world.trees.items() if tree.files == files), "")


def refs(repository: Path) -> bytes:
    """All refs of a repository."""
    return git(repository, "for-each-ref", "--format=%(refname) %(objectname)")


def git(repository: Path, *words: str, stdin: bytes = b"") -> bytes:
    """What git says."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["git", "-C", str(repository), *words], env=own, input=stdin, check=True, capture_output=True).stdout


def _difference(world: World, files: Files) -> str:
    told = {
        name: sorted(path for path in {*tree.files, *files} if tree.files.get(path) != files.get(path))
        for name, tree in world.trees.items()
    }
    return str(told)


# ── each invariant ──────────────────────────────────────────────────────────────────────────────────────────────────


def _agree(world: World) -> Iterator[str]:
    """I1, I2: the target is exactly what the record says."""
    promotions = all_promotions(world)
    live = next((one for one in reversed(promotions) if one.step in _LIVE), None)
    expected = live.after if live else world.trees["old"].id
    files = content(world)
    name = name_of(world, files)
    if not name or world.trees[name].id != expected:
        wanted = next((name for name, tree in world.trees.items() if tree.id == expected), expected)
        yield f"I2: the target is {name or _difference(world, files)}, and by the record it is {wanted}: {[one.step for one in promotions]}"
    runs = rows(world, "state.db", "select id, state, ending from runs")
    for run, state, ending in runs:
        step = next((one.step.value for one in promotions if one.run == run), "")
        if state == "running" or ending == "stuck":
            yield f"I5: run {run} is {state} {ending}"
        elif step not in _ENDINGS.get(ending, frozenset(("", "abandoned"))):
            yield f"I2: run {run} is {state} {ending or ''}, and its promotion {step or 'nothing'}"
        if state != "running":
            snapshot_of = json.loads(rows(world, "state.db", f"select snapshot from submissions where run = '{run}'")[0][0])
            decided = (snapshot_of.get("decision") or {}).get("ending")
            if decided != ending:
                yield f"I2: run {run} ended {ending}, and its snapshot says {decided}"
    if world.scenario.kind == "git":
        yield from _repository(world)


def _repository(world: World) -> Iterator[str]:
    lines = refs(world.target).decode().splitlines()
    extra = [line for line in lines if line.split()[0].startswith("refs/seatrial/")]
    if extra and not _under_way(world):
        yield f"I15: refs were left: {extra}"
    if world.scenario.remote and git(world.remote, "rev-parse", REF) != git(world.target, "rev-parse", REF):
        yield "I2: the remote is not where the ref is"
    if subprocess.run(["git", "-C", str(world.target), "fsck", "--full", "--no-dangling"], capture_output=True, check=False).returncode:
        yield "I3: objects are missing or damaged"
    if world.scenario.worktree and (status := git(world.target, "status", "--porcelain")):
        yield f"I2: the work tree is not as in the ref: {status!r}"
    if int(git(world.target, "rev-list", "--count", REF)) > 2 + 2 * len(all_promotions(world)):
        yield "I12: there are more commits than promotions"


def _folders(world: World) -> Iterator[str]:
    """I4: no folder is missing or left."""
    if world.scenario.kind != "dir":
        return
    files = content(world)
    expected = {b"data"} | {b"/".join(path.split(b"/")[:depth]) for path in files for depth in range(1, path.count(b"/") + 1)}
    top = Path(os.path.realpath(world.target))
    found = {
        os.fsencode(path.relative_to(top))
        for path in top.rglob("*")
        if path.is_dir() and not path.is_symlink() and not _was_told_of(world, path)
    }
    if found != expected:
        yield f"I4: folders differ: {sorted(found ^ expected)}"


def _backed_up(world: World) -> Iterator[str]:
    """I3, I4: each promotion has a backup that was verified before its intent, and that restores exactly."""
    names = {record.id: record for record in SqlBackups(world.state).all()[0]}
    trees = {tree.id: tree.files for tree in world.trees.values()}
    first = dict(rows(world, "state.db", "select subject, min(at) from audit where kind = 'backup.made' group by subject"))
    pruned = {row[0] for row in rows(world, "state.db", "select subject from audit where kind like '%pruned%'")}
    for promotion in all_promotions(world):
        if promotion.backup in pruned and promotion.backup not in names:
            continue
        record = names.get(promotion.backup)
        if record is None or record.verified is None or first[promotion.backup] > promotion.intended:
            yield f"I3: run {promotion.run} has no verified backup from before its intent: {record}"
            continue
        folder = Path(tempfile.mkdtemp(dir=world.top, prefix="restored-"))
        try:
            FileVault(world.state, Unrecorded(world.state), Options()).restore(promotion.backup, folder / "here")  # type: ignore[arg-type]
            restored = held(folder / "here")
        except Exception as problem:  # noqa: BLE001
            yield f"I3: backup {promotion.backup[:12]} cannot be restored: {problem}"
        else:
            if restored != trees[promotion.before]:
                yield f"I4: backup {promotion.backup[:12]} restores something else: {_difference(world, restored)}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _audited(world: World) -> Iterator[str]:
    """I14."""
    if (world.state / "state.db").exists() and (flaw := AuditLog(world.state).verify().flaw):
        yield f"I14: {flaw}"


def _histories(world: World) -> Iterator[str]:
    """I5: what is told of each run and promotion is a path of its automaton."""
    told = rows(world, "state.db", "select subject, kind from audit order by seq")
    for prefix, follows in (("promotion.", _NEXT), ("run.", _RUN)):
        at: dict[str, str] = {}
        for subject, kind in told:
            step = kind.removeprefix(prefix)
            if kind == step or step in ("cancel", "confirm", "rollback", "approved", "denied"):
                continue
            if step not in follows.get(at.get(subject, ""), frozenset()):
                yield f"I5: {prefix}{step} of {subject} follows {at.get(subject, 'nothing')}"
            at[subject] = step


def _breakers(world: World) -> Iterator[str]:
    """I8: the kept state is the fold of the log, and each run that was let in and ended is counted once."""
    if not (world.state / "state.db").exists():
        return
    with closing(SqlLedger(world.state)) as ledger, ledger.reading() as moment:
        for key in moment.keys(GATE):
            entries, kept = moment.entries(GATE, key), moment.state(GATE, key)
            if kept is not None and kept[1] != dump(fold(key, entries)):
                yield f"I8: the breaker {key} is not what its log says"
            let_in = {entry.run for entry in entries if entry.kind.split(":")[0] in ("admitted", "again")}
            ended = [entry.run for entry in entries if entry.kind == "ended"]
            over = {row[0] for row in rows(world, "state.db", "select id from runs where state = 'ended'")}
            if sorted(ended) != sorted(let_in & over):
                yield f"I8: the breaker {key} counted {ended}, and {sorted(let_in & over)} have ended"


def _outside(world: World) -> Iterator[str]:
    """I13: nothing else has changed."""
    if (found := outside(world)) != world.outside:
        yield f"I13: something else has changed: {sorted(str(name) for name in found.items() ^ world.outside.items())[:5]}"


def outside(world: World) -> dict[str, str]:
    """The repository of the change, and what lies around."""
    told = {}
    for top in (world.top / "source", world.top / "elsewhere"):
        for path, (kind, data) in held(top).items():
            told[f"{top.name}/{os.fsdecode(path)}"] = f"{kind} {hash(data)}"
    return told


def _rows(world: World) -> Iterator[str]:
    """What the service was told is kept is there, wherever it wrote it."""
    if world.scenario.kind != "dir":
        return
    try:
        kept = world.data.read_bytes()
    except FileNotFoundError:
        yield "I12: the service's own file is gone"
        return
    told = (world.top / "rows-told").read_text().split() if (world.top / "rows-told").exists() else []
    if not kept.startswith(DATA) or (lost := set(told) - set(kept.decode().split())):
        yield f"I12: rows of the service are lost: {lost if kept.startswith(DATA) else kept[:50]!r}"


def _orphans(world: World) -> Iterator[str]:
    """I15: nothing was left, after one sweep."""
    FileVault(world.state, SqlBackups(world.state), Options()).sweep()
    places = [*_left_of_ours(world), *(_left_in_repositories(world) if world.scenario.kind == "git" else _left_beside(world))]
    if places:
        yield f"I15: left behind: {[str(path.relative_to(world.top)) for path in places]}"
    for what, file, query in _LEFT:
        if left := rows(world, file, query):
            yield f"I15: {what} were left: {left}"


_LEFT: Final = (
    ("uses of backups", "state.db", "select u.run from backup_uses u join runs r on r.id = u.run where r.state = 'ended'"),
    ("executors", "state.db", "select id from executors where role <> 'watch'"),
    ("queues", "engine.db", "select name from queues where name like 'here-%'"),
    ("workflows", "engine.db", "select workflow_uuid, status from workflow_status where status not in ('SUCCESS', 'ERROR')"),
)


def _left_of_ours(world: World) -> Iterator[Path]:
    """In our own folders."""
    layout = FileVault(world.state, SqlBackups(world.state), Options()).layout
    for folder in (layout.writing, layout.doomed, world.top / "tmp"):
        yield from folder.iterdir() if folder.is_dir() else ()
    yield from (path for path in (world.top / "restored").iterdir() if path.name != "here")
    yield from (path for path in (world.state / "executors").glob("*") if "-watch-" not in path.name)
    objects = world.state / "objects"
    yield from (path for path in objects.glob("*/*") if path.name not in ("git", "home", "empty"))
    yield from (path for path in objects.rglob("*") if path.name.startswith("tmp_") or path.name.endswith(".lock"))


def _left_in_repositories(world: World) -> Iterator[Path]:
    for repository in (world.target, *((world.remote,) if world.scenario.remote else ())):
        yield from (path for path in repository.rglob("*") if path.name.startswith(("tmp_", ".tmp", "incoming")) or path.suffix == ".lock")


def _was_told_of(world: World, path: Path) -> bool:
    """Whether it could not be removed when the disk failed, and the run says so."""
    told = rows(world, "state.db", "select snapshot from submissions")
    return "-gone" in str(path) and any("something was left beside the target" in row[0] for row in told)


def _left_beside(world: World) -> Iterator[Path]:
    """Around the live folder and in it; not more releases than the live one and the one before."""
    releases = world.target.parent / "releases"
    if _under_way(world):
        return
    beside = [path for path in world.target.parent.iterdir() if path.name not in ("app", "releases")]
    beside += Path(os.path.realpath(world.target)).rglob("*seatrial*")
    yield from (path for path in beside if not _was_told_of(world, path))
    if releases.is_dir():
        newest_one = newest(world)
        most = 2 if newest_one is not None and newest_one.step in _LIVE else 1
        found = [path for path in sorted(releases.iterdir()) if not _was_told_of(world, path)]
        yield from (path for path in found if "-gone" in path.name)
        yield from found if len(found) > most else ()


# ── the record ──────────────────────────────────────────────────────────────────────────────────────────────────────


def newest(world: World) -> Promotion | None:
    """The promotion that was begun last."""
    found = all_promotions(world)
    return found[-1] if found else None


def _under_way(world: World) -> bool:
    """Whether a promotion waits for a person: what it needs lies beside the target."""
    return any(promotion.step.open for promotion in all_promotions(world))


def all_promotions(world: World) -> list[Promotion]:
    """In the order in which they began."""
    return [Promotion.model_validate_json(row[0]) for row in rows(world, "state.db", "select body from promotions order by number")]


def is_locked(world: World) -> bool:
    """Whether somebody is in a transaction of our database or of the engine's, and stays in it."""
    for file in ("state.db", "engine.db"):
        with closing(sqlite3.connect(world.state / file, timeout=0.3, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
    return False


def rows(world: World, file: str, query: str) -> Sequence[Any]:
    """Rows of our database, or of the engine's; none where there is no such table yet."""
    path = world.state / file
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as problem:
            if "no such table" in str(problem):
                return []
            raise
