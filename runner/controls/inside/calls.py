"""Turns the calls that test files make into literal text: arguments, and the constructor calls of the objects they use.

The second part of the recording, a text for the sandbox's own Python (3.8 or newer, standard library only): the host joins it
between `objects.py` and `watching.py`.
"""

import ast
import contextlib
import sys
import types
import weakref

# tests replace functions of these modules and of `builtins`: the recording keeps its own
_literal_eval, _repr, _ref, _modules = ast.literal_eval, repr, weakref.ref, sys.modules

LONGEST_NAME, LONGEST_LITERAL, MOST_MADE, DEEPEST = 2000, 2000, 10000, 20
NOTHING = "((), {})"
_class_dict, _class_mro = type.__dict__["__dict__"].__get__, type.__dict__["__mro__"].__get__
_module_of = type.__dict__["__module__"].__get__


LENGTHS = {
    str: len,
    bytes: len,
    int: lambda value: value.bit_length() // 4,
    float: lambda value: 3 if value - value == 0 else LONGEST_LITERAL,
    bool: lambda _: 4,
    type(None): lambda _: 4,
}
"""About how long the literals of these types are; an infinity is no literal."""


def parts_of(value):
    """What a container of an exact type holds, `None` for all else; the empty set has no literal."""
    kind = type(value)
    if kind is dict:
        return [part for pair in list(value.items()) for part in pair]
    return list(value) if kind in (tuple, list) or (kind is set and value) else None


def fits(value, room, depth=0):
    """How much of `room` is left after the literal `value`, less than nothing when it is none; only exact types have a repr to trust."""
    length = LENGTHS.get(type(value))
    if length is not None:
        return room - length(value) - 1
    if depth > DEEPEST or type(value) not in (dict, tuple, list, set) or len(value) > room:
        return -1
    parts = parts_of(value)
    if parts is None:
        return -1
    for part in parts:
        room = fits(part, room - 1, depth + 1)
        if room < 0:
            break
    return room


def same(one, other):
    """Whether two literals are equal in type and value."""
    if type(one) is not type(other) or one != other:
        return False
    if type(one) in (tuple, list):
        return all(map(same, one, other))
    if type(one) is dict:
        return all(map(same, one, other)) and all(map(same, one.values(), other.values()))
    return type(one) is not set or {(type(item), item) for item in one} == {(type(item), item) for item in other}


def literal(value):
    """The text that `ast.literal_eval` gives back equal in type and value, or `None`."""
    try:
        if fits(value, LONGEST_LITERAL) < 0:
            return None
        text = _repr(value)
        return text if len(text) <= LONGEST_LITERAL and same(_literal_eval(text), value) else None
    except Exception:  # whatever it was, it is no literal
        return None


def find(names, qualname, code):
    """The function of a code object under its qualified name, and how it is reached; nothing where no name leads to it."""
    first, *rest = qualname.split(".")
    found, kind = names.get(first), "function"
    for part in rest:
        if not issubclass(type(found), type):
            return None, ""
        found, kind = _class_dict(found).get(part), "method"
    if type(found) in (staticmethod, classmethod):
        found, kind = found.__func__, "function" if type(found) is staticmethod else "class"
    elif type(found) is property:
        found, kind = found.fget, "property"
    for _ in range(10):
        if type(found) is types.FunctionType and found.__code__ is code:
            return found, "init" if kind == "method" and code.co_name == "__init__" else kind
        try:
            found = object.__getattribute__(found, "__dict__").get("__wrapped__")
        except Exception:
            break
    return None, ""


def shape(names, qualname, code):
    """How a function is reached, empty where it is not, and the defaults of its arguments by name."""
    found, kind = find(names, qualname, code)
    if found is None or (kind != "function" and not code.co_argcount):
        return "", {}
    given = found.__defaults__ or ()
    last = code.co_varnames[code.co_argcount - len(given) : code.co_argcount]
    return kind, dict(zip(last, given), **(found.__kwdefaults__ or {}))  # noqa: B905  `strict` is of Python 3.10


def arguments(code, values, defaults, first):
    """The positional and keyword arguments of a call, without those that are the default object."""
    count, names = code.co_argcount, code.co_varnames
    end = count + code.co_kwonlyargcount
    rest = values[names[end]] if code.co_flags & 4 else ()
    extra = values[names[end + bool(code.co_flags & 4)]] if code.co_flags & 8 else {}
    ordered = names[first:count]
    default = [name in defaults and values[name] is defaults[name] for name in ordered]
    last = len(ordered) if rest or True not in default else default.index(True)
    for index in range(max(0, getattr(code, "co_posonlyargcount", 0) - first)):
        if not default[index]:
            last = max(last, index + 1)
    named = [name for index, name in enumerate(ordered) if index >= last and not default[index]]
    named += [name for name in names[count:end] if not (name in defaults and values[name] is defaults[name])]
    return (*(values[name] for name in ordered[:last]), *rest), dict({name: values[name] for name in named}, **extra)


class Calls:
    """Calls that test files make, as literal text, and the literal calls that made the objects whose methods they use."""

    def __init__(self, is_test):
        self._is_test = is_test
        self.found, self.size, self.kept = [], 0, 0
        self._texts, self._made, self.lost = set(), {}, {}
        self._spell = Spelling(self._reach, self._remembered)  # noqa: F821  of `objects.py`

    def take(self, function, frame):
        function.tries -= 1
        if function.shape is None:
            function.shape = shape(frame.f_globals, function.name, function.code)
        kind, defaults = function.shape
        if not kind:
            function.tries = 0
            return self._lose(function, 1)
        values, code = frame.f_locals, function.code
        text = self._spelt(arguments(code, values, defaults, kind != "function"))
        self_ = values[code.co_varnames[0]] if kind != "function" else None
        if kind == "init":
            self._remember(self_, text)
        if text is None:
            return self._lose(function, 0)
        owner = made = None
        if kind != "function":
            owner = self._reach(self_ if kind == "class" else type(self_))
            made = NOTHING if kind in ("class", "init") else self._maker(self_) or self._parts(self_)
            if owner is None or made is None:
                return self._lose(function, 1)
        key = (function.number, kind, text, owner, made)
        if key not in self._texts:
            self._texts.add(key)
            function.left -= 1
            self.found.append([function.number, kind, text, owner, made if kind in ("method", "property") else None])
            self.size += len(text) + len(owner or "") + len(made or "") + 30
            self.kept += 1
        return None

    def _spelt(self, value):
        """The literal text of a value, with the objects in it spelt; `None` where they cannot be."""
        text = literal(value)
        if text is None:
            with contextlib.suppress(Exception):  # whatever it was, it cannot be spelt
                text = literal(self._spell(value))
        return text

    def _remembered(self, made):
        """The arguments that made an object, spelt."""
        text = self._maker(made)
        return None if text is None else _literal_eval(text)

    def _lose(self, function, why):
        self.lost.setdefault(function.number, [0, 0])[why] += 1

    def _remember(self, made, text):
        if len(self._made) >= MOST_MADE:
            self._made = {key: pair for key, pair in self._made.items() if pair[0]() is not None}
        if len(self._made) < MOST_MADE:
            with contextlib.suppress(TypeError):  # no room for weak references: nobody could tell it from a later object
                self._made[id(made)] = (_ref(made), text)

    def _maker(self, made):
        known = self._made.get(id(made))
        if known is not None and known[0]() is made:
            return known[1]
        above = _class_mro(type(made))[:-1]
        plain = not any(name in _class_dict(owner) for owner in above for name in ("__init__", "__new__"))
        return NOTHING if plain else None

    def _parts(self, made):
        """The text of the arguments that make an equal object, where its class shows them."""
        with contextlib.suppress(Exception):
            return literal(self._spell(made)[2])
        return None

    def _reach(self, owner):
        """`module:name` of a class or function that another process can import."""
        if issubclass(type(owner), type):
            module, name = _module_of(owner), type.__dict__["__qualname__"].__get__(owner)
        elif type(owner) in (types.FunctionType, types.BuiltinFunctionType):
            module, name = owner.__module__, owner.__qualname__
        else:
            return None
        holder = _modules.get(module) if type(module) is str else None
        names = getattr(holder, "__dict__", {})
        file = names.get("__file__")
        if type(file) is str and self._is_test(file):
            return None
        for part in name.split("."):
            found = names.get(part)
            found = found.__func__ if type(found) in (staticmethod, classmethod) else found
            names = _class_dict(found) if issubclass(type(found), type) else {}
        return "%s:%s" % (module, name) if found is owner and len(module) + len(name) < LONGEST_NAME else None
