"""The backups of this machine's vault, and what people see of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from runner.model.text import shown
from runner.ports import BackupRecord
from runner.store.backups import SqlBackups
from runner.vault.manifest import Entry
from runner.vault.options import Options
from runner.vault.vault import Damage, FileVault


class Contents(NamedTuple):
    """A backup: all that it holds by its manifest, and what the record knows of it, which may be nothing."""

    id: str
    entries: tuple[Entry, ...]
    records: tuple[BackupRecord, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind it holds."""
        return {kind: sum(entry.kind == kind for entry in self.entries) for kind in ("file", "link", "folder")}

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        return sum(entry.size for entry in self.entries)


def vault_of(state: Path, record: SqlBackups, options: Options | None = None) -> FileVault:
    """The vault of a state folder."""
    return FileVault(state, record, options or Options())


def named(name: str, record: SqlBackups, vault: FileVault) -> str:
    """The id of the backup called so; one that is named in full needs no record. Raises UsageError for none and for several."""
    return name if vault.holds(name) else record.find(name)


def contents(name: str, record: SqlBackups, vault: FileVault) -> Contents:
    """What the backup called so holds. Raises UsageError, and InfrastructureError where its manifest is damaged."""
    found = named(name, record, vault)
    return Contents(found, tuple(vault.entries(found)), tuple(one for one in record.all()[0] if one.id == found))


def as_json(record: BackupRecord) -> dict[str, Any]:
    """A backup of a target as JSON data."""
    times = {
        name: None if at is None else moment(at)
        for name, at in (("made", record.made), ("verified", record.verified), ("marked", record.marked))
    }
    return {**record._asdict(), **times, "pinned": record.pinned or None}


def contents_json(found: Contents, *, entries: bool) -> dict[str, Any]:
    """The document of `seatrial backup show --format json`."""
    rows = [
        {"path": shown(entry.path), "kind": entry.kind, "mode": f"{entry.mode:04o}", "size": entry.size, "sha256": entry.sha256}
        for entry in (found.entries if entries else ())
    ]
    answer = {
        "schema": "seatrial.backup/v1",
        "id": found.id,
        **{f"{kind}s": count for kind, count in found.counts.items()},
        "size": found.size,
        "targets": [as_json(one) for one in found.records],
    }
    return answer | ({"entries": rows} if entries else {})


def verified_json(name: str, damages: Sequence[Damage]) -> dict[str, Any]:
    """What a look at a backup found."""
    rows = [{"what": damage.what, "paths": [shown(path) for path in damage.paths]} for damage in damages]
    return {"id": name, "whole": not damages, "damages": rows}


def moment(at: float) -> str:
    """Seconds since 1970 as ISO 8601."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # an edited record may hold anything
        return str(at)
