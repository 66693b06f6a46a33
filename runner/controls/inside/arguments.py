"""Makes the arguments of calls from their texts: literals, with objects in them as `objects.py` has spelt them.

A text for the sandbox's own Python (3.8 or newer, standard library only), executed by probe_calls.py with a copy of the builtins.
"""

import ast
import sys

_parse, _literal, _eval, _modules = ast.parse, ast.literal_eval, eval, sys.modules
MAKERS = {"set": set, "frozenset": frozenset, "float": float, "bytearray": bytearray}
MADE, NAMED = "\0made", "\0named"
NUMBERS = {"inf": float("inf"), "nan": float("nan")}


def built(node):
    """The value of a literal, of a set's or a float's constructor, or of `inf` and `nan`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS and not node.keywords:
        return MAKERS[node.func.id](*map(built, node.args))
    if isinstance(node, ast.Name) and node.id in NUMBERS:
        return NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, (ast.Name, ast.Call)):
        return -built(node.operand)
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        kind = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
        return kind([built(item) for item in node.elts])
    if isinstance(node, ast.Dict):
        return {built(key): built(value) for key, value in zip(node.keys, node.values)}  # noqa: B905  Python 3.8
    return _literal(node)


def reached(address):
    """What a `module:name` leads to."""
    module, _, names = address.partition(":")
    __import__(module)
    found = _modules[module]
    for name in names.split("."):
        found = getattr(found, name)
    return found


def revived(value):
    """A value with the objects in it that `objects.py` has spelt."""
    kind = type(value)
    if kind is tuple and value[:1] == (MADE,):
        args, kwargs = value[2]
        return reached(value[1])(*revived(args), **revived(kwargs))
    if kind is tuple and value[:1] == (NAMED,):
        return reached(value[1])
    if kind in (tuple, list, set):
        return kind([revived(part) for part in value])
    if kind is dict:
        return {revived(key): revived(part) for key, part in value.items()}
    return value


def is_fixed(node):
    """Whether nothing can alter what an expression gives: constants, and tuples of such."""
    if isinstance(node, ast.UnaryOp):
        return is_fixed(node.operand)
    if isinstance(node, ast.Tuple):
        return all(map(is_fixed, node.elts))
    return isinstance(node, ast.Constant) and node.value not in (MADE, NAMED)


class Expression:
    """A literal: read once, and made anew for each call, which may alter it."""

    def __init__(self, text):
        parsed = _parse(text, mode="eval")
        built(parsed.body)  # raises where it is no literal
        self._code = compile(parsed, "<arguments>", "eval")
        self.body = parsed.body
        self.is_spelt = any(isinstance(node, ast.Constant) and node.value in (MADE, NAMED) for node in ast.walk(parsed))

    def value(self):
        value = _eval(self._code, {"__builtins__": {}, **MAKERS, **NUMBERS})
        return revived(value) if self.is_spelt else value


class Arguments:
    """The arguments of one item."""

    def __init__(self, item, show):
        self._args, self._kwargs = Expression(item["args"]), Expression(item["kwargs"])
        self._own = Expression(item["self"]) if item.get("self") else None
        self._show, self._given = show, None
        self._is_fixed = is_fixed(self._args.body) and all(map(is_fixed, self._kwargs.body.values))  # a call gets a copy of the dictionary
        self._is_spelt = self._args.is_spelt or self._kwargs.is_spelt

    def made(self):
        """Positional and named ones, and a text that tells of them."""
        args, kwargs = self._args.value(), self._kwargs.value()
        if self._is_spelt or self._given is None:
            self._given = self._show((args, kwargs))
        return args, kwargs, self._given

    def after(self, args, kwargs):
        """What tells of them once they were given."""
        return self._given if self._is_fixed else self._show((args, kwargs))

    def own(self):
        """Those that the object is made with whose method is called."""
        return self._own.value() if self._own is not None else ((), {})
