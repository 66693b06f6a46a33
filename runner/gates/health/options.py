"""The section `preflight.health` of the policy: which signals are judged, and by what limits."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from runner.gates.health.signals import ROOM, SIGNALS
from runner.model.threshold import Comparison, Threshold, Unit, parse, written
from runner.model.units import Duration, show_duration
from runner.model.value import Value

if TYPE_CHECKING:
    Free: TypeAlias = Threshold
    Share: TypeAlias = Threshold
    Stalled: TypeAlias = Threshold
    Delay: TypeAlias = Threshold
else:
    _told = Field(description="A quoted comparison, or none for no limit; with `and`, both must be met.")
    Free = Annotated[written("<", Unit.SHARE, Unit.SIZE), _told]
    Share = Annotated[written("<", Unit.SHARE), _told]
    Stalled = Annotated[written(">", Unit.SHARE), _told]
    Delay = Annotated[written(">", Unit.TIME), _told]

KEPT = 7 * 86400.0
"""Seconds that the history goes back."""
SILENCE = 5.0
"""Seconds after which an engine that has not answered is taken for silent."""
_FREE, _SHARE, _STALL, _DELAY = ("<", Unit.SHARE, Unit.SIZE), ("<", Unit.SHARE), (">", Unit.SHARE), (">", Unit.TIME)


class Signal(Value):
    """The limits of one signal."""

    soft: Threshold = Threshold()
    hard: Threshold = Threshold()
    hold: Annotated[Duration, Field(description="How long a breach must last, without a gap in the readings, before it counts.")] = 0.0


class DiskFree(Signal):
    """What is free on the file systems of the state folder, the cache and Docker's data, as `df` shows it."""

    soft: Free = parse("<15% and <5GiB", *_FREE)
    hard: Free = parse("<10% and <1GiB", *_FREE)


class InodesFree(Signal):
    """Inodes free there; file systems without a table of inodes have no such limit."""

    soft: Share = parse("<10%", *_SHARE)
    hard: Share = parse("<5%", *_SHARE)


class MemoryAvailable(Signal):
    """Memory that can be had without swapping, of the host or of the control group."""

    soft: Free = parse("<15% and <2GiB", *_FREE)
    hard: Free = parse("<5% and <512MiB", *_FREE)


class PidsFree(Signal):
    """Processes and threads that can still be started."""

    soft: Share = parse("<20%", *_SHARE)
    hard: Share = parse("<10%", *_SHARE)


class PsiMemory(Signal):
    """The share of the last 10s in which everything waited for memory."""

    soft: Stalled = parse(">10%", *_STALL)
    hard: Stalled = parse(">40%", *_STALL)


class PsiIo(Signal):
    """The share of the last 60s in which everything waited for disks."""

    soft: Stalled = parse(">80%", *_STALL)
    hard: Stalled = Threshold()


class PsiCpu(Signal):
    """The share of the last 60s in which something waited for a CPU."""

    soft: Stalled = parse(">95%", *_STALL)
    hard: Stalled = Threshold()


class Cpu(Signal):
    """The share of the CPUs in use between two readings."""

    soft: Stalled = Threshold()
    hard: Stalled = Threshold()


class DockerPing(Signal):
    """How long Docker takes to answer; one that does not answer is in breach of whichever limits there are."""

    soft: Delay = parse(">500ms", *_DELAY)
    hard: Delay = parse(">3s", *_DELAY)


class Room(Value):
    """What this very change needs, as a share of what is free on disk and in memory."""

    soft: Stalled = parse(">50%", *_STALL)
    hard: Stalled = parse(">100%", *_STALL)


class Forecast(Value):
    """When the disk will be full, by the slope of its history; it warns, never more."""

    lookback: Duration = 3600.0
    """The history that it looks at."""
    horizon: Duration = 4 * 3600.0
    """How far ahead a hard limit of disk_free must come for a warning."""


class Advanced(Value):
    """How readings become states."""

    recover: Duration = 300.0
    """How long a signal must stay clear of a limit before it counts as good again."""
    stale: Duration = 30.0
    """The age from which a reading tells nothing, and the gap from which two readings are not one breach."""
    samples: Annotated[int, Field(ge=1, le=100)] = 1
    """How many readings in a row must be in breach before it counts."""
    soft: Literal["warn", "hold"] = "warn"
    """What follows from a soft limit."""
    forecast: Forecast = Forecast()


class Options(Value):
    """The state of the machine that would judge the change."""

    disk_free: DiskFree = DiskFree()
    inodes_free: InodesFree = InodesFree()
    memory_available: MemoryAvailable = MemoryAvailable()
    pids_free: PidsFree = PidsFree()
    psi_memory: PsiMemory = PsiMemory()
    psi_io: PsiIo = PsiIo()
    psi_cpu: PsiCpu = PsiCpu()
    cpu: Cpu = Cpu()
    docker_ping: DockerPing = DockerPing()
    room: Room = Room()
    advanced: Advanced = Advanced()

    def signal(self, name: str) -> Signal:
        """The limits of a signal with a history."""
        found: Signal = getattr(self, name)
        return found


Fault = tuple[tuple[str | int, ...], str]


def faults(options: Options) -> Iterator[Fault]:
    """What is wrong between keys that are right one by one."""
    for name in (*SIGNALS, ROOM):
        signal: Any = getattr(options, name)
        for word in ("soft", "hard"):
            for what in _dead(name, getattr(signal, word)):
                yield (name, word), what
        if _tighter(signal.soft, signal.hard):
            yield (name, "soft"), f'"{signal.soft}" is not looser than hard "{signal.hard}", so it would never be heard of'
    yield from _times(options)


def _dead(name: str, threshold: Threshold) -> Iterator[str]:
    """Why a threshold can never be met: nothing is less than nothing, and no share of the whole is more than the whole."""
    for part in threshold.parts:
        if part.sign == "<" and part.limit <= 0:
            yield f'"{threshold}" can never be true: nothing is less than nothing; write none for no limit'
        elif name != ROOM and part.unit is Unit.SHARE and part.sign == ">" and part.limit >= 1:
            yield f'"{threshold}" can never be true: a share is at most 100%; write none for no limit'
        elif part.unit is Unit.SHARE and part.sign == "<" and part.limit > 1:
            yield f'"{threshold}" is always true: a share is at most 100%'
        elif part.unit is Unit.TIME and part.limit >= SILENCE:
            yield f'"{threshold}" can never be true: an engine that has not answered after {show_duration(SILENCE)} is silent, a breach anyway'


def _tighter(soft: Threshold, hard: Threshold) -> bool:
    """Whether soft is never met before hard is, as far as their units can be compared."""
    limits = {part.unit: part for part in hard.parts}
    shared = [(part, limits[part.unit]) for part in soft.parts if part.unit in limits]
    looser = [_slack(first, second) for first, second in shared]
    return bool(shared) and (min(looser) < 0 or (max(looser) == 0 and len(soft.parts) >= len(hard.parts)))


def _slack(soft: Comparison, hard: Comparison) -> float:
    return soft.limit - hard.limit if soft.sign == "<" else hard.limit - soft.limit


def _times(options: Options) -> Iterator[Fault]:
    given = options.advanced
    if given.stale <= 0:
        yield ("advanced", "stale"), "every reading would be too old; give more than 0"
    elif given.recover < given.stale * given.samples:
        shown = f"{show_duration(given.stale)} x {given.samples}"
        yield (
            ("advanced", "recover"),
            f"{show_duration(given.recover)} is shorter than stale x samples ({shown}): a breach would end between readings",
        )
    for name in SIGNALS:
        if options.signal(name).hold > KEPT:
            yield (name, "hold"), f"the history goes back {show_duration(KEPT)}, so no breach would last that long"
    for path, value in ((("advanced", "recover"), given.recover), (("advanced", "forecast", "lookback"), given.forecast.lookback)):
        if value > KEPT:
            yield path, f"the history goes back {show_duration(KEPT)}"
    if given.forecast.lookback <= 0:
        yield ("advanced", "forecast", "lookback"), "a forecast needs history to look at; give more than 0"
