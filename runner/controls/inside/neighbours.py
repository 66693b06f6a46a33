"""Makes the neighbours of calls with literal arguments; runs in the child of `runner.parsing`, on the standard library alone."""

import ast
import json
import random
from functools import partial

FIRST = 3
"""Items of a container that are varied."""
LONGEST = 4000
MADE, NAMED = "\0made", "\0named"


def around(content, _version):
    """JSON of the neighbours of the calls of one function, `{"seed", "most", "name", "calls", "parameters", "floats"}`.

    `calls` has `[args, kwargs]` texts, `parameters` the `[name, annotation]` of those that must be given (none where the function
    is not to be called by name), `floats` by `module:name` of a class the fields that are annotated as `float`. Told are: which calls
    are literals; neighbours of these that were chosen, with values of the same types; and such with values of other types.
    """
    asked = json.loads(content)
    return json.dumps(chosen(asked))


def chosen(asked):
    """At most `most` neighbours, and a quarter as many of other types; each is in no call."""
    read = [literal(*call) for call in asked["calls"]]
    sound = [pair for pair in read if pair is not None]
    seen = {texts(*pair) for pair in sound}
    order = random.Random("%s %s" % (asked["seed"], asked["name"]))
    named = [[pair] for pair in map(partial(by_name, asked["parameters"]), sound) if pair is not None][:1]
    near = picked(named + [mixed(rows_of(*pair), order) for pair in sound], asked["most"], seen)
    retyping = Retyping(asked["floats"])
    marks = ["float" in mark for _, mark in asked["parameters"]]
    others = picked([retyping.calls(*pair, marks) for pair in sound], -(-asked["most"] // 4), seen)
    return {"literal": [pair is not None for pair in read], "neighbours": near, "retyped": others}


def picked(rows, most, seen):
    """Texts of the first calls of each row in turn, so that each recorded call has its share; none that was seen."""
    found = []
    for pair in turns(rows):
        other = texts(*pair)
        if len(found) < most and other not in seen and all(len(text) <= LONGEST for text in other):
            seen.add(other)
            found.append(other)
    return found


def turns(rows):
    """The first of each row, then the second of each, and so on."""
    return [row[depth] for depth in range(max(map(len, rows), default=0)) for row in rows if depth < len(row)]


def mixed(rows, order):
    """What stands in rows, by chance, but one of each row before the second of any."""
    for row in rows:
        order.shuffle(row)
    order.shuffle(rows)
    return turns(rows)


def literal(args, kwargs):
    try:
        pair = ast.literal_eval(args), ast.literal_eval(kwargs)
    except (ValueError, TypeError, SyntaxError):
        return None
    return pair if type(pair[0]) is tuple and type(pair[1]) is dict and all(type(key) is str for key in pair[1]) else None


def texts(args, kwargs):
    return repr(args), repr(kwargs)


def by_name(parameters, pair):
    """The same call with its positional arguments by name, where all of them have one."""
    args, kwargs = pair
    names = [name for name, _ in parameters][: len(args)]
    if not args or len(names) < len(args) or "" in names or set(names) & set(kwargs):
        return None
    return (), dict(zip(names, args, strict=True), **kwargs)


def rows_of(args, kwargs):
    """The calls in which one value is a neighbour of what it was, a row for each value."""
    rows = [[((*args[:at], other, *args[at + 1 :]), kwargs) for other in row] for at, value in enumerate(args) for row in near(value)]
    return rows + [[(args, dict(kwargs, **{name: other})) for other in row] for name, value in kwargs.items() for row in near(value)]


def near(value):
    """Rows of neighbours: one for a plain value; of a container one for its own shape, and those of its first items."""
    kind = type(value)
    if kind is tuple and value[:1] == (NAMED,):
        return []
    if kind is tuple and value[:1] == (MADE,):
        return [[(*value[:2], pair) for pair in row] for row in rows_of(*value[2])]
    if kind in (list, tuple):
        inner = [
            [value[:at] + kind([other]) + value[at + 1 :] for other in row] for at, item in enumerate(value[:FIRST]) for row in near(item)
        ]
        return [different(value, of_list(value)), *inner]
    if kind is dict:
        inner = [[{**value, name: other} for other in row] for name, item in list(value.items())[:FIRST] for row in near(item)]
        return [different(value, of_dict(value)), *inner]
    return [beside(value)]


class Retyping:
    """Calls with an equal value of another type, or one between: a whole number for a `float`, a tuple for a list."""

    def __init__(self, floats):
        self._floats = floats

    def calls(self, args, kwargs, marks):
        marks = marks + [False] * len(args)
        found = [((*args[:at], other, *args[at + 1 :]), kwargs) for at, value in enumerate(args) for other in self._of(value, marks[at])]
        return found + [(args, dict(kwargs, **{name: other})) for name, value in kwargs.items() for other in self._of(value, False)]

    def _of(self, value, is_float):
        kind = type(value)
        if kind is float and value.is_integer():
            return [int(value), value + 0.25]
        if kind is int and is_float:
            return [value + 0.25, float(value)]
        if kind is tuple and value[:1] == (MADE,):
            args, kwargs = value[2]
            fields = self._floats.get(value[1], [])
            return [
                (*value[:2], (args, dict(kwargs, **{name: other})))
                for name, item in kwargs.items()
                for other in self._of(item, name in fields)
            ]
        if kind is list:
            firsts = enumerate(value[:FIRST])
            rows = [[[*value[:at], other, *value[at + 1 :]] for other in self._of(item, is_float)] for at, item in firsts]
            return [tuple(value), *turns(rows)]
        return []


def beside(value):
    """Values of the same type near one that is no container."""
    kind = type(value)
    if kind is bool:
        return [not value]
    if kind in (int, float):
        others = [value + 1, value - 1, kind(0), -value]
    elif kind in (str, bytes):
        others = of_text(value)
    elif kind is set:
        others = [set(), set(sorted(value, key=repr)[1:])]
    else:
        others = []
    return different(value, others)


def different(value, others):
    """Those that are not equal to a value, nor to one before."""
    return [other for at, other in enumerate(others) if other != value and other not in others[:at]]


def of_text(value):
    middle = len(value) // 2
    letter = value[middle : middle + 1]
    another = (b"b" if letter == b"a" else b"a") if type(value) is bytes else ("b" if letter == "a" else "a")
    changed = value[:middle] + another + value[middle + 1 :]
    return [value[:0], value + value, changed, value.swapcase(), value[:-1]]


def of_list(value):
    return [value[:0], value[:-1], value + value[-1:], value[::-1]]


def of_dict(value):
    pairs = list(value.items())
    return [{}, dict(pairs[:-1]), dict(pairs[::-1])]
