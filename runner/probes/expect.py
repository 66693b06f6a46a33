"""What a JSON answer is expected to say: a path such as `$.status`, a comparison, thresholds."""

import json
import math
import operator
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, WithJsonSchema

from runner.model.text import cut, printable

_STEP: Final = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(0|[1-9][0-9]{0,5})\]|\[(\"(?:[^\"\\]|\\.)*\")\]")
_SIGNS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_LONGEST: Final = 200
_SHOWN: Final = 60
_EXAMPLE: Final = '$.status == "ok"'
_NUMBER: Final = re.compile(r"(<=|>=|<|>)\s*(-?[0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(%?)")


class Absent(Exception):
    """The answer does not say what was asked for; the message says why, printable."""


class Place(NamedTuple):
    """Where a value stands in a JSON document."""

    text: str
    steps: tuple[str | int, ...]

    def of(self, document: Any) -> Any:
        """The value there; raises Absent."""
        value = document
        for step in self.steps:
            held = isinstance(value, dict) and step in value if isinstance(step, str) else isinstance(value, list) and step < len(value)
            if not held:
                raise Absent(f"the answer has no {self.text}")
            value = value[step]
        return value


class Expectation(NamedTuple):
    """A comparison of one value, or only its place."""

    place: Place
    sign: str = ""
    wanted: Any = None

    def met(self, value: Any) -> bool:
        """Whether the value compares as expected; raises Absent where the two cannot be compared."""
        if self.sign in ("==", "!="):
            return _same(value, self.wanted) is (self.sign == "==")
        return _SIGNS[self.sign](number(value, self.place.text), self.wanted)


class Bound(NamedTuple):
    """A comparison with a number, e.g. `>0.05` or `>=5%`."""

    sign: str
    limit: float

    def met(self, value: float) -> bool:
        """Whether the value is beyond it."""
        return _SIGNS[self.sign](value, self.limit)


def place(text: str) -> Place:
    """The place that `$.a["b c"][0]` means; raises ValueError."""
    if not text.startswith("$") or len(text) > _LONGEST:
        raise ValueError(f"'{cut(text, _SHOWN)}' is not a path; write it like $.status or $.items[0].state")
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise ValueError(
                f"'{cut(text, _SHOWN)}' is not a path at '{cut(text[at:], _SHOWN)}'; write it like $.status or $.items[0].state"
            )
        name, index, quoted = found.groups()
        steps.append(int(index) if index is not None else name if name is not None else str(json.loads(quoted)))
        at = found.end()
    return Place(printable(text), tuple(steps))


def expectation(text: str) -> Expectation:
    """What `$.status == "ok"` or a bare path expects; raises ValueError."""
    found = re.fullmatch(r"(\$(?:[^=!<>\"]|\"(?:[^\"\\]|\\.)*\")*?)\s*(==|!=|<=|>=|<|>)\s*(.+)", text.strip())
    if found is None:
        return Expectation(place(text.strip()))
    where, sign, value = found.groups()
    try:
        wanted = parsed(value.encode())
    except Absent:
        raise ValueError(f"'{cut(value, _SHOWN)}' is no value; texts stand in double quotes, e.g. {_EXAMPLE}") from None
    if sign not in ("==", "!="):
        try:
            wanted = number(wanted, "the value")
        except Absent as problem:
            raise ValueError(f"'{cut(text, _SHOWN)}': {problem}; {sign} compares numbers") from None
    return Expectation(place(where), sign, wanted)


def bound(text: str) -> Bound:
    """The comparison that `>0.05` or `<2%` says; raises ValueError."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'\'{cut(text, _SHOWN)}\' is not a comparison with a number; write it like ">0.05" or ">5%"')
    return Bound(found[1], float(found[2]) / (100 if found[3] else 1))


def parsed(body: bytes) -> Any:
    """The JSON document that these hostile bytes are; raises Absent."""
    try:
        return json.loads(body, parse_constant=_refused)
    except (ValueError, RecursionError) as problem:
        raise Absent(f"the answer is no JSON: {printable(cut(str(problem), _SHOWN))}") from None


def number(value: Any, what: str) -> float:
    """The value as a finite number, which neither a boolean nor a text is; raises Absent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Absent(f"{what} is {shown(value)}, no number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise Absent(f"{what} is beyond all numbers")
    return result


def shown(value: Any) -> str:
    """A hostile value for people."""
    try:
        return printable(cut(json.dumps(value, ensure_ascii=False), _SHOWN))
    except (ValueError, RecursionError):
        return "a value that cannot be shown"


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _same(one: Any, other: Any) -> bool:
    """Equality as in JSON, where true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _checked(read: Callable[[str], object]) -> AfterValidator:
    """A validator that keeps the text if it can be read."""

    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


Where = Annotated[str, _checked(place)]
"""A path, kept as it is written."""
Expected = Annotated[str, _checked(expectation), WithJsonSchema({"type": "string", "examples": [_EXAMPLE, "$.error_ratio"]})]
Limit = Annotated[str, _checked(bound), WithJsonSchema({"type": "string", "examples": [">0.05", "<2%"]})]
