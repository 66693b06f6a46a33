"""Durations and sizes as people write them: a number and its unit, never a bare number."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_LONGEST = 36525 * 86400.0
"""Seconds of a duration that is no mistake: beyond lie values that clocks, sockets and databases cannot work with."""
_LARGEST = 2**60
"""Bytes of a size that is no mistake: a 64-bit number holds several of them."""
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


def _parse(text: object, units: dict[str, float], example: str) -> object:
    if not isinstance(text, str):
        return text
    found = _QUANTITY.fullmatch(text)
    if found is None or (found[2] and found[2] not in units):
        raise ValueError(f"'{text}' is not a quantity; write it like {example} (units: {', '.join(units)})")
    if not found[2]:
        raise ValueError(f"'{text}' needs a unit, e.g. {example}")
    return float(found[1]) * units[found[2]]


def duration(text: object) -> object:
    """Seconds of `90s`, `10m`, `1h`; raises ValueError without a known unit, and beyond a century; numbers (from code) pass through."""
    value = _parse(text, _SECONDS, "90s")
    if isinstance(text, str) and isinstance(value, float) and value > _LONGEST:
        raise ValueError("a duration is 36525d at most")
    return value


def size(text: object) -> object:
    """Bytes of `512MiB`, `2GiB`; raises ValueError without a known unit, and beyond an exbibyte; numbers (from code) pass through."""
    value = _parse(text, {unit: float(factor) for unit, factor in _BYTES.items()}, "512MiB")
    if not isinstance(text, str) or not isinstance(value, float):
        return value
    if value > _LARGEST:
        raise ValueError("a size is 1073741824GiB at most")
    return int(value)


def show_duration(seconds: float) -> str:
    """The shortest way to write a duration exactly enough to read: `850ms`, `12.5s`, `10m`."""
    for unit in ("h", "m"):
        count = seconds / _SECONDS[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:g}s" if seconds >= 1 or not seconds else f"{seconds * 1000:g}ms"


def show_size(count: int) -> str:
    """The shortest way to write a size: `2GiB`, `512MiB`, `1.5KiB`."""
    for unit in ("GiB", "MiB", "KiB"):
        if count >= _BYTES[unit]:
            return f"{round(count / _BYTES[unit], 1):g}{unit}"
    return f"{count}B"


def exact_duration(seconds: float) -> str:
    """Like `show_duration`, but reads back as the very same number."""
    text = show_duration(seconds)
    return text if _reads_as(text, seconds, duration) else f"{Decimal(repr(float(seconds))):f}s"


def exact_size(count: int) -> str:
    """Like `show_size`, but reads back as the very same number."""
    text = show_size(count)
    return text if _reads_as(text, count, size) else f"{count}B"


def _reads_as(text: str, value: float, read: Callable[[object], object]) -> bool:
    """Whether this is a quantity, which numbers too large or too small to be written out are not, and the very same one."""
    try:
        return read(text) == value
    except ValueError:
        return False


def _written(units: dict[str, float], *examples: str) -> WithJsonSchema:
    """How a quantity looks in a file: editors check it as text."""
    return WithJsonSchema({"type": "string", "pattern": rf"^\s*\d+(\.\d+)?\s*({'|'.join(units)})\s*$", "examples": list(examples)})


def percent(text: object) -> object:
    """The share that `50%` is, from 0 to 1; raises ValueError without the sign; numbers (from code) pass through."""
    if not isinstance(text, str):
        return text
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' needs the sign %, e.g. 50%")
    return float(found[1]) / 100


def _share(text: object) -> object:
    """Like `percent`, and no more than all."""
    value = percent(text)
    if isinstance(text, str) and isinstance(value, float) and value > 1:
        raise ValueError(f"'{text}' is too much: a share is 100% at most")
    return value


def show_percent(share: float) -> str:
    """`50%` for 0.5, with as many digits as it takes to read back as the very same number."""
    return f"{share * 100:.12g}%"


Percent = Annotated[
    float,
    Field(ge=0, le=1),
    BeforeValidator(_share),
    PlainSerializer(show_percent, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*%\s*$", "examples": ["50%"]}),
]
Duration = Annotated[
    float,
    BeforeValidator(duration),
    PlainSerializer(exact_duration, return_type=str, when_used="json"),
    _written(_SECONDS, "90s", "10m"),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    PlainSerializer(exact_size, return_type=str, when_used="json"),
    _written({unit: float(factor) for unit, factor in _BYTES.items()}, "512MiB", "2GiB"),
]
