"""What was settled for a base, kept in the cache: reading a large test folder takes longer than a check has before its container starts."""

import logging
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from runner import __version__
from runner.discovery.decision import Decision
from runner.discovery.settled import Settled
from runner.ports import Trees
from runner.replacing import replace
from runner.sandbox.options import Build, Sandbox
from runner.trial.options import Tests

RULES = "3"
"""Counted up with every change of what discovery finds between releases, so that nothing is taken from before."""
_ENTRY = TypeAdapter(tuple[Tests, Build | None, dict[str, str], tuple[tuple[str, str, str], ...]])
"""Of the section `sandbox` only what discovery fills in: limits in JSON are rounded for people."""
log = logging.getLogger(__name__)


def settle_once(folder: Path, tests: Tests, sandbox: Sandbox, trees: Trees, base_tree: str) -> Settled:
    """As `settle`, from what `folder` keeps where it can be; an entry that cannot be read counts as absent."""
    asked = (tests, sandbox.build, sandbox.env, ((sandbox.image or "", f"{__version__} {RULES}", base_tree),))
    file = folder / f"{sha256(_ENTRY.dump_json(asked)).hexdigest()}.json"
    if (known := _load(file, sandbox)) is not None:
        return known
    from runner.discovery.settle import settle

    settled = settle(tests, sandbox, trees, base_tree)
    _save(file, settled)
    return settled


def _load(file: Path, sandbox: Sandbox) -> Settled | None:
    try:
        tests, build, env, decisions = _ENTRY.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
    with suppress(OSError):  # its time is that of its last use
        os.utime(file)
    filled = sandbox.model_copy(update={"build": build, "env": env})
    return Settled(tests, filled, tuple(Decision(*told) for told in decisions))


def _save(file: Path, settled: Settled) -> None:
    """Written beside and renamed; a full disk is no error."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(file, _ENTRY.dump_json((settled.tests, settled.sandbox.build, settled.sandbox.env, settled.decisions)))
    except OSError as problem:
        log.warning("what was settled cannot be kept: %s", problem)
