"""Makes the neighbours of calls with literal arguments; runs in the child of `runner.parsing`, on the standard library alone."""

import ast
import json
import random

MOST_DEEP = 60
"""Neighbours of one call."""
LONGEST = 4000
MADE, NAMED = "\0made", "\0named"


def around(content, _version):
    """JSON of `[args, kwargs]` texts, of which each list of `content` has many: `{"seed": …, "most": …, "calls": [[…], …]}`.

    The answer has one entry for each list: which of its calls are literals, and the neighbours of these that were chosen.
    """
    asked = json.loads(content)
    return json.dumps([chosen(asked["seed"], name, calls, asked["most"]) for name, calls in asked["calls"]])


def chosen(seed, name, calls, most):
    """For the calls of one function, whether each is literal, and at most `most` neighbours, each of which is in no call."""
    read = [literal(*call) for call in calls]
    seen = {texts(*pair) for pair in read if pair is not None}
    order, found = random.Random("%s %s" % (seed, name)), []
    for pair in read:
        every = [texts(*other) for other in varied(*pair)] if pair is not None else []
        order.shuffle(every)
        found.append(every)
    picked = []
    while any(found) and len(picked) < most:  # in turn, so that each recorded call has its share
        for every in found:
            other = every.pop() if every else None
            if other is not None and other not in seen and len(picked) < most:
                seen.add(other)
                picked.append(other)
    return {"literal": [pair is not None for pair in read], "neighbours": picked}


def literal(args, kwargs):
    try:
        pair = ast.literal_eval(args), ast.literal_eval(kwargs)
    except (ValueError, TypeError, SyntaxError):
        return None
    return pair if type(pair[0]) is tuple and type(pair[1]) is dict and all(type(key) is str for key in pair[1]) else None


def texts(args, kwargs):
    return repr(args), repr(kwargs)


def varied(args, kwargs):
    """The calls in which one argument is a neighbour of what it was."""
    found = []
    for at, value in enumerate(args):
        found += [((*args[:at], other, *args[at + 1 :]), kwargs) for other in beside(value)]
    for name, value in kwargs.items():
        found += [(args, dict(kwargs, **{name: other})) for other in beside(value)]
    return [pair for pair in found[:MOST_DEEP] if all(len(text) <= LONGEST for text in texts(*pair))]


def beside(value):
    """Values of the same type near a literal; of an object that `objects.py` has spelt, those with a neighbour among its arguments."""
    kind = type(value)
    if kind is tuple and value[:1] == (NAMED,):
        return []
    if kind is tuple and value[:1] == (MADE,):
        return [(*value[:2], pair) for pair in varied(*value[2])]
    if kind is bool:
        return [not value]
    if kind in (int, float):
        others = [value + 1, value - 1, kind(0), -value]
    elif kind in (str, bytes):
        others = of_text(value)
    elif kind in (list, tuple):
        others = of_list(value)
    elif kind is dict:
        others = of_dict(value)
    elif kind is set:
        others = [set(), set(sorted(value, key=repr)[1:])]
    else:
        others = []
    return [other for at, other in enumerate(others) if other != value and other not in others[:at]]


def of_text(value):
    middle = len(value) // 2
    letter = value[middle : middle + 1]
    another = (b"b" if letter == b"a" else b"a") if type(value) is bytes else ("b" if letter == "a" else "a")
    changed = value[:middle] + another + value[middle + 1 :]
    return [value[:0], value + value, changed, value.swapcase(), value[:-1]]


def of_list(value):
    found = [value[:0], value[:-1], value + value[-1:], value[::-1]]
    for at, item in enumerate(value[:3]):
        found += [value[:at] + type(value)([other]) + value[at + 1 :] for other in beside(item)[:3]]
    return found


def of_dict(value):
    pairs = list(value.items())
    found = [{}, dict(pairs[:-1]), dict(pairs[::-1])]
    if pairs:
        found += [{**value, name: other} for name, inner in pairs[:3] for other in beside(inner)[:3]]
    return found
