"""What a token that is bound to targets sees of what is counted or kept by target: what is of its own, and what holds for all."""

from collections.abc import Iterable

from runner.api.binding import sees
from runner.api.problems import Problem
from runner.errors import UsageError
from runner.model.keys import parts_of
from runner.ports import BackupRecord
from runner.store.backups import LATEST
from runner.store.tokens import Token
from runner.wiring.backups import named, vault_of
from runner.wiring.breakers import Seen
from runner.wiring.limits import Window
from runner.wiring.serving import Service

_HOST = "host"


def breakers_seen(token: Token, found: Seen, service: Service) -> Seen:
    """Those of its targets, of hosts, and those for all keys."""
    return found._replace(breakers=tuple(one for one in found.breakers if breaker_seen(token, parts_of(one.key), service)))


def breaker_seen(token: Token, parts: tuple[str, ...], service: Service) -> bool:
    """Whether a breaker is one that it sees: `parts` are its name, and what it counts by."""
    name, *key = parts
    return name == _HOST or not key or sees(token, key[0], service)


def windows_seen(token: Token, found: Iterable[Window], service: Service) -> tuple[Window, ...]:
    """Those that count its targets alone; without a target in its key a window counts other targets, too."""
    return tuple(one for one in found if not token.targets or sees(token, _target_of(one), service))


def _target_of(window: Window) -> str:
    parts = parts_of(window.key)
    return dict(zip(parts[::2], parts[1::2], strict=True)).get("target", "")


def backups_seen(token: Token, found: Iterable[BackupRecord], service: Service) -> tuple[BackupRecord, ...]:
    """Those of its targets."""
    return tuple(one for one in found if sees(token, one.target, service))


def backup_seen(token: Token, name: str, service: Service) -> str:
    """The id of the backup called `name`, of those of its targets. Raises Problem where there is none, or several."""
    kept = service.kept.backups
    try:
        if not token.targets:
            return named(name, kept, vault_of(service.where.state, kept))
    except UsageError as problem:
        raise Problem(404, "backup-unknown", str(problem)) from problem
    mine = dict.fromkeys(one.id for one in backups_seen(token, kept.all()[0], service))
    found = [one for one in mine if name == LATEST or one.startswith(name)]
    if not found or (len(found) > 1 and name != LATEST):
        raise Problem(404, "backup-unknown", "there is no such backup of this token's targets, or there are several")
    return found[0]
