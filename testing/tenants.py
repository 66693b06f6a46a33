"""A server of two targets with things of each, for tests of what somebody sees who is bound to one of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from runner.store.tokens import SCOPES
from testing.served import UNFIT, Served, a_backup, serving

HUSH = "a reason that nobody else is to read"


class Tenants(NamedTuple):
    """The server, and the run, the check and the backup of the target `app-main` (`hidden`) and of `other-main` (`own`)."""

    served: Served
    hidden: dict[str, str]
    own: dict[str, str]


@contextmanager
def tenants(folder: Path) -> Iterator[Tenants]:
    """While the block lasts, a server in `folder`."""
    policy = str(folder / "policy.yaml")
    repos = {name: {"path": f"{folder}/{name}.git", "policy": policy} for name in ("app", "other")}
    targets = {f"{name}-main": {"target": f"git:{folder}/{name}.git#main", "repo": name, "policy": policy} for name in repos}
    with serving(folder, repos=repos, targets=targets) as served:
        shutil.copytree(served.bare, folder / "other.git")
        own, hidden = _things(served, "other", "olga"), _things(served, "app", "hidden-author")
        yield Tenants(served, hidden, own)


def _things(served: Served, name: str, author: str) -> dict[str, str]:
    """A run, a check, a backup and a breaker of one target."""
    token = served.token_for(*SCOPES, name=author)
    run = served.post("/api/v1/runs", {"target": f"{name}-main", "patch": UNFIT}, 202, token=token)["run"]
    check = served.post("/api/v1/runs", {"command": "check", "repo": name, "patch": UNFIT}, 202, token=token)["run"]
    for one in (run, check):
        served.over(one)
    said = {"state": "open", "key": [f"{name}-main"], "reason": HUSH if name == "app" else "mine", "time": "1h"}
    served.post("/api/v1/breakers/promotion/state", said, token=token)
    backup = a_backup(served, f"{name}\n".encode(), f"git:{served.folder}/{name}.git#refs/heads/main", run)
    return {"run": run, "check": check, "backup": backup}
