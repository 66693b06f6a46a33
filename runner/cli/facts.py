"""The facts that `seatrial doctor` tells: each asked for by itself, so that one that fails hides no other."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final, NamedTuple

from runner import __version__
from runner.errors import InfrastructureError, PolicyInvalid, SeatrialError, UsageError
from runner.store.places import claim, places

if TYPE_CHECKING:
    from runner.sandbox.engine import Engine

MARKS: Final = {"ok": "ok", "warn": "warn", "bad": "BAD"}
_SCARCE, _TOO_LITTLE = 5 * 2**30, 2**30
"""Bytes of free disk below which doctor warns, and below which a check may well fail."""
_OLDEST_GIT = (2, 34)
_REMOTE = "the engine does not see this machine's files: working copies are streamed to it, which is slower"


class Fact(NamedTuple):
    """One fact: `status` is `ok`, `warn`, or `bad` when no check could run because of it."""

    name: str
    status: str
    value: str
    hint: str = ""


def facts(repo: Path) -> Iterator[Fact]:
    """Every fact, in the order in which one would repair them."""
    yield Fact("seatrial", "ok", f"{__version__}, python {platform.python_version()} at {sys.executable}")
    yield from _asked("git", _git)
    yield from _asked("cores", _cores)
    yield from _asked("cache", lambda: _directory("cache", places().cache))
    yield from _asked("state", lambda: _directory("state", places().state))
    yield from _asked("database", _database)
    yield from _asked("record", _record)
    yield from _asked("promotions", _promotions)
    yield from _engine_facts()
    yield from _asked("policy", lambda: _policy(repo))


def _asked(name: str, question: Callable[[], Iterator[Fact]]) -> Iterator[Fact]:
    try:
        yield from question()
    except SeatrialError as problem:
        yield Fact(name, "bad", str(problem), problem.hint)
    except Exception as problem:  # noqa: BLE001 - a fact that cannot be told is one, too
        yield Fact(name, "bad", f"cannot be told: {type(problem).__name__}: {problem}")


def _git() -> Iterator[Fact]:
    from runner.git.command import Git

    said = Git(Path("/"), Path("/nonexistent")).run("version").out.decode("utf-8", "replace").strip()
    found = re.search(r"(\d+)\.(\d+)", said)
    good = found is not None and (int(found[1]), int(found[2])) >= _OLDEST_GIT
    yield Fact("git", "ok" if good else "bad", said or "gives no version", "" if good else "Install git 2.34 or later.")


def _cores() -> Iterator[Fact]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    hint = "" if cores > 1 else "The base and the patched suite run one after the other."
    yield Fact("cores", "ok" if cores > 1 else "warn", str(cores), hint)


def _directory(name: str, directory: Path) -> Iterator[Fact]:
    claim(directory)
    try:
        with TemporaryFile(dir=directory) as probe:
            probe.write(b"x" * 4096)
    except OSError as problem:
        raise InfrastructureError(
            f"{directory} cannot be written: {problem.strerror}", hint="Free some space, or set XDG_CACHE_HOME and XDG_STATE_HOME."
        ) from problem
    free = shutil.disk_usage(directory).free
    status = "bad" if free < _TOO_LITTLE else "warn" if free < _SCARCE else "ok"
    yield Fact(name, status, f"{directory} is writable, {free / 2**30:.1f} GiB free", "Free some disk space." if status != "ok" else "")


def _database() -> Iterator[Fact]:
    from runner.store.database import Database

    database = Database(places().state)
    yield Fact("database", "ok", f"{database.version()} answers at {database.server.name}")


def _record() -> Iterator[Fact]:
    from runner.store.runs import SqlRuns

    newest = SqlRuns(places().state).list(1)
    yield Fact("record", "ok", f"readable, newest run {newest[0].id}" if newest else "no run yet")


def _promotions() -> Iterator[Fact]:
    from runner.store.executors import SUBMIT, WATCH, Executors
    from runner.store.promotions import SqlPromotions

    state = places().state
    promotions, executors = SqlPromotions(state), Executors(state)
    try:
        unfinished = promotions.open()
        lonely = bool(unfinished) and not executors.live(SUBMIT) and not executors.live(WATCH)
    finally:
        promotions.close()
    hint = "Let somebody end it: seatrial watch --once"
    said = f"{len(unfinished)} not confirmed yet, first run {unfinished[0].run}" if unfinished else "none waits to be confirmed"
    yield Fact("promotions", "warn" if lonely else "ok", f"{said}{', and nobody works on it' if lonely else ''}", hint if lonely else "")


def _engine_facts() -> Iterator[Fact]:
    from runner.sandbox.engine import Engine

    engine = Engine()
    try:
        told = tuple(_asked("docker", lambda: _engine(engine)))
        yield from told
        if all(fact.status != "bad" for fact in told):
            yield from _asked("base image", lambda: _base_image(engine))
            yield from _asked("leftovers", lambda: _leftovers(engine))
    finally:
        engine.close()


def _engine(engine: "Engine") -> Iterator[Fact]:
    info = engine.info
    parts = [f"{info.get('ServerVersion', '?')} at {engine.address}", "local" if engine.on_this_host else "remote"]
    parts += [f"cgroup v{info.get('CgroupVersion') or '?'} ({info.get('CgroupDriver', '?')})", f"storage {info.get('Driver', '?')}"]
    parts += [f"runtime {info.get('DefaultRuntime', '?')}", "rootless" if engine.has_option("rootless") else "root"]
    yield Fact("docker", "ok", ", ".join(parts))
    if not engine.shares_our_files:
        yield Fact("files", "warn", _REMOTE)


def _base_image(engine: "Engine") -> Iterator[Fact]:
    from runner.sandbox.image import base, debian
    from runner.sandbox.image.named import local_image
    from runner.sandbox.image.registry import registry_has

    reference = f"{base.REPOSITORY}:{base.base_key(base.AUTO)}"
    present = local_image(engine, reference) is not None
    answers = registry_has(engine.api, base.REGISTRY_IMAGE, places().cache / "registry.json")
    yield Fact("registry", "ok", f"{'offers' if answers else 'none offers'} {base.REGISTRY_IMAGE}")
    if present:
        yield Fact("base image", "ok", f"{reference} is there")
    elif answers or debian.can_build():
        source = "from the registry" if answers else "of Debian packages"
        yield Fact("base image", "ok", f"not there yet; the first check makes it {source}")
    else:
        hint = "Let a registry be reachable, install mmdebstrap, or name an image by `sandbox.image` or `sandbox.build.base` in the policy."
        yield Fact("base image", "warn", "not there, no registry answers, and mmdebstrap is not installed", hint)


def _leftovers(engine: "Engine") -> Iterator[Fact]:
    from runner.sandbox.leftovers import sweep_all

    gone = sweep_all(engine, places().cache)
    found = f"removed what killed runs left: {gone.containers} containers, {gone.volumes} volumes, {gone.runs} directories"
    yield Fact("leftovers", "ok", found if any(gone) else "none")


def _policy(repo: Path) -> Iterator[Fact]:
    from runner.git.objects import PrivateObjects
    from runner.policy.load import find_policy
    from runner.sandbox import live

    try:
        with live.scratch(claim(places().cache) / "live") as private, PrivateObjects(repo, private / "objects") as objects:
            loaded = find_policy(None, objects, objects.tree_of(objects.resolve("HEAD")), "HEAD")
    except UsageError as problem:  # doctor may be asked anywhere
        yield Fact("policy", "warn", str(problem), problem.hint)
    except PolicyInvalid as problem:
        yield Fact("policy", "bad", "; ".join(problem.problems), problem.hint)
    else:
        yield Fact("policy", "warn" if loaded.warnings else "ok", loaded.source, "; ".join(loaded.warnings))
