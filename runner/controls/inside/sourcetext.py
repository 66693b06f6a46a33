"""What texts and numbers one Python file spells, however it puts them together; used inside the child of `runner.parsing`."""

import ast
import base64
import codecs
import operator
import posixpath
import re
import string

MOST_TEXT = 4000
_SPECS = re.compile(r"%[sdrc%]|\{\}|\{\d\}|[^%{}]")
_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.FloorDiv: operator.floordiv,
}
_OF_NUMBERS = {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.RShift: operator.rshift}
_GROWING = {ast.Pow: operator.pow, ast.LShift: operator.lshift}
_CONSTANTS = {"os.sep": "/", "os.path.sep": "/", "os.curdir": ".", "os.pardir": "..", "os.extsep": ".", "posixpath.sep": "/"}
_CONSTANTS.update((f"string.{name}", getattr(string, name)) for name in ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits"))
_METHODS = {"upper", "lower", "strip", "lstrip", "rstrip", "title", "swapcase", "capitalize", "replace", "split", "decode", "encode", "hex"}
_METHODS |= {"casefold", "removeprefix", "removesuffix", "rsplit", "splitlines"}


class Texts:
    """The constants that expressions of one file are; `Names` tells what its names stand for."""

    def text(self, node):
        """A text that is written out, or put together from what is; empty when it cannot be told."""
        value = self.fold(node)
        return value if isinstance(value, str) else ""

    def fold(self, node, bound=None):
        """The constant that an expression is, as text, bytes, number or list; None when it is none, or large."""
        if type(node) not in _FOLDS:
            return None
        return self.bounded(node, bound) if bound else self.once(self.folded, node, self.bounded, None)

    def bounded(self, node, bound=None):
        try:
            value = _FOLDS[type(node)](self, node, bound or {})
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None
        if isinstance(value, (int, float)):
            return value if abs(value) < 2**64 else None
        return value if isinstance(value, (str, bytes, list)) and len(value) <= MOST_TEXT else None

    def constant(self, node, _bound):
        return node.value

    def named_value(self, node, bound):
        if node.id in bound:
            return bound[node.id]
        for value in self.all_of(node.id):
            found = self.fold(value)
            if found is not None:
                return found
        return _CONSTANTS[self.dotted(node)]

    def attribute(self, node, _bound):
        return _CONSTANTS[self.dotted(node)]

    def listed(self, node, bound):
        values = [self.fold(each, bound) for each in node.elts[:MOST_TEXT]]
        return None if None in values else values

    def joined(self, node, bound):
        return "".join(str(self.needed(getattr(each, "value", None) if self.plain(each) else each, bound)) for each in node.values)

    @staticmethod
    def plain(node):
        return type(node) is ast.FormattedValue and node.format_spec is None and node.conversion == -1

    def needed(self, node, bound):
        value = self.fold(node, bound)
        if value is None:
            raise ValueError
        return value

    def arithmetic(self, node, bound):
        if type(node.op) is ast.Add and not bound:
            return self.added(node)
        left, right = self.needed(node.left, bound), self.needed(node.right, bound)
        if type(node.op) is ast.Mod and isinstance(left, str):
            return self.filled(left, lambda: left % (tuple(right) if isinstance(right, list) else right))
        if type(node.op) is ast.Mod:
            return left % right
        if type(node.op) is ast.Div and isinstance(left, str):
            return posixpath.join(left, right)
        if type(node.op) in _OF_NUMBERS or type(node.op) in _GROWING:
            small = type(node.op) in _OF_NUMBERS or (abs(left) < 2**32 and abs(right) <= 64)
            return {**_OF_NUMBERS, **_GROWING}[type(node.op)](left, right) if small and is_number(left) and is_number(right) else None
        return _ARITHMETIC[type(node.op)](left, right)

    def added(self, node):
        """A long sum, from its left end on, so that no sum is too long."""
        sums = [node]
        while type(sums[-1].left) is ast.BinOp and type(sums[-1].left.op) is ast.Add:
            sums.append(sums[-1].left)
        value = self.fold(sums[-1].left)
        for each in reversed(sums):
            value = self.folded[id(each)] = joined(value, self.fold(each.right))
        return value

    @staticmethod
    def filled(pattern, fill):
        """Widths are not filled, since a text of any length could be asked for."""
        return fill() if not _SPECS.sub("", pattern) else None

    def sliced(self, node, bound):
        value = self.needed(node.value, bound)
        if type(node.slice) is not ast.Slice:
            return value[self.needed(node.slice, bound)]
        ends = [each and self.needed(each, bound) for each in (node.slice.lower, node.slice.upper, node.slice.step)]
        return value[slice(*ends)]

    def negative(self, node, bound):
        return -self.needed(node.operand, bound) if type(node.op) is ast.USub else None

    def comprehended(self, node, bound):
        (part,) = node.generators
        if part.ifs or type(part.target) is not ast.Name:
            return None
        return [self.needed(node.elt, dict(bound, **{part.target.id: each})) for each in list(self.needed(part.iter, bound))[:200]]

    def calculated(self, node, bound):  # noqa: PLR0911  one call after another
        if node.keywords:
            return None
        name = self.dotted(node.func)
        args = [] if name == "builtins.map" else [self.needed(each, bound) for each in node.args]
        if name == "builtins.map":
            made = {"builtins.chr": chr, "builtins.str": str}[self.dotted(node.args[0])]
            return [made(each) for each in self.needed(node.args[1], bound)]
        if name in _CALLS:
            return _CALLS[name](*args)
        if type(node.func) is not ast.Attribute:
            return None
        owner, method = self.needed(node.func.value, bound), node.func.attr
        if method == "join":
            return owner.join(args[0])
        if method == "format":
            return self.filled(owner, lambda: owner.format(*args))
        return getattr(owner, method)(*args) if method in _METHODS and isinstance(owner, (str, bytes)) else None


def is_number(value):
    return isinstance(value, (int, float))


def joined(left, right):
    """The sum of two constants; None when they are none, do not go together, or are large."""
    if is_number(left) and is_number(right):
        return left + right
    alike = isinstance(left, (str, bytes, list)) and type(left) is type(right)
    return left + right if alike and len(left) + len(right) <= MOST_TEXT else None


_CALLS = {
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.str": lambda one, *rest: one.decode(*rest) if rest else str(one),
    "builtins.bytes": lambda one, *_: bytes(one) if isinstance(one, list) else one.encode() if isinstance(one, str) else None,
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.reversed": lambda one: list(reversed(one)),
    "builtins.list": list,
    "builtins.tuple": list,
    "base64.b64decode": base64.b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    **dict.fromkeys(("os.path.join", "posixpath.join", "pathlib.Path", "pathlib.PurePath", "pathlib.PurePosixPath"), posixpath.join),
    "codecs.decode": lambda one, how: codecs.decode(one, how) if how in ("rot13", "rot_13", "utf-8", "hex") else None,
    "codecs.encode": lambda one, how: codecs.encode(one, how) if how in ("rot13", "rot_13", "utf-8") else None,
}
_FOLDS = {
    ast.Constant: Texts.constant,
    ast.Name: Texts.named_value,
    ast.Attribute: Texts.attribute,
    ast.List: Texts.listed,
    ast.Tuple: Texts.listed,
    ast.JoinedStr: Texts.joined,
    ast.BinOp: Texts.arithmetic,
    ast.UnaryOp: Texts.negative,
    ast.Subscript: Texts.sliced,
    ast.GeneratorExp: Texts.comprehended,
    ast.ListComp: Texts.comprehended,
    ast.Call: Texts.calculated,
}
