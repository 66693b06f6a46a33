"""Describes values in bounded texts that are the same in every process: the type, and a `repr` without addresses.

A text for the sandbox's own Python (3.8 or newer, standard library only), executed by probe_calls.py with a copy of the
builtins: the described objects are hostile, and so is whatever their code replaces.
"""

import hashlib
import io
import itertools
import re
import types

DEEPEST, MOST_PARTS, MOST_NAMES, LONGEST_NAME = 20, 5000, 40, 200
LONGEST_NUMBER = 12000
"""Bits of an integer that is written in decimal; Python refuses that for longer ones."""
AT = re.compile(r"\bat 0x[0-9A-Fa-f]+")
ADDRESS = re.compile(r"0x[0-9A-Fa-f]{6,}")
BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}
_mro, _qualname = type.__dict__["__mro__"].__get__, type.__dict__["__qualname__"].__get__
_names = type.__dict__["__dict__"].__get__


VALUES = (str, bytes, int, float, bool, list, tuple, set, frozenset, dict)
BUILTIN = {kind.__name__: kind for kind in __builtins__.values() if isinstance(kind, type)}
PLAIN = (str, bytes, int, float, bool, type(None))


def name_of(kind):
    """The qualified name of a class, whatever its metaclass says, with a mark where it is a builtin's and the class another."""
    name = str.__str__(_qualname(kind))[:LONGEST_NAME]
    return name if BUILTIN.get(name, kind) is kind else name + " that is not the builtin"


def found(kind, name):
    """What a class, or one above it, has under a name."""
    return next((_names(owner)[name] for owner in _mro(kind) if name in _names(owner)), None)


def is_lazy(kind):
    """Whether values of a class are read item by item: generators, iterators, but no files."""
    return found(kind, "__next__") is not None and found(kind, "__iter__") is not None and io.IOBase not in _mro(kind)


class Showing:
    """Limits: `items` that are taken from an iterator, and the `longest` text, in characters; `Alarm` must not be swallowed."""

    def __init__(self, items, longest, alarm):
        self._items, self._longest, self._alarm, self._left = items, longest, alarm, 0

    def __call__(self, value):
        self._left = MOST_PARTS
        return self.bounded(self._form(value, 0, ()))

    def type_of(self, value):
        return "iterator" if is_lazy(type(value)) else name_of(type(value))

    def bounded(self, text):
        """A text without addresses; of one that is too long the start, and a digest of the whole."""
        text = AT.sub("at 0x...", text) if "at 0x" in text else text
        if len(text) <= self._longest:
            return text
        digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
        return "%s... (%d characters, sha256 %s)" % (text[: self._longest], len(text), digest)

    def said(self, problem):
        """The text of an exception."""
        return self.bounded(self._asked(str, problem))

    def state(self, value):
        """The attributes of an object whose `repr` tells nothing but its address; of private ones, the plain values."""
        if found(type(value), "__repr__") is not object.__repr__ or is_lazy(type(value)):
            return {}
        held = self._held(value)
        names = [name for name in held if not name.startswith("_") or type(held[name]) in PLAIN][:MOST_NAMES]
        return {name[:LONGEST_NAME]: self(held[name]) for name in names}

    def _held(self, value):
        """What an object holds by name, in its dictionary and in its slots; public names first."""
        held = {}
        for kind in _mro(type(value)):
            for name, slot in list(_names(kind).items()):
                if type(slot) is types.MemberDescriptorType and type(name) is str:
                    try:
                        held.setdefault(name, slot.__get__(value))
                    except AttributeError:  # it is empty
                        continue
        try:
            own = object.__getattribute__(value, "__dict__")
        except self._alarm:
            raise
        except BaseException:
            own = {}
        if type(own) is dict:
            held.update((name, item) for name, item in list(own.items()) if type(name) is str)
        return dict(sorted(held.items(), key=lambda pair: pair[0].startswith("_")))

    def _asked(self, read, value):
        """What the object's own code says; it may do anything."""
        try:
            return ADDRESS.sub("0x...", str.__str__(read(value)))
        except self._alarm:
            raise
        except BaseException as problem:
            return "<%s raised %s>" % (read.__name__, name_of(type(problem)))

    def _form(self, value, depth, above):
        kind = type(value)
        self._left -= 1
        if self._left < 0 or depth > DEEPEST or id(value) in above:
            return "..."
        if kind in (str, bytes, int, float, bool, type(None)):
            return self._plain(value, kind)
        if kind in BRACKETS or kind is dict:
            return self._container(value, kind, depth + 1, (*above, id(value)))
        if kind in (types.FunctionType, types.LambdaType):
            return "<function>"
        if is_lazy(kind):
            return self._expanded(value, depth + 1, (*above, id(value)))
        inherited = next((each for each in VALUES if each in _mro(kind) and found(kind, "__repr__") is each.__repr__), None)
        return self._asked(repr, value) if inherited is None else "<%s %s>" % (name_of(kind), self._asked(repr, value))

    @staticmethod
    def _plain(value, kind):
        if kind is float:  # twelve digits: what is behind them depends on the order of additions
            text = "%.12g" % value
            return text if set(text) & set(".en") else text + ".0"
        return hex(value) if kind is int and value.bit_length() > LONGEST_NUMBER else repr(value)

    def _container(self, value, kind, depth, above):
        if kind is dict:
            pairs = itertools.islice(dict.items(value), max(self._left, 0))
            parts = ["%s: %s" % (self._form(key, depth, above), self._form(item, depth, above)) for key, item in list(pairs)]
            brackets = "{}"
        else:
            parts = [self._form(item, depth, above) for item in list(itertools.islice(kind.__iter__(value), max(self._left, 0)))]
            parts, brackets = (sorted(parts) if kind in (set, frozenset) else parts), BRACKETS[kind]
        rest = kind.__len__(value) - len(parts)
        parts += ["... %d more" % rest] if rest > 0 else []
        comma = "," if kind is tuple and len(parts) == 1 else ""
        text = brackets[0] + ", ".join(parts) + comma + brackets[1]
        if kind is frozenset or (kind is set and not parts):
            return "%s(%s)" % (kind.__name__, text if parts else "")
        return text

    def _expanded(self, value, depth, above):
        parts = []
        try:
            for item in itertools.islice(value, self._items):
                parts.append(self._form(item, depth, above))  # noqa: PERF401  what came before a fault is kept
        except self._alarm:
            raise
        except BaseException as problem:
            return "<items %s>" % ", ".join([*parts, "raised %s: %s" % (name_of(type(problem)), self._asked(str, problem))])
        return "<items %s>" % ", ".join([*parts, "..."] if len(parts) == self._items else parts)
