"""The section `monitor` of the policy: what is asked of a promoted change, and when that confirms it or takes it back."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    create_model,
    model_serializer,
    model_validator,
)

from runner.model.text import cut, printable
from runner.model.units import Duration, Percent, percent, show_duration, show_percent
from runner.model.value import Value
from runner.probes import kinds
from runner.probes.probe import Common, Fault, Probe
from runner.probes.ranks import smallest_chance
from runner.probes.sprt import Sprt

MOST_PROBES: Final = 20
_LONGEST_NAME: Final = 60
_ONE_OF: Final = f"one of: {', '.join(kinds())}"

Rise = Annotated[
    float,
    Field(ge=0),
    BeforeValidator(percent),
    PlainSerializer(show_percent, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*%\s*$", "examples": ["25%"]}),
]
"""By how much something may grow; 100% is twice as much."""


class _Flat(Common):
    """One probe: exactly one key that says what kind it is, the keys of that kind, and the keys common to all."""

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """Where a kind has other values than all others for keys that are not given, they stand for them."""
        named = [name for name in kinds() if name in data] if isinstance(data, dict) else []
        return {**kinds()[named[0]].preset, **data} if len(named) == 1 else data

    @model_serializer(mode="wrap")
    def _own(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the keys of other kinds."""
        data: dict[str, Any] = handler(self)
        kind = kind_of(self)
        return {name: value for name, value in data.items() if kind is None or name in kind.Options.model_fields}


def _bases() -> tuple[type[BaseModel], ...]:
    return (_Flat, *(kind.Options for kind in reversed(kinds().values())))  # of the last base the fields come first


def _dependent() -> dict[str, list[str]]:
    """Which key of a probe needs which kind, for editors."""
    own = {name: set(kind.Options.model_fields) - set(Common.model_fields) - {name} for name, kind in kinds().items()}
    return {key: [name] for name, keys in own.items() for key in sorted(keys)}


if TYPE_CHECKING:
    ProbeOptions = Any
else:
    ProbeOptions = create_model(
        "Probe",
        __base__=_bases(),
        __doc__=_Flat.__doc__,
        __module__=__name__,
        **{name: (kind.Options.model_fields[name].rebuild_annotation() | None, None) for name, kind in kinds().items()},
    )
    ProbeOptions.model_config["json_schema_extra"] = {"dependentRequired": _dependent()}
    ProbeOptions.model_rebuild(force=True)


class Latency(Value):
    """How the answers' times compare with those before the promotion, once, right before it would be confirmed (Mann and Whitney's test)."""

    max_regression: Rise | None = None
    """By how much answers may become slower, e.g. 25%; beyond that the promotion is taken back. Left out: they are not compared."""
    confidence: Annotated[Percent, Field(gt=0.5, lt=1)] = 0.98
    """How sure it must be that they are slower than that."""
    min_samples: Annotated[int, Field(ge=1, le=100)] = 20
    """Answers before and after below which nothing is decided, and then nothing is confirmed either."""


class Advanced(Value):
    """What seldom needs another value."""

    initial_delay: Duration = 0.0
    """How long after the promotion the first reading is taken; for services that take a while to start."""
    failures: Annotated[int, Field(ge=1, le=1000)] = 3
    """Failures in a row of one probe that are enough, whatever was before."""
    no_data: Annotated[int, Field(ge=1, le=1000)] = 5
    """Readings without data in a row after which what a probe said before does not count as healthy any more."""
    p_healthy: Annotated[Percent, Field(gt=0, lt=1)] = 0.01
    """The share of readings that fail by chance while all is well."""
    p_broken: Annotated[Percent, Field(gt=0, lt=1)] = 0.2
    """The share of readings that fail when something is wrong."""
    alpha: Annotated[Percent, Field(gt=0, lt=0.5)] = 0.001
    """The chance to take a probe that is healthy for broken."""
    beta: Annotated[Percent, Field(gt=0, lt=0.5)] = 0.01
    """The chance to take a probe that is broken for healthy."""
    latency: Latency = Latency()
    """Whether answers became slower than before the promotion."""

    @property
    def test(self) -> Sprt:
        """The sequential test that these numbers make."""
        return Sprt(self.p_healthy, self.p_broken, self.alpha, self.beta)


class Monitor(Value):
    """How a promotion is watched, and what confirms it or takes it back. Without probes only `seatrial confirm` confirms."""

    probes: tuple[ProbeOptions, ...] = ()
    """What is asked again and again: each item has one key that says what kind it is (http, tcp, command, process, host, suite)."""
    confirm_after: Annotated[Duration, Field(gt=0)] = 30.0
    """The earliest that a promotion is confirmed, if by then all probes are healthy."""
    deadline: Annotated[Duration, Field(gt=0)] = 300.0
    """When a promotion that is not confirmed is given up, even if nobody watches any more."""
    on_undecided: Literal["rollback", "hold"] = "rollback"
    """What follows when the deadline comes first: take it back, or hold it for a person. It is never confirmed."""
    watcher: Literal["optional", "required"] = "optional"
    """Whether to promote only while a `seatrial watch` lives that enforces the deadline, too."""
    advanced: Advanced = Advanced()
    """What seldom needs another value."""


def kind_of(probe: ProbeOptions) -> type[Probe] | None:
    """The kind of an item of `probes`; `None` where none or several are named."""
    named = [kind for name, kind in kinds().items() if getattr(probe, name) is not None]
    return named[0] if len(named) == 1 else None


def name_of(probe: ProbeOptions) -> str:
    """What a probe is called: its name, or its kind and what it asks."""
    kind = kind_of(probe)
    if probe.name is not None or kind is None:
        return str(probe.name or "probe")
    return cut(printable(f"{kind.kind} {kind.subject(_own(probe, kind))}".strip()), _LONGEST_NAME)


def made(options: Monitor) -> tuple[Probe, ...]:
    """The probes of a policy without faults, ready to be asked; raises ValueError for an item that is none or several."""
    return tuple(_made(probe) for probe in options.probes)


def faults(options: Monitor) -> Iterator[Fault]:
    """What is wrong between keys that are right one by one, by the path below `monitor`."""
    if len(options.probes) > MOST_PROBES:
        yield ("probes", MOST_PROBES), f"{len(options.probes)} probes; {MOST_PROBES} are asked at most"
    names = Counter(name_of(probe) for probe in options.probes)
    for index, probe in enumerate(options.probes):
        for path, what in _of_probe(probe, options):
            yield ("probes", index, *path), what
        if names[name_of(probe)] > 1 and kind_of(probe) is not None:
            what = f'two probes are called "{name_of(probe)}"; give each a name of its own'
            yield ("probes", index, *(("name",) if probe.name is not None else ())), what
    yield from _of_times(options)
    yield from _of_numbers(options)


def warnings(options: Monitor) -> Iterator[Fault]:
    """What is allowed and probably not meant."""
    for index, probe in enumerate(options.probes):
        kind = kind_of(probe)
        needed = earliest(probe, options)
        if (
            kind is not None
            and not kind.conclusive
            and options.confirm_after < needed < options.deadline
            and not tuple(_of_numbers(options))
        ):
            what = f"it takes {options.advanced.test.passes} passes, {show_duration(round(needed, 3))}, to be healthy"
            yield ("probes", index), f"{what}: nothing is confirmed after confirm_after {show_duration(options.confirm_after)} already"


def earliest(probe: ProbeOptions, options: Monitor) -> float:
    """Seconds until a probe that always passes at once is healthy."""
    kind = kind_of(probe)
    passes = 1 if kind is not None and kind.conclusive else options.advanced.test.passes
    return float(options.advanced.initial_delay + (passes - 1) * probe.interval)


def _own(probe: ProbeOptions, kind: type[Probe]) -> Common:
    return kind.Options.model_construct(**{name: getattr(probe, name) for name in kind.Options.model_fields})


def _made(probe: ProbeOptions) -> Probe:
    kind = kind_of(probe)
    if kind is None:
        raise ValueError(f"a probe has one key of {_ONE_OF}")
    return kind(name_of(probe), _own(probe, kind))


def _of_probe(probe: ProbeOptions, options: Monitor) -> Iterator[Fault]:
    named = [name for name in kinds() if getattr(probe, name) is not None]
    if len(named) != 1:
        found = f"{' and '.join(named)} are two probes; keep" if named else "what is to be asked is missing; give"
        yield tuple(named[1:2]), f"{found} {_ONE_OF}"
        return
    kind = kinds()[named[0]]
    for key in sorted(probe.model_fields_set - set(kind.Options.model_fields)):
        yield (key,), f"{key} is not a key of the probe {kind.kind}; its keys are: {', '.join(kind.Options.model_fields)}"
    yield from kind.faults(_own(probe, kind))
    for key in ("interval", "timeout"):
        if getattr(probe, key) >= options.deadline:
            yield (key,), f"{show_duration(getattr(probe, key))} is not less than monitor.deadline {show_duration(options.deadline)}"
            return
    if not tuple(_of_numbers(options)) and (needed := earliest(probe, options)) >= options.deadline:
        passes = 1 if kind.conclusive else options.advanced.test.passes
        what = f"{passes} passes every {show_duration(probe.interval)} take {show_duration(round(needed, 3))}"
        yield ("interval",), f"{what}; deadline {show_duration(options.deadline)} comes first, so it can never be healthy"


def _of_times(options: Monitor) -> Iterator[Fault]:
    deadline = show_duration(options.deadline)
    if options.confirm_after >= options.deadline:
        yield ("confirm_after",), f"{show_duration(options.confirm_after)} is not less than deadline {deadline}: nothing could be confirmed"
    if options.advanced.initial_delay >= options.deadline:
        yield ("advanced", "initial_delay"), f"{show_duration(options.advanced.initial_delay)} is not less than deadline {deadline}"


def _of_numbers(options: Monitor) -> Iterator[Fault]:
    given, latency = options.advanced, options.advanced.latency
    if given.p_healthy >= given.p_broken:
        what = f"{show_percent(given.p_healthy)} is not less than p_broken {show_percent(given.p_broken)}: nothing could be told apart"
        yield ("advanced", "p_healthy"), what
    if latency.max_regression is None:
        return
    above = ("advanced", "latency")
    if smallest_chance(latency.min_samples, latency.min_samples) > 1 - latency.confidence:
        what = f"{latency.min_samples} answers before and after can never reach a confidence of {show_percent(latency.confidence)}"
        yield (*above, "min_samples"), what
    timed = [probe for probe in options.probes if (kind := kind_of(probe)) is not None and kind.timed]
    if not timed:
        yield (*above, "max_regression"), "no probe measures how long answers take; give one of http or tcp, or leave this out"
    for probe in timed:
        needed = given.initial_delay + (latency.min_samples - 1) * probe.interval
        if needed >= options.deadline:
            what = f'{latency.min_samples} answers of "{name_of(probe)}" take {show_duration(round(needed, 3))}'
            yield (*above, "min_samples"), f"{what}; deadline {show_duration(options.deadline)} comes first"
