"""The probe `process`: whether a service's process lives on, is still the same, and keeps to its share of CPU and memory."""

import re
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from runner.model.text import cut, printable, shown
from runner.model.units import Size, percent, show_percent, show_size
from runner.probes.probe import Common, Context, Probe
from runner.probes.procfs import Seen, Unreadable, look, pid_in
from runner.probes.reading import Reading, failed, no_data, passed

_UNIT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,200}\.service")
_ASKED: Final = ("LoadState", "ActiveState", "SubState", "MainPID", "NRestarts")
_SHORTEST: Final = 0.1
"""Seconds between two readings for what lies between them to be a share of CPU."""


def _named(text: str) -> str:
    if text.startswith("/") and text.isprintable():
        return text
    if not _UNIT.fullmatch(text):
        raise ValueError(f"'{text}' is neither the absolute path of a pid file nor a unit; write it like /run/app.pid or app.service")
    return text


Cpus = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(percent),
    PlainSerializer(show_percent, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*%\s*$", "examples": ["90%", "150%"]}),
]
"""A share of one CPU, so that two busy ones are 200%."""


class ProcessOptions(Common):
    """Keys of a probe of a process."""

    process: Annotated[str, AfterValidator(_named), WithJsonSchema({"type": "string", "examples": ["/run/app.pid", "app.service"]})]
    """The service's process: a pid file by its absolute path, or a systemd unit, e.g. app.service."""
    restarts: Annotated[int, Field(ge=0, le=1000)] = 0
    """How often it may be started anew, seen from the first reading on; more are a failure from then on."""
    cpu: Cpus | None = None
    """The most that it may use of one CPU between two readings, e.g. 90%, or 150% for one and a half; not its children's use."""
    memory: Annotated[Size, Field(gt=0)] | None = None
    """The most memory that it may hold (resident), e.g. 512MiB; not its children's."""


class _Found(NamedTuple):
    """The number of the service's process, and how often its keeper says that it was started anew."""

    pid: int
    restarts: int = 0


class ProcessProbe(Probe):
    """Looks at the process itself. A number that was given to another process is told by when that one was started.

    Which process it was before the first reading nobody remembers: with a pid file that was stale already, and whose number another
    process has by then, that one is watched.
    """

    kind = "process"
    Options = ProcessOptions

    def __init__(self, name: str, options: ProcessOptions) -> None:
        super().__init__(name, options)
        self._first: _Found | None = None
        self._last: tuple[Seen, float] | None = None
        self._changes = 0

    @classmethod
    def subject(cls, options: ProcessOptions) -> str:
        """The pid file or the unit."""
        return options.process

    def measure(self, context: Context) -> Reading:
        """Passes when it lives, is the same as before, and is within its limits."""
        try:
            found = self._found(context)
            if isinstance(found, Reading):
                return found
            seen = look(found.pid)
        except Unreadable as problem:
            return no_data(str(problem))
        if seen is None or seen.dead:
            return failed(f"process {found.pid} has ended" + (", and nobody has asked how" if seen else ""))
        restarts = self._restarts(found, seen)
        before, now = self._last, context.monotonic()
        self._last = (seen, now)
        if restarts > self.options.restarts:
            reason = f"started anew {restarts} times since the watch began, now as process {seen.pid}"
            return failed(reason, measured=restarts, limit=self.options.restarts)
        return self._within(seen, now, before)

    def _found(self, context: Context) -> _Found | Reading:
        if self.options.process.startswith("/"):
            pid = pid_in(Path(self.options.process))
            return failed(f"there is no {self.options.process}") if pid is None else _Found(pid)
        return _unit(self.options.process, self.options.timeout, context)

    def _restarts(self, found: _Found, seen: Seen) -> int:
        """How often it was started anew: by what this probe saw of it, or by what its keeper counted."""
        self._first = self._first or found
        if self._last is not None and (seen.pid, seen.started) != (self._last[0].pid, self._last[0].started):
            self._changes += 1
        return max(self._changes, found.restarts - self._first.restarts)

    def _within(self, seen: Seen, now: float, before: tuple[Seen, float] | None) -> Reading:
        """Memory and CPU against their limits; a share of CPU needs an earlier reading of the same process."""
        memory, most = self.options.memory, self.options.cpu
        if memory is not None and seen.resident > memory:
            reason = f"process {seen.pid} holds {show_size(seen.resident)} of memory; the policy allows {show_size(memory)}"
            return failed(reason, measured=seen.resident, limit=memory)
        told = f"process {seen.pid} lives, {show_size(seen.resident)} of memory"
        if most is None:
            return passed(told)
        if before is None or before[0].started != seen.started or now - before[1] < _SHORTEST:
            return no_data(f"{told}; its share of CPU is known from the second reading on")
        share = max(0.0, seen.used - before[0].used) / (now - before[1])
        if share > most:
            return failed(
                f"process {seen.pid} uses {share:.0%} of a CPU; the policy allows {most:.0%}", measured=round(share, 4), limit=most
            )
        return passed(f"{told}, {share:.0%} of a CPU", measured=round(share, 4), limit=most)


probe = ProcessProbe


def _unit(unit: str, seconds: float, context: Context) -> _Found | Reading:
    """The main process of a unit, or what its state alone says."""
    told = _shown_of(unit, seconds, context)
    if isinstance(told, Reading):
        return told
    if told.get("LoadState") != "loaded":
        return no_data(f"systemd has no unit {unit}: {told.get('LoadState', 'it does not say')}")
    state, pid, restarts = (told.get(name, "") for name in ("ActiveState", "MainPID", "NRestarts"))
    if state in ("activating", "reloading"):
        return no_data(f"{unit} is {state}")
    if state != "active":
        return failed(f"{unit} is {state} ({told.get('SubState', '')})")
    if not pid.isdigit() or not int(pid):
        return no_data(f"{unit} is active without a main process")
    return _Found(int(pid), int(restarts) if restarts.isdigit() else 0)


def _shown_of(unit: str, seconds: float, context: Context) -> dict[str, str] | Reading:
    """What `systemctl show` says."""
    from runner.probes.running import run

    try:
        ended = run(("systemctl", "show", f"--property={','.join(_ASKED)}", "--", unit), seconds=seconds, cancelled=context.cancelled)
    except OSError as problem:
        return no_data(f"systemctl cannot be run: {problem.strerror or problem}")
    if ended.status != 0:
        return no_data(f"systemctl does not say: {cut(printable(shown(ended.output).strip()), 200) or 'no answer in time'}")
    return dict(line.partition("=")[::2] for line in shown(ended.output).splitlines())
