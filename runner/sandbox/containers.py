"""The Sandbox port over a Docker engine: one fresh hardened container per job, and nothing left of it afterwards."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from threading import Event, Lock
from typing import Any, Self

from runner.errors import ImageUnavailable, InfrastructureError
from runner.model.sandbox import Execution, Job
from runner.model.suite import Stop, Usage
from runner.ports import Reader, Trees
from runner.sandbox import hosts, leftovers, live, workcopy
from runner.sandbox.engine import Engine, speaking
from runner.sandbox.profile import (
    ELSEWHERE,
    ENVIRONMENT,
    HOME,
    HOSTNAME,
    TMP,
    WORK,
    Box,
    Host,
    astray,
    configuration,
    differences,
    expected,
)
from runner.sandbox.snapshots import Snapshots, disk_errors
from runner.sandbox.streams import Conversation
from runner.sandbox.treewriter import owner_for, stranger_to
from runner.sandbox.watch import Watch, kill

_ARGUMENT, _ARGUMENTS = 100_000, 1_500_000
"""Bytes of one argument and of all together that a program can be given on any Linux."""
_MODULES = ("force", "tree", "children", "parts", "launch")
_LOAD = """\
import json, sys, types
for name, text in json.loads(sys.argv[1]).items():
    sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name + ".py", "exec"), sys.modules[name].__dict__)
"""


@dataclass
class _Flight:
    """One run in progress, and what to clean up after it."""

    live: live.Live
    containers: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"seatrial-{self.live.id}"


class DockerSandbox:
    """Disposable containers over one cache directory; safe for several threads. Close it to wait for all removals."""

    def __init__(self, engine: Engine, cache: Path, *, note: Callable[[str], None] = lambda _: None, strategy: str = "") -> None:
        """`strategy` forces `overlay` or `stream`."""
        self._engine = engine
        self._cache = cache
        self._owner = owner_for(os.getuid(), os.getgid())
        self._snapshots = Snapshots(cache, self._owner, note)
        self._note = note
        self._strategy = strategy
        self._home = leftovers.home_label(cache)
        self._workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sandbox")
        self._flights: dict[str, _Flight] = {}
        self._removals: list[Future[None]] = []
        self._guard = Lock()
        self._cancelled = Event()
        self._swept: Future[leftovers.Swept] | None = None
        self.under_way = Event()
        """Set once the first suite runs: from then on this process mostly waits, and other work costs nothing."""

    def start(self) -> None:
        """Sweep what dead runs left and open the connection, both in the background; `run` does it when nobody did."""
        with self._guard:
            if self._swept is None:
                self._swept = self._workers.submit(leftovers.sweep, self._engine, self._cache)
                self._workers.submit(lambda: self._engine.info)

    def run(self, job: Job, trees: Trees, reader: Reader, *, stalled: Callable[[], bool] = lambda: False) -> Execution:
        """Run one job to its end in a fresh container and feed its report records to `reader`, in another thread.

        Raises EngineUnavailable, ImageUnavailable, InfrastructureError, and for trees that cannot be written UsageError or
        ChangeRefused.
        """
        self.start()
        kind = self._strategy or workcopy.strategy(self._engine, self._cache)
        try:
            return self._attempt(kind, job, trees, reader, stalled)
        except workcopy.OverlayRefused as problem:
            if self._strategy:
                raise InfrastructureError(f"The working copy cannot be made: {problem}") from problem
            self._note(f"The engine cannot mount a copy-on-write working copy here; streaming the tree instead ({problem}).")
            self._strategy = workcopy.STREAM
            return self._attempt(workcopy.STREAM, job, trees, reader, stalled)

    def _attempt(self, kind: str, job: Job, trees: Trees, reader: Reader, stalled: Callable[[], bool]) -> Execution:
        flight = self._take_off()
        try:
            box, copy = self._box(kind, flight, job, trees)
            watch = self._create(kind, flight, box, job, reader)
            started = self._launch(kind, flight)
            stop, status = watch.until_dead(started, stalled, self._cancelled)
            seconds = time.monotonic() - started
            state = self._state(flight)
        except BaseException:
            self._strike(flight)
            raise
        finally:
            self._retire(flight)
        facts = _verified(watch, expected(box, Host.of(self._engine.info), copy.size))
        return _execution(stop, status, seconds, state, watch, facts, kind)

    def _take_off(self) -> _Flight:
        if self._cancelled.is_set():
            raise InfrastructureError("The run was cancelled.")
        with disk_errors("make the directory of the run"):
            flight = _Flight(live.begin(self._cache / "live"))
        with self._guard:
            self._flights[flight.live.id] = flight
        return flight

    def _box(self, kind: str, flight: _Flight, job: Job, trees: Trees) -> tuple[Box, workcopy.WorkCopy]:
        labels = leftovers.labels(flight.live.id, job.purpose, self._home)
        name = ELSEWHERE if job.elsewhere else HOSTNAME
        place = workcopy.Place(self._engine, flight.live.path, flight.name, labels, self._owner)
        flight.containers += [f"{flight.name}-holder"]
        flight.volumes += [f"{flight.name}-work", f"{flight.name}-upper"]
        mounts: tuple[dict[str, Any], ...] = ()
        if kind == workcopy.OVERLAY:
            copy = workcopy.overlay(place, job, trees, self._snapshots, self._workers)
            with disk_errors("write the names of the sandbox"):
                mounts = (hosts.mount(place.directory, name),)
        else:
            copy = workcopy.stream(place, job, trees)
        host = Host.of(self._engine.info)
        user = stranger_to(self._owner) if job.parts or job.elsewhere else self._owner
        box = Box(job.image.id, (), (copy.mount, *mounts), job.limits, self._owner, labels, job.runtime, user, name)
        return box._replace(command=_command(job, box, copy, expected(box, host, copy.size))), copy

    def _create(self, kind: str, flight: _Flight, box: Box, job: Job, reader: Reader) -> Watch:
        host = Host.of(self._engine.info)
        flight.containers.append(flight.name)
        try:
            with speaking("create the sandbox", self._engine.address):
                container = self._engine.api.create_container_from_config(configuration(box, host), flight.name)["Id"]
                inspected = self._engine.api.inspect_container(container)
        except InfrastructureError as problem:
            if kind == workcopy.OVERLAY and hosts.is_unseen(problem):
                raise workcopy.OverlayRefused(str(problem)) from problem
            raise
        if wrong := differences(box, host, inspected):
            hint = "An image must declare no volumes; an engine that drops options is too old."
            raise InfrastructureError(f"Hardening not in force: the engine changed {', '.join(wrong)}.", hint=hint)
        if odd := astray(inspected):
            hint = "A variable of the image must not lead into the working copy or any other place that a suite writes to."
            raise ImageUnavailable(f"The image cannot be used: {ascii(odd)[:300]} decides what starts before the suite.", hint=hint)
        watch = Watch(self._engine, container, job.limits, reader, carries_file=job.report_file is not None)
        watch.errand_seconds = job.errands.total if job.errands else 0.0
        watch.listen()
        return watch

    def _launch(self, kind: str, flight: _Flight) -> float:
        try:
            with speaking("start the sandbox", self._engine.address):
                self._engine.api.start(flight.name)
        except InfrastructureError as problem:
            if kind == workcopy.OVERLAY and workcopy.is_mount_failure(problem):
                raise workcopy.OverlayRefused(str(problem)) from problem
            if "executable file not found" in str(problem):
                hint = "It must hold python3 (3.8 or newer) in PATH."
                raise ImageUnavailable(f"The image cannot be used: {problem}", hint=hint) from problem
            raise
        self.under_way.set()
        return time.monotonic()

    def _state(self, flight: _Flight) -> Mapping[str, Any]:
        with speaking("ask how the sandbox ended", self._engine.address):
            inspected = self._engine.api.inspect_container(flight.name)
        return {**inspected["State"], "Runtime": inspected["HostConfig"].get("Runtime", "")}

    def _strike(self, flight: _Flight) -> None:
        with suppress(InfrastructureError):
            kill(self._engine, flight.name)

    def _retire(self, flight: _Flight) -> None:
        """Hand everything of a run to a background thread for removal."""
        with self._guard:
            self._flights.pop(flight.live.id, None)
            self._removals = [removal for removal in self._removals if not removal.done()]
            self._removals.append(self._workers.submit(self._remove, flight))

    def _remove(self, flight: _Flight) -> None:
        try:
            for container in reversed(flight.containers):
                leftovers.remove_container(self._engine, container)
            for volume in flight.volumes:
                leftovers.remove_volume(self._engine, volume)
        except InfrastructureError:
            os.close(flight.live.lock)  # the directory stays, so that the next start sweeps by its name
        else:
            flight.live.dispose()

    def cancel(self) -> None:
        """Kill every container now, from any thread; runs in progress raise InfrastructureError, later ones too."""
        self._cancelled.set()
        with self._guard:
            flights = tuple(self._flights.values())
        for flight in flights:
            self._strike(flight)

    def ping(self) -> float:
        """Seconds that the engine takes to answer; raises EngineUnavailable when it has not within five."""
        return self._engine.ping()

    def storage(self) -> Path | None:
        """Where the engine keeps images and containers, if this process can see that."""
        return self._engine.storage

    def close(self) -> None:
        """Wait until everything of all runs is removed, and drop the connections."""
        with self._guard:
            flights = tuple(self._flights.values())
        for flight in flights:
            self._strike(flight)
        self._workers.shutdown(wait=True)
        self._snapshots.close()
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


@cache
def _launcher() -> str:
    """The launcher's modules by name, each loaded before those that need it."""
    home = resources.files("runner.sandbox.inside")
    return json.dumps({name: home.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in _MODULES})


def _command(job: Job, box: Box, copy: workcopy.WorkCopy, facts: Mapping[str, Any]) -> tuple[str, ...]:
    config = json.dumps(
        {
            "argv": job.argv,
            "parts": job.parts,
            "user": box.runs_as,
            "owner": box.owner,
            "env": {**ENVIRONMENT, **job.env},
            "work": WORK,
            "places": [WORK, TMP, HOME],
            "expected": facts,
            "sample": copy.sample,
            "links": copy.links,
            "report_file": job.report_file,
            "report_limit": job.limits.report,
            "errands": job.errands.model_dump(mode="json") if job.errands else None,
        }
    )
    if len(config) > _ARGUMENTS:
        raise InfrastructureError("The suite's command is too long to be started.", hint="Name fewer tests at once.")
    pieces = (config[at : at + _ARGUMENT] for at in range(0, len(config), _ARGUMENT))
    return ("python3", "-I", "-S", "-c", _LOAD, _launcher(), *pieces)


def _verified(watch: Watch, wanted: Mapping[str, Any]) -> dict[str, str]:
    """What is in force, as the launcher read it before anything of the repository ran; raises InfrastructureError."""
    launch = watch.conversation.launch
    if launch is None or not isinstance(facts := launch.get("facts"), dict):
        last = watch.log.text.strip()[-400:]
        said = ascii(last) if last else "it said nothing"
        raise InfrastructureError(f"The sandbox did not come up: {said}.", hint="Does the image's python3 work?")
    wrong = [f"{name} is {facts.get(name)!r}, asked for {value!r}" for name, value in wanted.items() if facts.get(name) != value]
    if wrong:
        raise InfrastructureError(f"Hardening not in force: {'; '.join(wrong)}.", hint="`seatrial doctor` shows what the engine supports.")
    if watch.conversation.refused:
        raise InfrastructureError(f"Hardening not in force: {ascii(watch.conversation.refused)[:500]}.")
    if launch.get("foreign"):
        raise InfrastructureError(f"The working copy inside is not the tree asked for: {ascii(launch['foreign'])[:300]}.")
    return {name: str(value) for name, value in facts.items()} | {"python": str(launch.get("python", ""))}


def _execution(
    stop: Stop, status: int | None, seconds: float, state: Mapping[str, Any], watch: Watch, facts: dict[str, str], kind: str
) -> Execution:
    said = _last_word(watch.conversation, status)
    if stop is Stop.EXITED and (state.get("OOMKilled") or _count(said, "oom_kills")):
        stop = Stop.OUT_OF_MEMORY
    if stop is Stop.EXITED and watch.conversation.file_too_large:
        stop = Stop.REPORT_TOO_LARGE
    full = said.get("disk_full")
    cpu = said.get("cpu_seconds")
    return Execution(
        stop=stop,
        exit_code=status,
        log=watch.log.text,
        log_truncated=watch.log.truncated,
        usage=Usage(
            seconds=seconds,
            cpu_seconds=float(cpu) if isinstance(cpu, int | float) else None,
            memory_peak=_count(said, "memory_peak"),
            pids_denied=_count(said, "pids_denied"),
            disk_full=full if full in (WORK, TMP, HOME) else None,
        ),
        working_copy=kind,
        runtime=str(state.get("Runtime") or ""),
        in_force=facts,
        child_status=_count(said, "status"),
        garbage=watch.garbage,
        survivors=_count(said, "survivors") or 0,
        report_file=watch.conversation.file if said else None,
        parts=tuple(watch.conversation.parts),
        errands=watch.conversation.errands if said else None,
    )


def _last_word(conversation: Conversation, status: int | None) -> Mapping[str, Any]:
    """The launcher's `exit` record, if the engine saw the same status."""
    end = conversation.end
    return end if end is not None and end.get("status") == status else {}


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
