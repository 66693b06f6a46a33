"""A pytest plugin that tells which functions and lines of the project each test runs, and with which arguments tests call them.

A text for the sandbox's own Python (3.8 or newer, standard library only) and pytest (7 or newer): the pytest session executes it
and registers what `plugin` gives. It records from the start of a test's protocol to its end, fixtures included; code that runs
while modules are imported for collection belongs to no test. A function's first line is that of its first decorator.
"""

import ast
import os
import sys
import threading
import types
import weakref

# tests replace functions of these modules and of `builtins`: the recording keeps its own
_getpid, _realpath, _join, _relpath, _separator = os.getpid, os.path.realpath, os.path.join, os.path.relpath, os.sep
_literal_eval, _repr, _getframe, _ref, _modules = ast.literal_eval, repr, sys._getframe, weakref.ref, sys.modules
_getprofile, _setprofile, _gettrace, _settrace = sys.getprofile, sys.setprofile, sys.gettrace, sys.settrace
_monitoring = getattr(sys, "monitoring", None)

LONGEST_ID, LONGEST_LITERAL, MOST_CALLS, CHUNK = 2000, 2000, 8, 60000
MOST_FUNCTIONS, MOST_FILES, MOST_MADE, DEEPEST = 50000, 50000, 10000, 20
LARGEST = 32 * 2**20
"""Characters of all records together; what comes later is left out."""
TRIES = 20
"""How many times `most_calls` the arguments of one function are looked at."""
LOOKS = 200
"""How many calls of one function in one test are asked where they come from; sys.monitoring can leave the rest alone."""
TEST, MISSING = object(), object()
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
NOTHING = "((), {})"
_class_dict, _class_mro = type.__dict__["__dict__"].__get__, type.__dict__["__mro__"].__get__


class Files:
    """What the file of a code object is: a path below the working copy for source, TEST for a test file, `None` for others."""

    def __init__(self, settings):
        self._work, self._top = settings["work"], _realpath(settings["work"])
        self._tests = self._paths(settings.get("tests") or ())
        self._sources = None if settings.get("sources") is None else self._paths(settings["sources"])
        self.known = {}
        self._names = {}

    def _paths(self, listed):
        return {_relpath(_realpath(_join(self._work, path)), self._top) for path in listed}

    def look(self, filename):
        kind = None
        if filename.endswith(".py"):
            path = _realpath(_join(self._work, filename))
            if path.startswith(self._top + _separator):
                path = path[len(self._top) + 1 :]
                kind = TEST if path in self._tests else path if self._sources is None or path in self._sources else None
        if len(self.known) < MOST_FILES:
            self.known[filename] = kind
        return kind

    def qualified(self, code, path):
        """A function's qualified name; before Python 3.11 code objects do not have it."""
        if hasattr(code, "co_qualname"):
            return code.co_qualname
        if path not in self._names:
            self._names[path] = names = {}
            try:
                with open(_join(self._top, path), "rb") as file:
                    qualify(compile(file.read(), path, "exec", dont_inherit=True), "", names)
            except Exception:  # generated, or gone
                names.clear()
        return self._names[path].get((code.co_name, code.co_firstlineno), code.co_name)


def qualify(code, prefix, names):
    """Fill `names` with the qualified names of all code objects inside one."""
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names[inner.co_name, inner.co_firstlineno] = name = prefix + inner.co_name
            is_function = inner.co_flags & 2  # CO_NEWLOCALS
            qualify(inner, name + (".<locals>." if is_function else "."), names)


class Function:
    """What is known of one code object of the project."""

    __slots__ = ("code", "done", "left", "local", "looks", "name", "number", "path", "seen", "shape", "test", "tries", "whole")

    def __init__(self, code, path, name, number, most_calls):
        self.code, self.path, self.name, self.number = code, path, name, number
        self.left, self.tries, self.looks, self.test = most_calls, most_calls * TRIES, LOOKS, 0
        self.shape = self.local = None
        self.done = False

    def follow(self, seen):
        """Note lines of this function in `seen`, until each was seen."""
        import dis

        self.seen, self.whole = seen, {line for _, line in dis.findlinestarts(self.code) if line}
        seen.add(self.code.co_firstlineno)
        add = seen.add

        def local(frame, event, argument):
            add(frame.f_lineno)
            return local

        self.local = local

    def tracer(self):
        """The function to trace a frame with, or `None` when there is nothing left to learn."""
        if not self.done:
            self.done = self.whole <= self.seen
        return None if self.done else self.local


def fits(value, room, depth=0):
    """How much of `room` is left after the literal `value`, less than nothing when it is none; only exact types have a repr to trust."""
    kind = type(value)
    if room < 0 or depth > DEEPEST:
        return -1
    if kind is str or kind is bytes:
        return room - len(value) - 2
    if kind is int:
        return room - value.bit_length() // 4 - 1
    if kind is float:
        return room - 3 if value - value == 0 else -1
    if value is None or kind is bool:
        return room - 4
    if kind is dict:
        parts = [part for pair in list(value.items())[:room] for part in pair] if len(value) <= room else None
    elif kind in (tuple, list) or (kind is set and value):
        parts = list(value) if len(value) <= room else None
    else:
        return -1
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

    def __init__(self, files, most_calls):
        self._files, self.most = files, most_calls
        self.found, self.size, self.kept = [], 0, 0
        self._texts, self._made, self.lost = set(), {}, {}

    def take(self, function, frame):
        function.tries -= 1
        if function.shape is None:
            found, kind = find(frame.f_globals, function.name, function.code)
            names = function.code.co_varnames[: function.code.co_argcount]
            ordered = (found.__defaults__ or ()) if found else ()
            defaults = dict(zip(names[len(names) - len(ordered) :], ordered), **((found.__kwdefaults__ or {}) if found else {}))
            function.shape = (kind if names or kind == "function" else "", defaults)
        kind, defaults = function.shape
        if not kind:
            function.tries = 0
            return self._lose(function, 1)
        values, code = frame.f_locals, function.code
        text = literal(arguments(code, values, defaults, kind != "function"))
        self_ = values[code.co_varnames[0]] if kind != "function" else None
        if kind == "init":
            self._remember(self_, text)
        if text is None:
            return self._lose(function, 0)
        owner = made = None
        if kind != "function":
            owner = self._reach(self_ if kind == "class" else type(self_))
            made = NOTHING if kind in ("class", "init") else self._maker(self_)
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

    def _lose(self, function, why):
        self.lost.setdefault(function.number, [0, 0])[why] += 1

    def _remember(self, made, text):
        if len(self._made) >= MOST_MADE:
            self._made = {key: pair for key, pair in self._made.items() if pair[0]() is not None}
        if len(self._made) < MOST_MADE:
            try:
                self._made[id(made)] = (_ref(made), text)
            except TypeError:  # has no room for weak references: nobody could tell it from a later one
                pass

    def _maker(self, made):
        known = self._made.get(id(made))
        if known is not None and known[0]() is made:
            return known[1]
        above = _class_mro(type(made))[:-1]
        plain = not any(name in _class_dict(owner) for owner in above for name in ("__init__", "__new__"))
        return NOTHING if plain else None

    def _reach(self, owner):
        """`module:name` of a class that another process can import."""
        if not issubclass(type(owner), type):
            return None
        module, name = _class_dict(owner).get("__module__"), type.__dict__["__qualname__"].__get__(owner)
        holder = _modules.get(module) if type(module) is str else None
        names = getattr(holder, "__dict__", {})
        file = names.get("__file__")
        if type(file) is str and self._files.look(file) is TEST:
            return None
        for part in name.split("."):
            found = names.get(part)
            names = _class_dict(found) if issubclass(type(found), type) else {}
        return "%s:%s" % (module, name) if found is owner and len(module) + len(name) < LONGEST_ID else None
