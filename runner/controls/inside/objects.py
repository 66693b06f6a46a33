"""Spells objects as literals: how they are made, or by which name they are reached.

The first part of the recording, a text for the sandbox's own Python (3.8 or newer, standard library only). An object is spelt as the
tuple `(MADE, "module:name", (positional, by name))`, and what has a name of its own, a class or a function, as `(NAMED, "module:name")`;
`probe_calls.py` undoes both.
"""

import datetime as dt
import decimal
import enum
import fractions
import pathlib
import types
import uuid

MADE, NAMED = "\0made", "\0named"
DEEPEST_OBJECT = 6
_fields_of = type.__dict__["__dict__"].__get__

KNOWN = {
    decimal.Decimal: lambda value: (str(value),),
    fractions.Fraction: lambda value: (value.numerator, value.denominator),
    dt.date: lambda value: (value.year, value.month, value.day),
    dt.timedelta: lambda value: (value.days, value.seconds, value.microseconds),
    pathlib.PurePosixPath: lambda value: (str(value),),
    pathlib.PosixPath: lambda value: (str(value),),
    uuid.UUID: lambda value: (str(value),),
    complex: lambda value: (value.real, value.imag),
    range: lambda value: (value.start, value.stop, value.step),
    frozenset: lambda value: (set(value),) if value else (),
    bytearray: lambda value: (bytes(value),),
    dt.datetime: lambda value: (
        (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond) if value.tzinfo is None else None
    ),
    dt.time: lambda value: (value.hour, value.minute, value.second, value.microsecond) if value.tzinfo is None else None,
}
"""By exact type, the positional arguments that make an equal object; `None` where none do."""
CALLABLE = (types.FunctionType, types.BuiltinFunctionType)


class NotLiteral(Exception):
    """A value that cannot be spelt."""


class Spelling:
    """Spells values; `reach` gives `module:name` of a class or function, `made` the spelt arguments that made an object, or `None`."""

    def __init__(self, reach, made):
        self._reach, self._made = reach, made

    def __call__(self, value, depth=0):
        """`value` with every object in it spelt; raises NotLiteral."""
        kind = type(value)
        if value is None or kind in (str, bytes, int, float, bool):
            return value
        if depth > DEEPEST_OBJECT:
            raise NotLiteral
        if kind in (list, tuple, set):
            return kind([self(part, depth + 1) for part in list(value)[:1000]]) if len(value) <= 1000 else self._none()
        if kind is dict:
            return {self(key, depth + 1): self(part, depth + 1) for key, part in list(value.items())}
        if kind in CALLABLE or issubclass(kind, type):
            return (NAMED, self._reach(value) or self._none())
        args, kwargs = self._parts(value, kind)
        owner = self._reach(kind) or self._none()
        return (
            MADE,
            owner,
            (tuple(self(part, depth + 1) for part in args), {name: self(part, depth + 1) for name, part in kwargs.items()}),
        )

    def _parts(self, value, kind):
        """What makes an equal object."""
        if kind in KNOWN:
            args = KNOWN[kind](value)
            return (args, {}) if args is not None else self._none()
        if issubclass(kind, enum.Enum):
            return (value.value,), {}
        names = _fields_of(kind)
        if issubclass(kind, tuple) and type(names.get("_fields")) is tuple and "__new__" in names:
            return tuple(value), {}
        generated = self._generated(names)
        if generated is not None:
            return (), generated(value)
        made = self._made(value)
        return made if made is not None else self._none()

    @staticmethod
    def _generated(names):
        """For a dataclass with the constructor that was made for it, what reads its arguments off an object."""
        fields, init = names.get("__dataclass_fields__"), names.get("__init__")
        code = getattr(init, "__code__", None)
        if type(fields) is not dict or code is None or code.co_filename != "<string>":
            return None
        wanted = [name for name, field in fields.items() if field.init and field._field_type.name == "_FIELD"]
        return lambda value: {name: object.__getattribute__(value, name) for name in wanted}

    @staticmethod
    def _none():
        raise NotLiteral
