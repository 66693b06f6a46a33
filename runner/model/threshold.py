"""Thresholds as people write them: a quoted comparison with a unit, such as `"<15%"`, `">500ms"` or `"<10% and <1GiB"`."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from runner.model.units import duration, exact_duration, exact_size, percent, show_percent, size

NONE: Final = "none"
_FORM = re.compile(r"([<>])\s*([0-9]{1,18}(?:\.[0-9]{1,20})?)\s*(%|[A-Za-z]{1,3})?")
_AND = re.compile(r"\s+and\s+")
_LONGEST = 100


class Unit(StrEnum):
    """What a limit counts."""

    SHARE = "share"
    """A part of something: 0.15 for 15%."""
    SIZE = "size"
    """Bytes."""
    TIME = "time"
    """Seconds."""


_UNITS: Final[Mapping[Unit, tuple[str, ...]]] = {
    Unit.SHARE: ("%",),
    Unit.SIZE: ("B", "KiB", "MiB", "GiB", "KB", "MB", "GB"),
    Unit.TIME: ("ms", "s", "m", "h", "d"),
}
_READ: Final = {Unit.SHARE: percent, Unit.SIZE: size, Unit.TIME: duration}
_EXAMPLES: Final = {Unit.SHARE: "15%", Unit.SIZE: "1GiB", Unit.TIME: "500ms"}


class Comparison(NamedTuple):
    """One limit and the side of it that is bad."""

    sign: str
    """`<` or `>`."""
    limit: float
    unit: Unit

    def met(self, value: float) -> bool:
        """Whether the value is on the bad side."""
        return value < self.limit if self.sign == "<" else value > self.limit

    def __str__(self) -> str:
        if self.unit is Unit.SHARE:
            return f"{self.sign}{show_percent(self.limit)}"
        return f"{self.sign}{exact_size(int(self.limit)) if self.unit is Unit.SIZE else exact_duration(self.limit)}"


class Threshold(NamedTuple):
    """Comparisons that must all be met for a breach; without any there is no limit, written `none`."""

    parts: tuple[Comparison, ...] = ()

    def met(self, values: Mapping[Unit, float]) -> bool:
        """Whether these values, by unit, are a breach; a unit that was not measured is an error of the caller (KeyError)."""
        return bool(self.parts) and all(part.met(values[part.unit]) for part in self.parts)

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts)) or NONE


def parse(text: object, sign: str, *units: Unit) -> Threshold:
    """The threshold that `text` says, for a signal that is bad on the side `sign` and measured in `units`; raises ValueError."""
    if isinstance(text, Threshold):
        return text
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ValueError(f'a threshold is a quoted comparison, e.g. "{_example(sign, units)}", or none')
    if text.strip() == NONE:
        return Threshold()
    parts = tuple(_comparison(part, sign, units) for part in _AND.split(text.strip()))
    if len({part.unit for part in parts}) < len(parts):
        raise ValueError(f'"{text}" gives the same unit twice; keep one')
    return Threshold(parts)


def _comparison(text: str, sign: str, units: tuple[Unit, ...]) -> Comparison:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is not a comparison; write it like "{_example(sign, units)}"')
    if found[1] != sign:
        raise ValueError(
            f'"{text}" looks the wrong way: this signal is bad when it is {_way(sign)}; write it like "{_example(sign, units)}"'
        )
    if found[3] is None:
        raise ValueError(f'"{text}" needs a unit, e.g. "{_example(sign, units)}"')
    unit = next((unit for unit in units if found[3] in _UNITS[unit]), None)
    if unit is None:
        raise ValueError(f'"{text}": this signal has no unit {found[3]}; write it like "{_example(sign, units)}"')
    return Comparison(sign, float(_number(_READ[unit](found[2] + found[3]))), unit)


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(value)
    return value


def _way(sign: str) -> str:
    return "low (<)" if sign == "<" else "high (>)"


def _example(sign: str, units: tuple[Unit, ...]) -> str:
    return f"{sign}{_EXAMPLES[units[0]]}"


def written(sign: str, *units: Unit) -> Any:
    """The type of a policy key that holds a threshold on the side `sign`, in any of `units`."""
    one = rf"{sign}\s*[0-9]+(\.[0-9]+)?\s*({'|'.join(name for unit in units for name in _UNITS[unit])})"
    pattern = rf"^\s*({NONE}|{one}(\s+and\s+{one})?)\s*$" if len(units) > 1 else rf"^\s*({NONE}|{one})\s*$"
    examples = [*(f"{sign}{_EXAMPLES[unit]}" for unit in units), NONE]
    return Annotated[
        Threshold,
        PlainValidator(lambda text: parse(text, sign, *units)),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": "string", "pattern": pattern, "examples": examples}),
    ]
